//! The `network` role: an L4 filter in front of the TCP proxy, which judges
//! both hops of a connection before its first byte goes either way.
//!
//! By default the TCP proxy reads nothing of the client before its upstream is
//! connected (Envoy 1.40): the client's first bytes find both hops complete.
//! Where they come sooner, they wait in the filter. What the server says cannot
//! wait (Envoy has no way to resume it): it is judged at once, or the
//! connection is closed.

mod answer;
mod judging;
mod waiting;

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use self::answer::Unanswered;
use self::waiting::{Awaits, Held};
use super::ask::{self, Ports};
use super::base::Base;
use super::evidence;
use super::failure::Failures;
use super::gate::Gate;
use super::guard::Step;
use super::judge::Judge;
use super::seen::Seen;
use crate::decision::{Cause, ConnectionFacts, Direction, Evidence, Policy};
use crate::host::{CallAnswer, Host};

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No byte has passed.
    Unjudged,
    /// Both hops are permitted so far: of TLS that Envoy passes on, the server
    /// has not chosen a version yet.
    Unanswered,
    /// Both hops are permitted; nothing is looked at any more.
    Passed,
    /// Closed by us.
    Denied,
}

/// A connection, shared by its context and the root.
pub type Connection = Rc<Cell<Phase>>;

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
    /// What is known of connections that are [`Phase::Unanswered`]: no more than
    /// Envoy has connections.
    unanswered: HashMap<u32, Unanswered>,
    failures: Failures,
}

impl<H: Host> Network<H> {
    /// A guard under this policy; `root` goes into the ids of events, `seen`
    /// holds the failures that this VM has told of.
    pub fn new(host: H, root: u32, policy: Policy, ports: &Ports, seen: Seen) -> Self {
        let policy = Rc::new(policy);
        let evidence = ask::evidence(&policy, ports);
        let judge = |direction| {
            let (policy, verifier) = (Rc::clone(&policy), Rc::clone(&ports.verifier));
            Judge::new(direction, policy, verifier, Rc::clone(&evidence))
        };
        Self {
            base: Base::new(host, root, &policy, ports, Rc::clone(&evidence)),
            gate: Gate::new(policy.gate.max_pending, policy.gate.timeout_ms),
            client: judge(Direction::Downstream),
            server: judge(Direction::Upstream),
            held: HashMap::new(),
            unanswered: HashMap::new(),
            failures: Failures::new(seen),
        }
    }

    /// The proxy.
    pub const fn host(&self) -> &H {
        &self.base.host
    }

    /// How many connections are [`Phase::Unanswered`].
    #[cfg(test)]
    pub fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// The last chance to print what was folded.
    pub fn on_shutdown(&mut self) {
        self.count_misses();
        for unanswered in std::mem::take(&mut self.unanswered).into_values() {
            self.count(&unanswered.verdicts);
        }
        self.base.on_shutdown();
    }

    /// The client sent something, or will send no more (`end`).
    pub fn on_client_data(&mut self, stream: u32, connection: &Connection, end: bool) -> Step {
        match connection.get() {
            Phase::Passed | Phase::Unanswered => return Step::Continue,
            Phase::Denied => return Step::Stop,
            Phase::Unjudged => {}
        }
        let Some(client) = self.client_hop(end) else {
            return self.hold(stream, connection, Awaits::ClientHello);
        };
        if self.is_connected() {
            return match self.judge(stream, connection, &client, true) {
                Some(step) => {
                    self.release_to_judge(stream);
                    step
                }
                None => self.hold(stream, connection, Awaits::Server(client)),
            };
        }
        // The TCP proxy counts its attempts from 1, once it has begun.
        if evidence::attempt(&self.base.host).unwrap_or(0) == 0 {
            self.release_to_judge(stream);
            let why = (Cause::UpstreamNotShown, Cause::UpstreamNotShown.meaning());
            return self.deny(stream, connection, Direction::Upstream, why);
        }
        self.hold(stream, connection, Awaits::Server(client))
    }

    /// The server sent something, or will send no more (`end`): so many bytes wait
    /// in the filter.
    pub fn on_server_data(
        &mut self,
        stream: u32,
        connection: &Connection,
        size: usize,
        end: bool,
    ) -> Step {
        match connection.get() {
            Phase::Passed => return Step::Continue,
            Phase::Denied => return Step::Stop,
            Phase::Unanswered => return self.on_answer_of_server(stream, connection, size, end),
            Phase::Unjudged => {}
        }
        let held = self.release_to_judge(stream);
        if !self.is_connected() {
            let detail = "the host does not show where the server's bytes come from";
            let why = (Cause::EvidenceUnreadable, detail);
            return self.deny(stream, connection, Direction::Upstream, why);
        }
        let client_waits = held.is_some();
        let step = match held.map(|held| held.awaits) {
            Some(Awaits::Server(client)) => {
                let judged = self.judge(stream, connection, &client, false);
                judged.unwrap_or(Step::Stop)
            }
            Some(Awaits::ClientHello | Awaits::ServerHello) | None => {
                self.judge_server_first(stream, connection)
            }
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
        if let Some(unanswered) = self.unanswered.remove(&stream) {
            self.count(&unanswered.verdicts);
        }
        if connection.get() == Phase::Unjudged {
            let (base, judge) = (&mut self.base, &mut self.client);
            self.failures.tell_of_client(base, judge);
            let connected = self.is_connected();
            self.tell_failures(connected);
        }
        self.schedule();
    }

    /// What every role has.
    pub const fn base(&mut self) -> &mut Base<H> {
        &mut self.base
    }

    /// Counts look-ups of certificates, of many connections at once.
    fn count_misses(&mut self) {
        for judge in [&mut self.client, &mut self.server] {
            self.base.count_certificates(judge);
        }
    }

    /// The answer to a call came.
    pub fn on_answer(&mut self, answer: &mut CallAnswer) {
        let (base, judge) = (&mut self.base, &mut self.server);
        self.failures.answered(base, judge, answer);
        let all = self.gate.all();
        self.look_at(all);
    }

    /// The timer fired.
    pub fn on_tick(&mut self) {
        self.count_misses();
        let due = if self.base.on_tick() {
            self.gate.all()
        } else {
            self.gate.look(self.base.host.now_nanos())
        };
        self.look_at(due);
    }

    /// The wake-up that was asked for.
    pub fn on_wake(&mut self) {
        self.base.on_wake();
        let newest = self.gate.look_quickly();
        self.look_at(newest);
    }

    /// Sets the timer to what is due next.
    pub fn schedule(&mut self) {
        self.base.schedule(false, |now| self.gate.next_look(now));
    }
}
