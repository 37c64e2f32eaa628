//! Metrics: fixed names, bounded dimensions, minted when first needed.
//!
//! Labels are written as `tag.=.value;.` before the last part of the name, the
//! form that Istio extracts (Envoy drops a dot at the end of a name, and with it
//! the last label would be lost); `envoy/envoy.yaml` has the `stats_tags` for
//! plain Envoy. No label holds
//! anything that a peer chose: rule names are the operator's, and checked.

use hashbrown::HashMap;

use crate::decision::{CacheCounts, Cause, Direction, Outcome, Verdict};
use crate::host::{Host, MetricId, MetricKind};

/// A metric that the plugin can report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// The name without the labels.
    pub name: &'static str,
    /// Counter or gauge.
    pub kind: MetricKind,
    /// The labels, in order.
    pub labels: &'static [&'static str],
    /// What it counts.
    pub meaning: &'static str,
}

/// Decisions: one for each request (and each upstream attempt).
pub const DECISIONS: Description = Description {
    name: "hopguard.decisions",
    kind: MetricKind::Counter,
    labels: &["direction", "verdict", "control", "cause", "rule"],
    meaning: "Requests judged (upstream, each attempt), and the hops of TCP connections, each once (of a connection that is denied for its client's hop, that one alone). Without a finding, control and cause are `none`.",
};
/// Things to look at that deny nothing.
pub const WARNINGS: Description = Description {
    name: "hopguard.warnings",
    kind: MetricKind::Counter,
    labels: &["direction", "cause", "rule"],
    meaning: "Decisions with something to look at that denied nothing (a peer let through unverified, a certificate or waiver near its end): each one, while its event comes once a day.",
};
/// Connections that failed.
pub const TLS_FAILURES: Description = Description {
    name: "hopguard.tls_failures",
    kind: MetricKind::Counter,
    labels: &["direction", "cause", "rule"],
    meaning: "Attempts to connect to an upstream that failed, and handshakes of clients that did; each once, whichever roles saw it.",
};
/// Events.
pub const EVENTS: Description = Description {
    name: "hopguard.events",
    kind: MetricKind::Counter,
    labels: &["result"],
    meaning: "Events by what became of them: `logged`, or `folded` into a summary.",
};
/// Events on their way to a collector.
pub const EXPORTS: Description = Description {
    name: "hopguard.exports",
    kind: MetricKind::Counter,
    labels: &["result"],
    meaning: "Events for the collector by what became of them: `exported`, `failed` (refused, or given up after five tries), `dropped` (never sent, for want of room).",
};
/// Verdicts on certificates.
pub const CERTIFICATE_CACHE: Description = Description {
    name: "hopguard.certificate_cache",
    kind: MetricKind::Counter,
    labels: &["direction", "result"],
    meaning: "Verdicts on certificates looked up: `hit`, `miss` (judged anew), `eviction` (dropped for want of room).",
};
/// Connections judged before.
pub const FLOW_CACHE: Description = Description {
    name: "hopguard.flow_cache",
    kind: MetricKind::Counter,
    labels: &["direction", "result"],
    meaning: "Connections looked up: `miss` (facts collected anew), `eviction`. Hits are the decisions that were no miss.",
};
/// Requests that wait for a connection.
pub const GATE_PENDING: Description = Description {
    name: "hopguard.gate_pending",
    kind: MetricKind::Gauge,
    labels: &[],
    meaning: "Requests and TCP connections that wait for their upstream connection now.",
};
/// Requests that had to wait.
pub const GATE_WAITS: Description = Description {
    name: "hopguard.gate_waits",
    kind: MetricKind::Counter,
    labels: &["result"],
    meaning: "Requests and TCP connections that had to wait for their upstream connection, by how it ended: `judged`, `timeout`, `superseded`, `gone` (client or connection), `overflow` (did not wait: too many did).",
};
/// Evidence of revocation that was fetched.
pub const REVOCATION_FETCHES: Description = Description {
    name: "hopguard.revocation_fetches",
    kind: MetricKind::Counter,
    labels: &["source", "result"],
    meaning: "Requests for evidence by what they brought: `ocsp` with `good`, `revoked`, `unknown`; `crl` with `loaded`, `unchanged`; both with `unreachable`, `invalid`, `stale`.",
};
/// Configurations.
pub const CONFIGURATIONS: Description = Description {
    name: "hopguard.configurations",
    kind: MetricKind::Counter,
    labels: &["result"],
    meaning: "Policies by what became of them: `accepted`, `rejected`. One for each worker and role, and the main thread.",
};
/// What is wrong with the proxy's own posture.
pub const POSTURE_CONDITIONS: Description = Description {
    name: "hopguard.posture_conditions",
    kind: MetricKind::Gauge,
    labels: &["cause", "use"],
    meaning: "Role `posture`: certificates, listeners or pages of the admin interface of which this is wrong now. `use` is `presented` or `trusted` for certificates, else `none`.",
};
/// Certificates of the proxy.
pub const POSTURE_CERTIFICATES: Description = Description {
    name: "hopguard.posture_certificates",
    kind: MetricKind::Gauge,
    labels: &["use"],
    meaning: "Role `posture`: certificates that Envoy has, by the last answer.",
};
/// When the first of them ends.
pub const POSTURE_FIRST_EXPIRY_DAYS: Description = Description {
    name: "hopguard.posture_first_expiry_days",
    kind: MetricKind::Gauge,
    labels: &["use"],
    meaning: "Role `posture`: whole days until the first certificate ends, 0 where one has ended, by the last answer that has one.",
};
/// Looks at the admin interface.
pub const POSTURE_LOOKS: Description = Description {
    name: "hopguard.posture_looks",
    kind: MetricKind::Counter,
    labels: &["result"],
    meaning: "Role `posture`: requests to the admin interface by what became of them: `read`, `unreachable`, `invalid`.",
};

/// All metrics, in the order of the table in `docs/telemetry.md`.
pub const ALL: [&Description; 15] = [
    &DECISIONS,
    &WARNINGS,
    &TLS_FAILURES,
    &EVENTS,
    &EXPORTS,
    &CERTIFICATE_CACHE,
    &FLOW_CACHE,
    &GATE_PENDING,
    &GATE_WAITS,
    &REVOCATION_FETCHES,
    &CONFIGURATIONS,
    &POSTURE_CONDITIONS,
    &POSTURE_CERTIFICATES,
    &POSTURE_FIRST_EXPIRY_DAYS,
    &POSTURE_LOOKS,
];

impl Description {
    /// The host's name of this metric with these label values.
    pub fn with(&self, values: &[&str]) -> String {
        let (mut name, last) = match self.name.rsplit_once('.') {
            Some((first, last)) => (first.to_owned(), last),
            None => (String::new(), self.name),
        };
        for (label, value) in self.labels.iter().zip(values) {
            for part in [".", label, ".=.", value, ";"] {
                name.push_str(part);
            }
        }
        name.push('.');
        name.push_str(last);
        name
    }
}

/// The metrics of one root context.
#[derive(Debug, Default)]
pub struct Metrics {
    decisions: HashMap<(Direction, u16, Outcome, Option<Cause>), Counter>,
    warnings: HashMap<(Direction, u16, Cause), Counter>,
    /// Decisions that the host was not told of yet.
    batched: u64,
    /// Warnings that the host was not told of yet.
    batched_warnings: u64,
    others: HashMap<(&'static str, Vec<Box<str>>), Option<MetricId>>,
}

/// One counter of decisions or warnings.
#[derive(Debug)]
struct Counter {
    id: Option<MetricId>,
    /// Counted, and not told to the host yet.
    batched: i64,
}

impl Counter {
    fn new(host: &impl Host, metric: &Description, values: &[&str]) -> Self {
        Self {
            id: host.define_metric(metric.kind, &metric.with(values)),
            batched: 0,
        }
    }
}

/// How long a permit may be counted before the host is told, in milliseconds.
///
/// Telling costs about a microsecond; ten times a second is nothing, and finer
/// than any scrape.
pub const BATCH_MS: u32 = 100;

impl Metrics {
    /// Counts a decision, and under each cause of its notices. The host is told of
    /// a denial at once, of all else with [`Metrics::flush`].
    pub fn decision(&mut self, host: &impl Host, direction: Direction, verdict: &Verdict) {
        let cause = verdict.primary().map(|f| f.cause);
        let key = (direction, verdict.rule_index, verdict.outcome, cause);
        let counter = self.decisions.entry(key).or_insert_with(|| {
            let values = [
                direction.as_str(),
                verdict.outcome.as_str(),
                verdict.primary().map_or("none", |f| f.requirement.as_str()),
                cause.map_or("none", Cause::code),
                &verdict.rule.name,
            ];
            Counter::new(host, &DECISIONS, &values)
        });
        if verdict.outcome < Outcome::WouldDeny {
            counter.batched += 1;
            self.batched += 1;
        } else if let Some(id) = counter.id {
            host.add_metric(id, 1);
        }
        for (index, notice) in verdict.notices.iter().enumerate() {
            let mut earlier = verdict.notices.iter().take(index);
            // Two controls may have one waiver.
            if earlier.all(|other| other.cause != notice.cause) {
                self.warning(host, direction, verdict, notice.cause);
            }
        }
    }

    fn warning(&mut self, host: &impl Host, direction: Direction, verdict: &Verdict, cause: Cause) {
        let key = (direction, verdict.rule_index, cause);
        let counter = self.warnings.entry(key).or_insert_with(|| {
            let values = [direction.as_str(), cause.code(), &verdict.rule.name];
            Counter::new(host, &WARNINGS, &values)
        });
        counter.batched += 1;
        self.batched_warnings += 1;
    }

    /// Whether the host was not told of some decisions or warnings yet.
    pub const fn has_batched(&self) -> bool {
        self.batched > 0 || self.batched_warnings > 0
    }

    /// Whether the last decision is the only one that it was not told of.
    pub const fn has_begun_a_batch(&self) -> bool {
        self.batched == 1
    }

    /// Tells the host of all decisions and warnings that it was not told of.
    pub fn flush(&mut self, host: &impl Host) {
        if !self.has_batched() {
            return;
        }
        (self.batched, self.batched_warnings) = (0, 0);
        for counter in self
            .decisions
            .values_mut()
            .chain(self.warnings.values_mut())
        {
            let n = std::mem::take(&mut counter.batched);
            if let Some(id) = counter.id.filter(|_| n > 0) {
                host.add_metric(id, n);
            }
        }
    }

    /// Adds to any other metric. `values` must come from bounded sets.
    pub fn add(&mut self, host: &impl Host, metric: &Description, values: &[&str], offset: i64) {
        if offset == 0 {
            return;
        }
        if let Some(id) = self.id(host, metric, values) {
            host.add_metric(id, offset);
        }
    }

    /// Sets a gauge that this root context alone has. `values` must come from
    /// bounded sets.
    pub fn set(&mut self, host: &impl Host, metric: &Description, values: &[&str], value: u64) {
        if let Some(id) = self.id(host, metric, values) {
            host.set_metric(id, value);
        }
    }

    fn id(&mut self, host: &impl Host, metric: &Description, values: &[&str]) -> Option<MetricId> {
        let key = (metric.name, values.iter().map(|v| Box::from(*v)).collect());
        *self
            .others
            .entry(key)
            .or_insert_with(|| host.define_metric(metric.kind, &metric.with(values)))
    }

    /// Adds what happened in the certificate cache.
    pub fn certificate_cache(&mut self, host: &impl Host, direction: Direction, c: CacheCounts) {
        for (result, n) in [
            ("hit", c.hits),
            ("miss", c.misses),
            ("eviction", c.evictions),
        ] {
            let n = i64::try_from(n).unwrap_or(i64::MAX);
            self.add(host, &CERTIFICATE_CACHE, &[direction.as_str(), result], n);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_written_for_istio() {
        assert_eq!(
            GATE_WAITS.with(&["judged"]),
            "hopguard.result.=.judged;.gate_waits"
        );
        assert_eq!(GATE_PENDING.with(&[]), "hopguard.gate_pending");
    }
}
