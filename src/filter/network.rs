//! The `network` role: an L4 filter in front of the TCP proxy, which judges
//! both hops of a connection before its first byte goes either way.
//!
//! By default the TCP proxy reads nothing of the client before its upstream is
//! connected (Envoy 1.40): the client's first bytes find both hops complete.
//! Where they come sooner, they wait in the filter. What the server says cannot
//! wait (Envoy has no way to resume it): it is judged at once, or the
//! connection is closed.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use super::base::Base;
use super::evidence;
use super::failure::Failures;
use super::gate::{Gate, Waiting};
use super::guard::Step;
use super::judge::Judge;
use super::seen::Seen;
use crate::decision::{
    Cause, ConnectionFacts, Direction, Evidence, MAX_OPENING, Opening, Outcome, Policy, Transport,
    Verdict, read_opening, without_evidence,
};
use crate::host::attributes as at;
use crate::host::{CallAnswer, Host};
use crate::telemetry::Subject;
use crate::trust::SignatureVerifier;

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No byte has passed.
    Unjudged,
    /// Both hops are permitted; nothing is looked at any more.
    Passed,
    /// Closed by us.
    Denied,
}

/// A connection, shared by its context and the root.
pub type Connection = Rc<Cell<Phase>>;

/// A connection of whose client all is known, and which waits for its server.
struct Held {
    connection: Connection,
    /// What the client's hop shows; `None` while its opening is incomplete.
    client: Option<Hop>,
}

/// What is known of one hop.
#[derive(Clone, Debug)]
struct Hop {
    facts: ConnectionFacts,
    evidence: Result<Evidence, (Cause, &'static str)>,
}

/// The state of a root context that guards L4 connections.
pub struct Network<H> {
    base: Base<H>,
    client: Judge,
    server: Judge,
    gate: Gate,
    held: HashMap<u32, Held>,
    failures: Failures,
}

impl<H: Host> Network<H> {
    /// A guard under this policy; `root` goes into the ids of events, `seen`
    /// holds the failures that this VM has told of.
    pub fn new(
        host: H,
        root: u32,
        policy: Policy,
        verifier: [Box<dyn SignatureVerifier>; 2],
        seen: Seen,
    ) -> Self {
        let policy = Rc::new(policy);
        let [client, server] = verifier;
        Self {
            base: Base::new(host, root, &policy),
            gate: Gate::new(policy.gate.max_pending, policy.gate.timeout_ms),
            client: Judge::new(Direction::Downstream, Rc::clone(&policy), client),
            server: Judge::new(Direction::Upstream, policy, server),
            held: HashMap::new(),
            failures: Failures::new(seen),
        }
    }

    /// The proxy.
    pub const fn host(&self) -> &H {
        &self.base.host
    }

    /// The last chance to print what was folded.
    pub fn on_shutdown(&mut self) {
        self.base.on_shutdown();
    }

    /// The client sent something, or will send no more (`end`).
    pub fn on_client_data(&mut self, stream: u32, connection: &Connection, end: bool) -> Step {
        match connection.get() {
            Phase::Passed => return Step::Continue,
            Phase::Denied => return Step::Stop,
            Phase::Unjudged => {}
        }
        let client = self.client_hop(end);
        if let Some(client) = &client
            && self.is_connected()
        {
            self.release_to_judge(stream);
            return self.judge(connection, client);
        }
        // The TCP proxy counts its attempts from 1, once it has begun.
        if client.is_some() && evidence::attempt(&self.base.host).unwrap_or(0) == 0 {
            self.release_to_judge(stream);
            let why = (Cause::UpstreamNotShown, Cause::UpstreamNotShown.meaning());
            return self.deny(connection, Direction::Upstream, why);
        }
        self.hold(stream, connection, client)
    }

    /// The server sent something, or will send no more.
    pub fn on_server_data(&mut self, stream: u32, connection: &Connection) -> Step {
        match connection.get() {
            Phase::Passed => return Step::Continue,
            Phase::Denied => return Step::Stop,
            Phase::Unjudged => {}
        }
        let held = self.release_to_judge(stream);
        let client_waits = held.is_some();
        if !self.is_connected() {
            let detail = "the host does not show where the server's bytes come from";
            let why = (Cause::EvidenceUnreadable, detail);
            return self.deny(connection, Direction::Upstream, why);
        }
        let step = match held.and_then(|held| held.client) {
            Some(client) => self.judge(connection, &client),
            None => self.judge_server_first(connection),
        };
        if client_waits && step == Step::Continue {
            self.base.host.resume_connection();
        }
        step
    }

    /// The connection is over, on whichever side it began.
    pub fn on_close(&mut self, stream: u32, connection: &Connection) {
        if self.release(stream).is_some() {
            self.base.count_wait("gone");
        }
        if connection.get() == Phase::Unjudged {
            let (base, judge) = (&mut self.base, &mut self.client);
            self.failures.tell_of_client(base, judge);
            self.tell_failures();
        }
        self.schedule();
    }

    /// What every role has.
    pub const fn base(&mut self) -> &mut Base<H> {
        &mut self.base
    }

    /// The answer to a call came.
    pub fn on_answer(&mut self, answer: &CallAnswer) {
        let (base, judge) = (&mut self.base, &mut self.server);
        self.failures.answered(base, judge, answer);
        self.schedule();
    }

    /// The timer fired.
    pub fn on_tick(&mut self) {
        self.base.on_tick();
        let due = self.gate.look(self.base.host.now_nanos());
        self.look_at(due);
    }

    /// The wake-up that was asked for.
    pub fn on_wake(&mut self) {
        self.base.on_wake();
        let newest = self.gate.look_quickly();
        self.look_at(newest);
    }

    /// What the client's hop shows, once it shows it. Only when bytes of the
    /// client have come: its handshake is complete then.
    fn client_hop(&self, end: bool) -> Option<Hop> {
        let host = &self.base.host;
        let looks_at = self.client.rules().looks_at();
        let mut facts = evidence::downstream_facts(host);
        let mut evidence = evidence::downstream_evidence(host, looks_at);
        if let Ok(shown) = &mut evidence
            && shown.transport == Transport::Plaintext
            && looks_at.client_hello
        {
            match read_opening(&host.client_bytes(MAX_OPENING)) {
                Opening::ClientHello(hello) => {
                    shown.transport = Transport::Passthrough(hello.versions);
                    facts.server_name = hello.server_name;
                }
                Opening::Incomplete if !end => return None,
                Opening::Incomplete | Opening::Other(_) => {}
            }
        }
        Some(Hop { facts, evidence })
    }

    /// What the server's hop shows. Where the client's TLS is passed on
    /// unopened, it is the same TLS.
    fn server_hop(&self, client: &Hop) -> Hop {
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

    fn is_connected(&self) -> bool {
        self.base
            .host
            .property(at::UPSTREAM_LOCAL_ADDRESS)
            .is_some()
    }

    /// Before a byte of the client came, a server speaks: over TLS perhaps
    /// before the client's handshake is complete, and then nothing of it may be
    /// read (Envoy 1.40 keeps the wrong `connection.tls_version` for ever). Of
    /// itself Envoy shows no attribute that tells; so it must be made to.
    fn judge_server_first(&mut self, connection: &Connection) -> Step {
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
        self.judge(connection, &Hop { facts, evidence })
    }

    /// Judges both hops and acts on it.
    fn judge(&mut self, connection: &Connection, client: &Hop) -> Step {
        self.tell_failures();
        let step = self.judge_hop(Direction::Downstream, client);
        let step = match step {
            Step::Continue => {
                let server = self.server_hop(client);
                self.judge_hop(Direction::Upstream, &server)
            }
            Step::Stop => step,
        };
        self.finish(connection, step)
    }

    fn tell_failures(&mut self) {
        let (base, judge) = (&mut self.base, &mut self.server);
        self.failures.tell_of_connection(base, judge);
    }

    fn judge_hop(&mut self, direction: Direction, hop: &Hop) -> Step {
        let now = self.base.now_seconds();
        let judge = match direction {
            Direction::Downstream => &mut self.client,
            Direction::Upstream => &mut self.server,
        };
        let verdict = match &hop.evidence {
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
        };
        if !verdict.notices.is_empty() {
            let subject = self.subject(direction, hop);
            let base = &mut self.base;
            base.reporter.notices(&base.host, &verdict, &subject);
        }
        self.act(direction, &verdict, hop)
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
    fn deny(
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

    fn finish(&mut self, connection: &Connection, step: Step) -> Step {
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

    /// Lets a connection wait, whose bytes have come before all is known.
    fn hold(&mut self, stream: u32, connection: &Connection, client: Option<Hop>) -> Step {
        if let Some(held) = self.held.get_mut(&stream) {
            held.client = client;
            return Step::Stop;
        }
        let waiting = Waiting::new(stream, self.base.host.now_nanos(), None, None);
        if !self.gate.enter(waiting) {
            self.base.count_wait("overflow");
            let detail = "too many connections were waiting already";
            let why = (Cause::GateOverflow, detail);
            return self.deny(connection, Direction::Upstream, why);
        }
        self.base.gauge_pending(1);
        self.held.insert(
            stream,
            Held {
                connection: Rc::clone(connection),
                client,
            },
        );
        self.schedule();
        Step::Stop
    }

    fn release(&mut self, stream: u32) -> Option<Held> {
        self.gate.leave(stream)?;
        self.base.gauge_pending(-1);
        self.held.remove(&stream)
    }

    fn release_to_judge(&mut self, stream: u32) -> Option<Held> {
        let held = self.release(stream)?;
        self.base.count_wait("judged");
        Some(held)
    }

    fn look_at(&mut self, waiting: Vec<Waiting>) {
        let now = self.base.host.now_nanos();
        for waiting in waiting {
            self.base.host.select(waiting.stream);
            let late = self.gate.is_late(&waiting, now);
            let client = self
                .held
                .get(&waiting.stream)
                .and_then(|held| held.client.clone());
            let ready = client.filter(|_| self.is_connected());
            if ready.is_none() && !late {
                continue;
            }
            let Some(held) = self.release(waiting.stream) else {
                continue;
            };
            let step = match ready {
                Some(client) => {
                    self.base.count_wait("judged");
                    self.judge(&held.connection, &client)
                }
                None => {
                    self.base.count_wait("timeout");
                    let (side, detail) = match held.client {
                        Some(_) => (Direction::Upstream, "no connection to the server in time"),
                        None => (Direction::Downstream, "no complete ClientHello in time"),
                    };
                    self.deny(&held.connection, side, (Cause::GateTimeout, detail))
                }
            };
            if step == Step::Continue {
                self.base.host.resume_connection();
            }
        }
        self.schedule();
    }

    /// Sets the timer to what is due next.
    pub fn schedule(&mut self) {
        self.base.schedule(false, |now| self.gate.next_look(now));
    }
}
