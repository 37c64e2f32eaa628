//! The way to a collector: OTLP logs over HTTP, through a cluster that the
//! policy names.

use super::event::Event;
use super::export::{Answer, Queue};
use super::metrics::{self, Metrics};
use super::otlp::{self, Resource};
use crate::decision::Collector;
use crate::host::attributes as at;
use crate::host::{CallAnswer, CallId, Host, Level};

/// Octets that are read of an answer: more than enough for a partial success with
/// a message (OTLP specification), and for Envoy's own words on a failed connection.
const MAX_ANSWER: usize = 16 * 1024;

/// Sends events to a collector.
#[derive(Debug)]
pub struct Exporter {
    collector: Collector,
    resource: Resource,
    queue: Queue,
    call: Option<CallId>,
}

impl Exporter {
    /// To this collector. The node's names are the resource, as Envoy's own
    /// OpenTelemetry sinks have it.
    pub fn new(host: &impl Host, collector: Collector) -> Self {
        let text = |path| {
            let bytes = host.property(path).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let cluster = text(at::NODE_CLUSTER);
        Self {
            collector,
            resource: Resource {
                service_name: if cluster.is_empty() {
                    // What OpenTelemetry wants where nobody named the service.
                    "unknown_service:envoy".to_owned()
                } else {
                    cluster
                },
                instance_id: text(at::NODE_ID),
            },
            queue: Queue::default(),
            call: None,
        }
    }

    /// The cluster that leads to the collector.
    pub fn cluster(&self) -> &str {
        &self.collector.cluster
    }

    /// Queues an event.
    pub fn push(&mut self, event: &Event, level: Level, now: u64) {
        self.queue.push(otlp::record(event, level, now), now);
    }

    /// The request that is due.
    pub fn take_due(&mut self, now: u64) -> Option<Request> {
        let body = {
            let records = self.queue.take_due(now)?;
            otlp::request(&self.resource, records)
        };
        Some(Request {
            collector: self.collector.clone(),
            body,
        })
    }

    /// The request that was due is on its way, or could not be sent.
    pub fn sent(&mut self, host: &impl Host, metrics: &mut Metrics, call: Option<CallId>) {
        self.call = call;
        if call.is_none() {
            // No such cluster, or no server in it.
            self.queue.answered(Answer::Later, host.now_nanos());
        }
        self.count(host, metrics);
    }

    /// Takes an answer, if it is to the call that is open.
    pub fn answered(
        &mut self,
        host: &impl Host,
        metrics: &mut Metrics,
        answer: &CallAnswer,
        now: u64,
    ) -> bool {
        if self.call != Some(answer.id) {
            return false;
        }
        self.call = None;
        let result = match Answer::of_status(answer.status) {
            Answer::Taken { .. } => Answer::Taken {
                rejected: rejected(&answer.body),
            },
            other => other,
        };
        self.queue.answered(result, now);
        self.count(host, metrics);
        true
    }

    /// When [`Exporter::send`] has something to do, in nanoseconds.
    pub fn next_due(&self, now: u64) -> Option<u64> {
        self.queue.next_due(now)
    }

    /// Counts what became of events.
    pub fn count(&mut self, host: &impl Host, metrics: &mut Metrics) {
        let counts = self.queue.take_counts();
        for (result, n) in [
            ("exported", counts.exported),
            ("failed", counts.failed),
            ("dropped", counts.dropped),
        ] {
            let n = i64::try_from(n).unwrap_or(i64::MAX);
            metrics.add(host, &metrics::EXPORTS, &[result], n);
        }
    }
}

/// A request to a collector.
///
/// It is sent apart from where it was made: the cluster may carry a hopguard
/// filter of its own, which Envoy then calls from within the call, and which must
/// find no role borrowed.
#[derive(Debug)]
pub struct Request {
    collector: Collector,
    body: String,
}

impl Request {
    /// Sends it. Only from a callback of the root context: the answer comes to the
    /// context that called.
    pub fn send(&self, host: &impl Host) -> Option<CallId> {
        let agent = concat!("hopguard/", env!("CARGO_PKG_VERSION"));
        let headers = [
            (":method", "POST"),
            (":path", &*self.collector.path),
            (":authority", &*self.collector.authority),
            ("content-type", "application/json"),
            ("user-agent", agent),
        ];
        let (cluster, timeout) = (&*self.collector.cluster, self.collector.timeout_ms);
        let body = self.body.as_bytes();
        host.call(cluster, &headers, body, timeout, MAX_ANSWER)
    }
}

/// `partialSuccess.rejectedLogRecords` of an answer: a number or, being a 64-bit
/// integer in the JSON of protobuf, a string.
fn rejected(body: &[u8]) -> u64 {
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let rejected = answer.pointer("/partialSuccess/rejectedLogRecords");
    rejected
        .and_then(|n| n.as_u64().or_else(|| n.as_str()?.parse().ok()))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_success_is_read() {
        for (body, expected) in [
            (&b"{}"[..], 0),
            (b"", 0),
            (br#"{"partialSuccess":{"rejectedLogRecords":"3"}}"#, 3),
            (br#"{"partialSuccess":{"rejectedLogRecords":3}}"#, 3),
            (br#"{"partialSuccess":{"rejectedLogRecords":-3}}"#, 0),
            (b"\xff", 0),
        ] {
            assert_eq!(rejected(body), expected);
        }
    }
}
