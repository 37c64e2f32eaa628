//! The state of one root context, and what both directions share: collect a
//! flow, judge a request, tell, act.

use std::borrow::Cow;
use std::rc::Rc;

use super::flow::{Flow, Flows};
use super::gate::Gate;
use super::respond;
use crate::decision::{
    Case, Cause, CertificateSource, Certificates, ConnectionFacts, Direction, Evidence, Finding,
    Outcome, Policy, RequestFacts, RuleIndex, Transport, Verdict, decide, host_of,
    obliging_reading, path_of, without_evidence,
};
use crate::host::attributes::{self, Path};
use crate::host::{Host, forwarded};
use crate::telemetry::{Reporter, Subject, metrics};
use crate::trust::SignatureVerifier;

/// What a filter tells its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Go on.
    Continue,
    /// Stop here: the request waits, or was answered.
    Stop,
}

/// The state of one root context.
pub struct Guard<H> {
    pub(super) host: H,
    pub(super) direction: Direction,
    pub(super) policy: Policy,
    pub(super) flows: Flows,
    pub(super) gate: Gate,
    pub(super) reporter: Reporter,
    pub(super) key: Vec<u8>,
    certificates: Certificates,
    credential_headers: Vec<String>,
    tick_ms: u32,
    /// A wake-up was asked for and has not come yet.
    pub(super) wake_is_due: bool,
    /// The time of the last tick, in seconds, while ticks come often.
    ticked_at: Option<i64>,
}

impl<H: Host> Guard<H> {
    /// A guard under this policy; `root` goes into the ids of events.
    pub fn new(
        host: H,
        root: u32,
        direction: Direction,
        policy: Policy,
        verifier: Box<dyn SignatureVerifier>,
    ) -> Self {
        let mut credential_headers: Vec<String> = policy
            .rules(direction)
            .credential_headers()
            .map(str::to_owned)
            .collect();
        credential_headers.sort_unstable();
        credential_headers.dedup();
        Self {
            gate: Gate::new(policy.gate.max_pending, policy.gate.timeout_ms),
            host,
            direction,
            policy,
            flows: Flows::default(),
            reporter: Reporter::new(root),
            key: Vec::new(),
            certificates: Certificates::new(verifier),
            credential_headers,
            tick_ms: 0,
            wake_is_due: false,
            ticked_at: None,
        }
    }

    /// The proxy.
    pub const fn host(&self) -> &H {
        &self.host
    }

    /// Which side this guard is on.
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// The time in seconds. While the timer ticks for the counters, the time of
    /// its last tick is near enough, and spares each request a host call.
    pub(super) fn now_seconds(&self) -> i64 {
        self.ticked_at
            .unwrap_or_else(|| seconds(self.host.now_nanos()))
    }

    /// Text of the host, for patterns and events: what is not UTF-8 matches no
    /// pattern but a wildcard, and stays visible as such.
    pub(super) fn text(&self, path: Path) -> Option<String> {
        self.host
            .property(path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Judges the current request on a connection that was not looked at
    /// before, and remembers the connection under `key`, if any.
    pub(super) fn judge_new_flow(
        &mut self,
        key: Option<&[u8]>,
        facts: ConnectionFacts,
        evidence: Evidence,
        now: i64,
    ) -> Rc<Verdict> {
        let candidates = self
            .flows
            .candidates(self.policy.rules(self.direction), &facts);
        let mut flow = Flow {
            facts,
            evidence,
            candidates,
            verdict: None,
            needs_server_name: false,
        };
        let verdict = self.judge(&flow, now);
        if flow.candidates.len() == 1 && !verdict.rule.depends_on_request(&flow.facts) {
            flow.verdict = Some(Rc::clone(&verdict));
        }
        self.count_misses();
        self.tell_notices(&verdict, &flow);
        if let Some(key) = key {
            self.flows.insert(key, Rc::new(flow));
        }
        verdict
    }

    /// Judges the current request on a known connection.
    pub(super) fn judge(&mut self, flow: &Flow, now: i64) -> Rc<Verdict> {
        let rules = self.policy.rules(self.direction);
        let looks_at_request = flow.candidates.len() > 1
            || flow.candidates.iter().any(|i| {
                rules
                    .rule(*i)
                    .is_some_and(|r| r.depends_on_request(&flow.facts))
            });
        let request = looks_at_request.then(|| self.request_facts());
        let request = request.unwrap_or_default();
        let rule = rules.first_match(&flow.candidates, &request);
        if self.is_read_otherwise(flow, &request, rule.0) {
            let detail = "its path can be read in two ways, and each has another rule";
            let (index, rule) = self.policy.rules(self.direction).default_rule();
            return Rc::new(without_evidence(
                (index, rule),
                Cause::PathAmbiguous,
                detail,
            ));
        }
        let case = Case {
            direction: self.direction,
            facts: &flow.facts,
            request: &request,
            evidence: &flow.evidence,
            now,
        };
        let mut source = HostCertificate {
            host: &self.host,
            direction: self.direction,
        };
        Rc::new(decide(
            &case,
            &self.policy,
            rule,
            &mut self.certificates,
            &mut source,
        ))
    }

    /// Whether another reading of the path leads to another rule than `rule`.
    fn is_read_otherwise(&self, flow: &Flow, request: &RequestFacts, rule: RuleIndex) -> bool {
        let Some(path) = &request.path else {
            return false;
        };
        match obliging_reading(path) {
            Cow::Borrowed(_) => false,
            Cow::Owned(reading) => {
                let request = RequestFacts {
                    path: Some(reading),
                    ..request.clone()
                };
                let rules = self.policy.rules(self.direction);
                rules.first_match(&flow.candidates, &request).0 != rule
            }
        }
    }

    fn request_facts(&self) -> RequestFacts {
        let header = |name: &str| {
            self.host
                .request_header(name)
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        let looks_at = self.policy.rules(self.direction).looks_at();
        RequestFacts {
            host: looks_at
                .host
                .then(|| header(":authority"))
                .flatten()
                .map(|a| host_of(&a)),
            path: looks_at
                .path
                .then(|| header(":path"))
                .flatten()
                .map(|p| path_of(&p).to_owned()),
            headers: self
                .credential_headers
                .iter()
                .filter(|name| {
                    self.host
                        .request_header(name)
                        .is_some_and(|v| !v.is_empty())
                })
                .cloned()
                .collect(),
        }
    }

    fn count_misses(&mut self) {
        let direction = self.direction.as_str();
        let counts = self.certificates.take_counts();
        let evicted = i64::try_from(self.flows.take_evicted()).unwrap_or(i64::MAX);
        let metrics = &mut self.reporter.metrics;
        metrics.certificate_cache(&self.host, self.direction, counts);
        metrics.add(&self.host, &metrics::FLOW_CACHE, &[direction, "miss"], 1);
        metrics.add(
            &self.host,
            &metrics::FLOW_CACHE,
            &[direction, "eviction"],
            evicted,
        );
    }

    fn tell_notices(&mut self, verdict: &Verdict, flow: &Flow) {
        if verdict.notices.is_empty() {
            return;
        }
        let request_id = self.request_id();
        let subject = Subject {
            direction: self.direction,
            facts: &flow.facts,
            evidence: Some(&flow.evidence),
            attempt: None,
            request_id: request_id.as_deref(),
        };
        self.reporter.notices(&self.host, verdict, &subject);
    }

    pub(super) fn request_id(&self) -> Option<String> {
        self.host
            .request_header("x-request-id")
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Counts a verdict, writes its event where it is worth one, and answers
    /// the request where it is denied.
    pub(super) fn act(
        &mut self,
        verdict: &Verdict,
        subject: impl FnOnce(&Self) -> (ConnectionFacts, Option<Evidence>, Option<u64>),
    ) -> Step {
        self.reporter.count(&self.host, self.direction, verdict);
        match verdict.outcome {
            Outcome::Permit | Outcome::Waived => {
                if self.reporter.metrics.has_begun_a_batch() {
                    self.schedule();
                }
                return Step::Continue;
            }
            Outcome::WouldDeny | Outcome::Deny => {}
        }
        let (facts, evidence, attempt) = subject(self);
        let request_id = self.request_id();
        let subject = Subject {
            direction: self.direction,
            facts: &facts,
            evidence: evidence.as_ref(),
            attempt,
            request_id: request_id.as_deref(),
        };
        let id = self.reporter.finding(&self.host, verdict, &subject);
        self.schedule();
        if verdict.outcome == Outcome::WouldDeny {
            return Step::Continue;
        }
        respond::deny(&self.host, self.direction, &id);
        Step::Stop
    }

    /// Writes an event that is no decision.
    pub(super) fn warn(
        &mut self,
        kind: crate::telemetry::Kind,
        finding: &Finding,
        verdict: &Verdict,
        facts: &ConnectionFacts,
    ) {
        let request_id = self.request_id();
        let subject = Subject {
            direction: self.direction,
            facts,
            evidence: None,
            attempt: self.attempt(),
            request_id: request_id.as_deref(),
        };
        self.reporter
            .warning(&self.host, kind, finding, verdict, &subject);
        self.schedule();
    }

    /// Which attempt of the request this is, upstream.
    pub(super) fn attempt(&self) -> Option<u64> {
        if self.direction == Direction::Downstream {
            return None;
        }
        let bytes = self.host.property(attributes::UPSTREAM_ATTEMPT)?;
        <[u8; 8]>::try_from(bytes).ok().map(u64::from_le_bytes)
    }

    /// Sets the timer to what is due next, and none while nothing is.
    pub(super) fn schedule(&mut self) {
        let now = self.host.now_nanos();
        let look = self.gate.next_look(now);
        if look.soon && !self.wake_is_due {
            self.wake_is_due = self.host.wake_soon();
        }
        let flush = self
            .reporter
            .next_flush(now)
            .map(|nanos| u32::try_from(nanos.div_ceil(1_000_000).max(1)).unwrap_or(u32::MAX));
        let tick_ms = match (look.after_ms, flush) {
            (Some(a), Some(b)) => a.min(b),
            (a, b) => a.or(b).unwrap_or(0),
        };
        if tick_ms != self.tick_ms {
            self.tick_ms = tick_ms;
            self.host.set_tick(tick_ms);
        }
        self.ticked_at = (1..=metrics::BATCH_MS)
            .contains(&tick_ms)
            .then(|| seconds(now));
    }

    /// The timer fired.
    pub fn on_tick(&mut self) {
        // A wake-up that has not come by now may never come.
        self.wake_is_due = false;
        self.reporter.flush(&self.host, false);
        let due = self.gate.look(self.host.now_nanos());
        self.look_at(due);
    }

    /// The last chance to print what was folded.
    pub fn on_shutdown(&mut self) {
        self.reporter.flush(&self.host, true);
    }
}

/// Whole seconds of a time in nanoseconds.
pub(super) fn seconds(nanos: u64) -> i64 {
    i64::try_from(nanos / 1_000_000_000).unwrap_or(i64::MAX)
}

/// The peer's certificate, read from the host when a verdict needs it.
struct HostCertificate<'a, H> {
    host: &'a H,
    direction: Direction,
}

impl<H: Host> CertificateSource for HostCertificate<'_, H> {
    fn certificate(&mut self, may_be_forwarded: bool) -> Option<Vec<u8>> {
        let path = match self.direction {
            Direction::Downstream => attributes::CONNECTION_PEER_CERTIFICATE,
            Direction::Upstream => attributes::UPSTREAM_PEER_CERTIFICATE,
        };
        self.host
            .property(path)
            .filter(|pem| !pem.is_empty())
            .or_else(|| {
                let header = self
                    .host
                    .request_header("x-forwarded-client-cert")
                    .filter(|_| may_be_forwarded)?;
                forwarded::certificate(&header)
            })
    }
}

/// The transport that a TLS version attribute tells of.
pub(super) fn transport_of(tls_version: &[u8]) -> Transport {
    crate::decision::TlsVersion::from_envoy(tls_version)
        .map_or(Transport::TlsUnknown, Transport::Tls)
}
