//! The verdicts on the two hops of a TCP connection, and what follows from them.

use std::rc::Rc;

use super::answer::Unanswered;
use super::{Connection, Hop, Network, Phase};
use crate::decision::{
    Cause, ConnectionFacts, Direction, MAX_OPENING, Opening, Outcome, Transport, Verdict,
    read_client_hello, without_evidence,
};
use crate::filter::evidence;
use crate::filter::guard::Step;
use crate::host::Host;
use crate::host::attributes as at;
use crate::telemetry::{Before, Subject};

impl<H: Host> Network<H> {
    /// What the client's hop shows, once it shows it. Only when bytes of the
    /// client have come: its handshake is complete then.
    pub(super) fn client_hop(&self, end: bool) -> Option<Hop> {
        let host = &self.base.host;
        let looks_at = self.client.rules().looks_at();
        let mut facts = evidence::downstream_facts_of(host, looks_at);
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
                Opening::Incomplete | Opening::Alerts(_) | Opening::Other(_) => {}
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
        let mut facts = evidence::upstream_facts_of(host, looks_at, tls_version.is_some());
        let known = facts.cluster.is_some();
        let mut evidence =
            evidence::upstream_evidence_of(host, looks_at, tls_version.as_deref(), known)
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
        let facts = evidence::downstream_facts_of(host, self.client.rules().looks_at());
        let hop = Hop { facts, evidence };
        // What a server says cannot be held until an answer comes.
        let judged = self.judge(stream, connection, &hop, false);
        judged.unwrap_or(Step::Stop)
    }

    /// Judges both hops and acts on it; `None` while it is being asked whether a
    /// certificate is revoked, and the connection `may_wait` for the answer.
    pub(super) fn judge(
        &mut self,
        stream: u32,
        connection: &Connection,
        client: &Hop,
        may_wait: bool,
    ) -> Option<Step> {
        self.tell_failures(true);
        self.client.may_wait = may_wait;
        self.server.may_wait = may_wait;
        let of_client = self.verdict_on(Direction::Downstream, client);
        if of_client.is_pending && may_wait {
            return None;
        }
        if of_client.outcome == Outcome::Deny {
            self.act(Direction::Downstream, &of_client, client, None);
            return Some(self.finish(connection, Step::Stop));
        }
        let server = self.server_hop(client);
        let of_server = self.verdict_on(Direction::Upstream, &server);
        if of_server.is_pending && may_wait {
            return None;
        }
        self.tell(Direction::Downstream, &of_client, client, None);
        let before = Some(of_client.outcome);
        let step = self.tell(Direction::Upstream, &of_server, &server, before);
        let verdicts = [
            (Direction::Downstream, of_client),
            (Direction::Upstream, of_server),
        ];
        if step == Step::Continue
            && let Ok(shown) = &server.evidence
            && let Transport::Passthrough(_) = shown.transport
        {
            let unanswered = Unanswered {
                client: client.clone(),
                verdicts,
                alerts: 0,
            };
            self.unanswered.insert(stream, unanswered);
            self.permit(connection, Phase::Unanswered);
            return Some(step);
        }
        self.count(&verdicts);
        Some(self.finish(connection, step))
    }

    /// Judges a hop whose evidence changed after it was permitted: told of only
    /// where that is not good enough.
    pub(super) fn judge_again(&mut self, direction: Direction, hop: &Hop) -> Step {
        let verdict = self.verdict_on(direction, hop);
        if verdict.outcome < Outcome::WouldDeny {
            self.count(&[(direction, verdict)]);
            return Step::Continue;
        }
        self.act(direction, &verdict, hop, None)
    }

    pub(super) fn tell_failures(&mut self, connected: bool) {
        let (base, judge) = (&mut self.base, &mut self.server);
        self.failures.tell_of_connection(base, judge, connected);
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
                verdict
            }
            Err((cause, detail)) => {
                let (index, rule) = judge.rule_without_evidence(&hop.facts);
                Rc::new(without_evidence((index, &rule), *cause, *detail))
            }
        }
    }

    /// Counts verdicts that do not change any more.
    pub(super) fn count(&mut self, verdicts: &[(Direction, Rc<Verdict>)]) {
        for (direction, verdict) in verdicts {
            self.base.count(*direction, verdict);
        }
    }

    /// Counts a verdict and tells of it; see [`Self::tell`].
    fn act(
        &mut self,
        direction: Direction,
        verdict: &Verdict,
        hop: &Hop,
        before: Option<Outcome>,
    ) -> Step {
        self.base.count(direction, verdict);
        self.tell(direction, verdict, hop, before)
    }

    /// `before`: the outcome of the other hop, if that is in the filter state.
    fn tell(
        &mut self,
        direction: Direction,
        verdict: &Verdict,
        hop: &Hop,
        before: Option<Outcome>,
    ) -> Step {
        let news = self.base.news(direction, verdict);
        let subject = (verdict.outcome >= Outcome::WouldDeny || !news.is_empty())
            .then(|| self.subject(direction, hop));
        if let Some(subject) = &subject {
            for notice in news {
                self.base.warn(notice, verdict, subject);
            }
        }
        let subject = subject.filter(|_| verdict.outcome >= Outcome::WouldDeny);
        self.base.tell(verdict, subject, Before::Known(before));
        match verdict.outcome {
            Outcome::Deny => Step::Stop,
            Outcome::WouldDeny | Outcome::Waived | Outcome::Permit => Step::Continue,
        }
    }

    fn subject(&self, direction: Direction, hop: &Hop) -> Subject {
        let host = &self.base.host;
        let upstream = direction == Direction::Upstream;
        // The rules looked at some facts; the event has all.
        let all = match direction {
            Direction::Downstream => evidence::downstream_facts(host),
            Direction::Upstream => evidence::upstream_facts(host),
        };
        let facts = ConnectionFacts {
            server_name: hop.facts.server_name.clone().or(all.server_name),
            ..all
        };
        Subject {
            evidence: hop.evidence.as_ref().ok().copied(),
            attempt: upstream.then(|| evidence::attempt(host)).flatten(),
            connection_id: evidence::connection_id(host),
            client_address: evidence::text(host, at::SOURCE_ADDRESS),
            ..Subject::new(direction, facts)
        }
    }

    /// Denies for want of evidence of one side. What was known of the connection
    /// is told first: of one that is denied, or let through by a rule that only
    /// reports, its end tells nothing.
    pub(super) fn deny(
        &mut self,
        stream: u32,
        connection: &Connection,
        direction: Direction,
        (cause, detail): (Cause, &'static str),
    ) -> Step {
        self.tell_failures(self.is_connected());
        if let Some(unanswered) = self.unanswered.remove(&stream) {
            let [of_client, of_server] = unanswered.verdicts;
            let other = match direction {
                Direction::Downstream => of_server,
                Direction::Upstream => of_client,
            };
            self.count(&[other]);
        }
        let host = &self.base.host;
        let hop = Hop {
            facts: match direction {
                Direction::Downstream => evidence::downstream_facts(host),
                Direction::Upstream => evidence::upstream_facts(host),
            },
            evidence: Err((cause, detail)),
        };
        let verdict = self.verdict_on(direction, &hop);
        let step = self.act(direction, &verdict, &hop, None);
        self.finish(connection, step)
    }

    pub(super) fn finish(&mut self, connection: &Connection, step: Step) -> Step {
        match step {
            Step::Continue => self.permit(connection, Phase::Passed),
            Step::Stop | Step::Misplaced => {
                connection.set(Phase::Denied);
                self.base.host.close_connection();
                self.schedule();
            }
        }
        step
    }

    pub(super) fn permit(&mut self, connection: &Connection, phase: Phase) {
        connection.set(phase);
        // The timer ticks already for the counters of what passes.
        if !self.base.ticks_for_counters() {
            self.schedule();
        }
    }
}
