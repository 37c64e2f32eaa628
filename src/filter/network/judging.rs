//! The verdicts on the two hops of a TCP connection, and what follows from them.

use std::rc::Rc;

use super::{Connection, Hop, Network, Phase};
use crate::decision::{
    Cause, Direction, MAX_OPENING, Opening, Outcome, Transport, Verdict, read_client_hello,
    without_evidence,
};
use crate::filter::evidence;
use crate::filter::guard::Step;
use crate::host::Host;
use crate::host::attributes as at;
use crate::telemetry::Subject;

impl<H: Host> Network<H> {
    /// What the client's hop shows, once it shows it. Only when bytes of the
    /// client have come: its handshake is complete then.
    pub(super) fn client_hop(&self, end: bool) -> Option<Hop> {
        let host = &self.base.host;
        let looks_at = self.client.rules().looks_at();
        let mut facts = evidence::downstream_facts(host);
        let mut evidence = evidence::downstream_evidence(host, looks_at);
        if let Ok(shown) = &mut evidence
            && shown.transport == Transport::Plaintext
            && looks_at.client_hello
        {
            let bytes = host.first_bytes(Direction::Downstream, MAX_OPENING);
            match read_client_hello(&bytes) {
                Opening::Hello(hello) => {
                    shown.transport = Transport::Passthrough(hello.newest);
                    facts.server_name = hello.server_name;
                }
                Opening::Incomplete if !end => return None,
                Opening::Incomplete | Opening::Alerts | Opening::Other(_) => {}
            }
        }
        Some(Hop { facts, evidence })
    }

    /// What the server's hop shows. Where the client's TLS is passed on
    /// unopened, it is the same TLS.
    pub(super) fn server_hop(&self, client: &Hop) -> Hop {
        let host = &self.base.host;
        let looks_at = self.server.rules().looks_at();
        let tls_version = host.property(at::UPSTREAM_TLS_VERSION);
        let mut facts = evidence::upstream_facts(host);
        let mut evidence = evidence::upstream_evidence(host, looks_at, tls_version.as_deref())
            .map_err(|detail| (Cause::EvidenceUnreadable, detail));
        if let (Ok(shown), Ok(of_client)) = (&mut evidence, &client.evidence)
            && shown.transport == Transport::Plaintext
            && matches!(of_client.transport, Transport::Passthrough(_))
        {
            shown.transport = of_client.transport;
            facts.server_name = facts
                .server_name
                .or_else(|| client.facts.server_name.clone());
        }
        Hop { facts, evidence }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.base
            .host
            .property(at::UPSTREAM_LOCAL_ADDRESS)
            .is_some()
    }

    /// Before a byte of the client came, a server speaks: over TLS perhaps
    /// before the client's handshake is complete, and then nothing of it may be
    /// read (Envoy 1.40 keeps the wrong `connection.tls_version` for ever). Of
    /// itself Envoy shows no attribute that tells; so it must be made to.
    pub(super) fn judge_server_first(&mut self, stream: u32, connection: &Connection) -> Step {
        let host = &self.base.host;
        let is_complete = host.property(at::CONNECTION_PEER_SUBJECT).is_none()
            || host.property(at::DOWNSTREAM_HANDSHAKE).is_some();
        let evidence = if is_complete {
            let looks_at = self.client.rules().looks_at();
            evidence::downstream_evidence(host, looks_at)
        } else {
            let detail = "the server spoke before the client's TLS handshake was seen to be complete (docs/placement.md, \"The server speaks first\")";
            Err((Cause::ClientHandshakePending, detail))
        };
        let facts = evidence::downstream_facts(host);
        self.judge(stream, connection, &Hop { facts, evidence })
    }

    /// Judges both hops and acts on it.
    pub(super) fn judge(&mut self, stream: u32, connection: &Connection, client: &Hop) -> Step {
        self.tell_failures();
        let mut is_unopened = false;
        let step = match self.judge_hop(Direction::Downstream, client) {
            Step::Continue => {
                let server = self.server_hop(client);
                is_unopened = matches!(
                    &server.evidence,
                    Ok(e) if matches!(e.transport, Transport::Passthrough(_))
                );
                self.judge_hop(Direction::Upstream, &server)
            }
            Step::Stop => Step::Stop,
        };
        let step = self.finish(connection, step);
        if step == Step::Continue && is_unopened {
            connection.set(Phase::Unanswered);
            self.unanswered.insert(stream, client.clone());
        }
        step
    }

    /// Judges a hop whose evidence changed after it was permitted: counted and
    /// told of only where that is not good enough.
    pub(super) fn judge_again(&mut self, direction: Direction, hop: &Hop) -> Step {
        let verdict = self.verdict_on(direction, hop);
        if verdict.outcome < Outcome::WouldDeny {
            return Step::Continue;
        }
        self.act(direction, &verdict, hop)
    }

    pub(super) fn tell_failures(&mut self) {
        let (base, judge) = (&mut self.base, &mut self.server);
        self.failures.tell_of_connection(base, judge);
    }

    fn judge_hop(&mut self, direction: Direction, hop: &Hop) -> Step {
        let verdict = self.verdict_on(direction, hop);
        if !verdict.notices.is_empty() {
            let subject = self.subject(direction, hop);
            let base = &mut self.base;
            base.reporter.notices(&base.host, &verdict, &subject);
        }
        self.act(direction, &verdict, hop)
    }

    fn verdict_on(&mut self, direction: Direction, hop: &Hop) -> Rc<Verdict> {
        let now = self.base.now_seconds();
        let judge = match direction {
            Direction::Downstream => &mut self.client,
            Direction::Upstream => &mut self.server,
        };
        match &hop.evidence {
            Ok(evidence) => {
                let facts = hop.facts.clone();
                let (verdict, _) = judge.judge_new(&self.base.host, facts, *evidence, now);
                self.base.count_misses(judge);
                verdict
            }
            Err((cause, detail)) => {
                let (index, rule) = judge.rule_without_evidence(&hop.facts);
                Rc::new(without_evidence((index, &rule), *cause, *detail))
            }
        }
    }

    fn act(&mut self, direction: Direction, verdict: &Verdict, hop: &Hop) -> Step {
        let subject = (verdict.outcome >= Outcome::WouldDeny).then(|| self.subject(direction, hop));
        self.base.tell(direction, verdict, subject, true);
        match verdict.outcome {
            Outcome::Deny => Step::Stop,
            Outcome::WouldDeny | Outcome::Waived | Outcome::Permit => Step::Continue,
        }
    }

    fn subject(&self, direction: Direction, hop: &Hop) -> Subject {
        let host = &self.base.host;
        let upstream = direction == Direction::Upstream;
        Subject {
            evidence: hop.evidence.as_ref().ok().copied(),
            attempt: upstream.then(|| evidence::attempt(host)).flatten(),
            connection_id: evidence::connection_id(host),
            client_address: evidence::text(host, at::SOURCE_ADDRESS),
            ..Subject::new(direction, hop.facts.clone())
        }
    }

    /// Denies for want of evidence of one side.
    pub(super) fn deny(
        &mut self,
        connection: &Connection,
        direction: Direction,
        (cause, detail): (Cause, &'static str),
    ) -> Step {
        let host = &self.base.host;
        let hop = Hop {
            facts: match direction {
                Direction::Downstream => evidence::downstream_facts(host),
                Direction::Upstream => evidence::upstream_facts(host),
            },
            evidence: Err((cause, detail)),
        };
        let step = self.judge_hop(direction, &hop);
        self.finish(connection, step)
    }

    pub(super) fn finish(&mut self, connection: &Connection, step: Step) -> Step {
        match step {
            Step::Continue => connection.set(Phase::Passed),
            Step::Stop => {
                connection.set(Phase::Denied);
                self.base.host.close_connection();
            }
        }
        self.schedule();
        step
    }
}
