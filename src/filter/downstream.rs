//! The `downstream` role: a listener HTTP filter. TLS facts of a connection do
//! not change after the handshake (BoringSSL refuses renegotiation), and the
//! filter runs after it; so the connection's id is all that a later request
//! on it is asked for.

use std::rc::Rc;

use super::evidence;
use super::guard::{Guard, Step};
use crate::decision::{Direction, without_evidence};
use crate::host::Host;
use crate::host::attributes as at;

impl<H: Host> Guard<H> {
    /// The headers of a request came in.
    pub fn on_downstream_request(&mut self) -> Step {
        debug_assert_eq!(self.direction(), Direction::Downstream);
        let id = self.base.host.property(at::CONNECTION_ID);
        let now = self.base.now_seconds();
        let known = id.as_deref().and_then(|id| self.judge.known(id, now));
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
        self.act(&verdict, |guard| {
            let host = &guard.base.host;
            let evidence = evidence::downstream_evidence(host, looks_at).ok();
            (evidence::downstream_facts(host), evidence, None)
        })
    }
}
