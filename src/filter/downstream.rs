//! The `downstream` role: a listener HTTP filter. TLS facts of a connection do
//! not change after the handshake (BoringSSL refuses renegotiation), and the
//! filter runs after it; so the connection's id is all that a later request
//! on it is asked for.

use std::rc::Rc;

use super::evidence;
use super::flow::Flow;
use super::gate::Waiting;
use super::guard::{Guard, Step};
use crate::decision::{Cause, Direction, without_evidence};
use crate::host::Host;
use crate::host::attributes as at;

impl<H: Host> Guard<H> {
    /// The headers of a request came in.
    pub fn on_downstream_request(&mut self, stream: u32) -> Step {
        debug_assert_eq!(self.direction(), Direction::Downstream);
        if let Some(step) = self.judge_downstream(false) {
            return step;
        }
        let mut waiting = Waiting::new(stream, self.base.host.now_nanos(), None, None);
        waiting.awaits_connection = false;
        if self.enter_gate(waiting) {
            return Step::Stop;
        }
        let detail = format!("{} requests were waiting already", self.gate.len());
        let host = &self.base.host;
        let facts = evidence::downstream_facts(host);
        let (index, rule) = self.judge.rule_without_evidence(&facts);
        let verdict = without_evidence((index, &rule), Cause::GateOverflow, detail);
        self.act(&verdict, |_| (facts, None, None))
    }

    /// Lets go of those whose certificate's status came, or whose time is over.
    pub(super) fn look_at_downstream(&mut self, waiting: Vec<Waiting>) {
        let now = self.base.host.now_nanos();
        for waiting in waiting {
            self.base.host.select(waiting.stream);
            let late = self.gate.is_late(&waiting, now);
            let Some(step) = self.judge_downstream(late) else {
                continue;
            };
            if self.leave_gate(waiting.stream).is_some() {
                self.base
                    .count_wait(if late { "timeout" } else { "judged" });
            }
            if step == Step::Continue {
                self.base.host.resume();
            }
        }
        self.schedule();
    }

    /// A stream is over, and may have waited.
    pub fn on_downstream_done(&mut self, stream: u32) {
        if self.leave_gate(stream).is_some() {
            self.base.count_wait("gone");
            self.schedule();
        }
    }

    /// Whether the current request is on its way to a server already: in a cluster,
    /// where the client's connection says nothing of the server's.
    ///
    /// Of a known connection that is asked once more: one and the same plugin in a
    /// listener and in a cluster is one root to Envoy, and there the listener's
    /// request is the first on a connection, and the cluster's the second. Once a
    /// root was met in a cluster, it is asked of each.
    fn is_misplaced(&mut self, known: Option<&Flow>) -> bool {
        let is_asked = known.is_none_or(|flow| !flow.was_met_again.replace(true));
        if !is_asked && !self.is_misplaced {
            return false;
        }
        let has_server = self.base.host.property(at::UPSTREAM_ADDRESS).is_some();
        self.is_misplaced |= has_server;
        has_server
    }

    /// Judges and acts on the current request; `None` while it is being asked
    /// whether the client's certificate is revoked, and there is time (not
    /// `late`).
    fn judge_downstream(&mut self, late: bool) -> Option<Step> {
        let id = self.base.host.property(at::CONNECTION_ID);
        let now = self.base.now_seconds();
        let known = id.as_deref().and_then(|id| self.judge.known(id, now));
        if self.is_misplaced(known.as_deref()) {
            return Some(Step::Misplaced);
        }
        let looks_at = self.judge.rules().looks_at();
        let verdict = match known {
            Some(flow) => self.judge_known(&flow, now),
            None => match evidence::downstream_evidence(&self.base.host, looks_at) {
                Ok(evidence) => {
                    let facts = evidence::downstream_facts(&self.base.host);
                    self.judge_new_flow(id.as_deref(), facts, evidence, now)
                }
                Err((cause, detail)) => {
                    let rule = self.judge.rules().default_rule();
                    Rc::new(without_evidence(rule, cause, detail))
                }
            },
        };
        if verdict.is_pending && !late {
            return None;
        }
        Some(self.act(&verdict, |guard| {
            let host = &guard.base.host;
            let evidence = evidence::downstream_evidence(host, looks_at).ok();
            (evidence::downstream_facts(host), evidence, None)
        }))
    }
}
