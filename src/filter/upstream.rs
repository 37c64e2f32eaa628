//! The `upstream` role: a cluster HTTP filter, and the gate that holds a
//! request until its connection shows what it is.
//!
//! In a cluster filter the headers may come before the connection is up
//! (Envoy 1.40; envoy issue 43540): `upstream.local_address` says whether it
//! is. The attributes are those of the request's latest attempt; with hedging
//! an earlier attempt still waits when a later one replaces them, so a waiting
//! request is judged only while the attempt is still its own.

use std::cell::Cell;
use std::rc::Rc;

use sha2::{Digest as _, Sha256};

use super::evidence;
use super::flow::{Flow, push_part};
use super::gate::Waiting;
use super::guard::{Guard, Step};
use super::request_id::RequestId;
use super::seen::Place;
use crate::decision::{Cause, ConnectionFacts, Direction, Evidence, Verdict, without_evidence};
use crate::host::Host;
use crate::host::attributes as at;

impl<H: Host> Guard<H> {
    /// The headers of a request came in, on their way to a connection.
    pub fn on_upstream_request(&mut self, stream: u32) -> Step {
        debug_assert_eq!(self.direction(), Direction::Upstream);
        if let Some(step) = self.judge_if_connected(false) {
            return step;
        }
        let host = &self.base.host;
        let attempt = evidence::attempt(host);
        let address = host.property(at::UPSTREAM_ADDRESS);
        // The router counts its attempts from 1; before it, in a listener, no
        // connection will ever show.
        if attempt.unwrap_or(0) == 0 && address.is_none() {
            return Step::Misplaced;
        }
        let mut waiting = Waiting::new(stream, host.now_nanos(), attempt, address);
        waiting.request_id = RequestId::of(host);
        waiting.awaits_connection = host.property(at::UPSTREAM_LOCAL_ADDRESS).is_none();
        if self.enter_gate(waiting) {
            return Step::Stop;
        }
        let detail = format!("{} requests were waiting already", self.gate.len());
        self.deny_without_evidence(Cause::GateOverflow, detail)
    }

    /// Lets go of those whose connection is up, and denies those whose time is
    /// over.
    pub(super) fn look_at_upstream(&mut self, waiting: Vec<Waiting>) {
        let now = self.base.host.now_nanos();
        for waiting in waiting {
            self.base.host.select(waiting.stream);
            let late = self.gate.is_late(&waiting, now);
            // One question first: most looks find nothing new.
            if !late
                && self
                    .base
                    .host
                    .property(at::UPSTREAM_LOCAL_ADDRESS)
                    .is_none()
            {
                continue;
            }
            let (result, step) = if self.is_superseded(&waiting) {
                // The later attempt may still succeed, and an answer to this
                // one would end the request; so this one goes on waiting, until
                // the router gives it up or its time is over.
                self.gate.supersede(waiting.stream);
                if !late {
                    continue;
                }
                ("superseded", self.deny_superseded(&waiting))
            } else if let Some(step) = self.judge_if_connected(late) {
                ("judged", step)
            } else if late {
                let detail = format!(
                    "no connection after {} ms",
                    self.judge.policy().gate.timeout_ms
                );
                let step = self.deny_without_evidence(Cause::GateTimeout, detail);
                ("timeout", step)
            } else {
                continue;
            };
            if self.leave_gate(waiting.stream).is_some() {
                self.base.count_wait(result);
            }
            if step == Step::Continue {
                self.base.host.resume();
            }
        }
        self.schedule();
    }

    /// A stream is over. Where it waited, its connection may have failed, and
    /// then the failure is the event.
    pub fn on_upstream_done(&mut self, stream: u32) {
        let Some(waiting) = self.leave_gate(stream) else {
            return;
        };
        if self.is_superseded(&waiting) {
            self.base.count_wait("superseded");
            self.schedule();
            return;
        }
        self.base.count_wait("gone");
        let (base, judge) = (&mut self.base, &mut self.judge);
        let id = waiting.request_id.as_ref();
        let place = Place::filter(self.root);
        self.failures.tell_of_request(base, judge, place, 0, id);
        self.schedule();
    }

    /// Whether the attributes are no longer those of this attempt.
    fn is_superseded(&self, waiting: &Waiting) -> bool {
        waiting.superseded
            || evidence::attempt(&self.base.host) != waiting.attempt
            || self.base.host.property(at::UPSTREAM_ADDRESS) != waiting.address
    }

    /// Judges and acts on the current stream; `None` while it is not connected, or
    /// while it is being asked whether the server's certificate is revoked, and
    /// there is time (not `late`).
    fn judge_if_connected(&mut self, late: bool) -> Option<Step> {
        let tls_version = self.base.host.property(at::UPSTREAM_TLS_VERSION);
        if tls_version.is_none() {
            self.base.host.property(at::UPSTREAM_LOCAL_ADDRESS)?;
        }
        let now = self.base.now_seconds();
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        self.fill_key(&mut key, tls_version.as_deref());
        let mut known = self.judge.known(&key, now);
        if known.as_ref().is_some_and(|flow| flow.needs_server_name) {
            self.push_server_name(&mut key);
            known = self.judge.known(&key, now);
        }
        let verdict = match known {
            Some(flow) => self.judge_known(&flow, now),
            None => self.judge_new_upstream(&mut key, tls_version.as_deref(), now),
        };
        self.key = key;
        if verdict.is_pending && !late {
            return None;
        }
        Some(self.act(&verdict, |guard| {
            let host = &guard.base.host;
            let looks_at = guard.judge.rules().looks_at();
            let evidence = evidence::upstream_evidence(host, looks_at, tls_version.as_deref());
            let facts = evidence::upstream_facts(host);
            (facts, evidence.ok(), evidence::attempt(host))
        }))
    }

    fn judge_new_upstream(
        &mut self,
        key: &mut Vec<u8>,
        tls_version: Option<&[u8]>,
        now: i64,
    ) -> Rc<Verdict> {
        let facts = evidence::upstream_facts(&self.base.host);
        let looks_at = self.judge.rules().looks_at();
        let evidence = match evidence::upstream_evidence(&self.base.host, looks_at, tls_version) {
            Ok(evidence) => evidence,
            Err(detail) => {
                return Rc::new(without_evidence(
                    self.judge.rules().default_rule(),
                    Cause::EvidenceUnreadable,
                    detail,
                ));
            }
        };
        self.distinguish_by_server_name(key, &facts, &evidence);
        self.judge_new_flow(Some(key), facts, evidence, now)
    }

    /// Where a rule that can apply compares the peer with the server name, the
    /// name joins the key, and a mark under the shorter key says so: only there
    /// is each request's server name asked for.
    fn distinguish_by_server_name(
        &mut self,
        key: &mut Vec<u8>,
        facts: &ConnectionFacts,
        evidence: &Evidence,
    ) {
        let candidates = self.judge.candidates(facts);
        let rules = self.judge.rules();
        let refers = candidates
            .iter()
            .filter_map(|index| rules.rule(*index))
            .any(|rule| rule.refers_to_server_name());
        if rules.looks_at().server_name || !refers {
            return;
        }
        let short = key.clone();
        self.push_server_name(key);
        let mark = Flow {
            facts: ConnectionFacts::default(),
            evidence: *evidence,
            candidates,
            verdict: None,
            since: 0,
            was_met_again: Cell::new(false),
            needs_server_name: true,
        };
        self.judge.remember(&short, mark);
    }

    fn push_server_name(&self, key: &mut Vec<u8>) {
        push_part(
            key,
            self.base.host.property(at::UPSTREAM_SERVER_NAME).as_deref(),
        );
    }

    /// Everything that a verdict rests on, apart from the request and the
    /// time, and not more: each property has its price.
    fn fill_key(&self, key: &mut Vec<u8>, tls_version: Option<&[u8]>) {
        let looks_at = self.judge.rules().looks_at();
        push_part(key, tls_version);
        if tls_version.is_some() {
            push_part(
                key,
                self.base.host.property(at::UPSTREAM_PEER_SHA256).as_deref(),
            );
            if looks_at.local_certificate {
                key.push(u8::from(evidence::has_local_certificate(&self.base.host)));
            }
        }
        if looks_at.cluster {
            push_part(key, self.base.host.property(at::CLUSTER_NAME).as_deref());
        }
        if looks_at.server_name {
            self.push_server_name(key);
        }
        if looks_at.peer_address {
            push_part(
                key,
                self.base.host.property(at::UPSTREAM_ADDRESS).as_deref(),
            );
        }
        if looks_at.staple
            && let Some(path) = self
                .judge
                .policy()
                .revocation
                .staples
                .of(Direction::Upstream)
        {
            // A staple may have 64 KiB.
            let staple = self.base.host.property_at(path);
            let digest = staple.map(|staple| Sha256::digest(&staple));
            push_part(key, digest.as_ref().map(|digest| digest.as_slice()));
        }
    }

    /// Denies for want of evidence.
    fn deny_without_evidence(&mut self, cause: Cause, detail: impl Into<String>) -> Step {
        let facts = evidence::upstream_facts(&self.base.host);
        let (rule_index, rule) = self.judge.rule_without_evidence(&facts);
        let verdict = without_evidence((rule_index, &rule), cause, detail);
        let attempt = evidence::attempt(&self.base.host);
        self.act(&verdict, |_| (facts, None, attempt))
    }

    /// Denies an attempt whose attributes are now another's: what the event
    /// tells of it is what was seen when it came.
    fn deny_superseded(&mut self, waiting: &Waiting) -> Step {
        let facts = ConnectionFacts {
            server_name: None,
            peer_address: waiting
                .address
                .as_deref()
                .map(|a| String::from_utf8_lossy(a).into_owned()),
            ..evidence::upstream_facts(&self.base.host)
        };
        let (rule_index, rule) = self.judge.rule_without_evidence(&facts);
        let detail = "a later attempt of the request replaced this one's evidence";
        let verdict = without_evidence((rule_index, &rule), Cause::EvidenceSuperseded, detail);
        let attempt = waiting.attempt;
        self.act(&verdict, |_| (facts, None, attempt))
    }
}
