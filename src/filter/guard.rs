//! The guard of HTTP requests, on either side: one judge, and an answer where
//! a request is denied.

use std::rc::Rc;

use super::ask::{self, Ports};
use super::base::Base;
use super::evidence;
use super::failure::Failures;
use super::flow::Flow;
use super::gate::{Gate, Waiting};
use super::judge::Judge;
use super::request_id::RequestId;
use super::respond;
use super::seen::Seen;
use crate::decision::{ConnectionFacts, Direction, Evidence, Outcome, Policy, Verdict};
use crate::host::{CallAnswer, Host};
use crate::telemetry::{Before, Subject};

/// What a filter tells its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Go on.
    Continue,
    /// Stop here: the request waits, or was answered.
    Stop,
    /// Nothing may go through: the role is in a place that is not its own.
    Misplaced,
}

/// The state of a root context that guards HTTP requests.
pub struct Guard<H> {
    pub(super) base: Base<H>,
    pub(super) judge: Judge,
    pub(super) gate: Gate,
    pub(super) key: Vec<u8>,
    pub(super) failures: Failures,
    pub(super) root: u32,
    /// The role was met in a place that is not its own.
    pub(super) is_misplaced: bool,
}

impl<H: Host> Guard<H> {
    /// A guard under this policy; `root` goes into the ids of events, `seen`
    /// holds the failures that this VM has told of.
    pub fn new(
        host: H,
        root: u32,
        direction: Direction,
        policy: Policy,
        ports: &Ports,
        seen: Seen,
    ) -> Self {
        let evidence = ask::evidence(&policy, ports);
        let verifier = Rc::clone(&ports.verifier);
        Self {
            gate: Gate::new(policy.gate.max_pending, policy.gate.timeout_ms),
            base: Base::new(host, root, &policy, ports, Rc::clone(&evidence)),
            judge: Judge::new(direction, Rc::new(policy), verifier, evidence),
            key: Vec::new(),
            failures: Failures::new(seen),
            root,
            is_misplaced: false,
        }
    }

    /// The proxy.
    pub const fn host(&self) -> &H {
        &self.base.host
    }

    /// Which side this guard is on.
    pub const fn direction(&self) -> Direction {
        self.judge.direction()
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
        let (verdict, flow) = self.judge.judge_new(&self.base.host, facts, evidence, now);
        self.base.count_misses(&mut self.judge);
        if verdict.is_pending {
            // Not judged yet: it is looked at as new again.
            return verdict;
        }
        if let Some(key) = key {
            self.judge.remember(key, flow);
        }
        verdict
    }

    /// The verdict on the current request of a known connection.
    pub(super) fn judge_known(&mut self, flow: &Flow, now: i64) -> Rc<Verdict> {
        match &flow.verdict {
            Some(verdict) => Rc::clone(verdict),
            None => self.judge.judge(&self.base.host, flow, now),
        }
    }

    /// What an event about the current request tells of it.
    pub(super) fn subject(&self, facts: ConnectionFacts) -> Subject {
        let host = &self.base.host;
        let upstream = self.direction() == Direction::Upstream;
        Subject {
            request_id: RequestId::of(host).map(|id| id.shown().to_owned()),
            attempt: upstream.then(|| evidence::attempt(host)).flatten(),
            ..Subject::new(self.direction(), facts)
        }
    }

    /// Counts a verdict, writes its events where it is worth some, and answers
    /// the request where it is denied.
    pub(super) fn act(
        &mut self,
        verdict: &Verdict,
        about: impl FnOnce(&Self) -> (ConnectionFacts, Option<Evidence>, Option<u64>),
    ) -> Step {
        let direction = self.judge.direction();
        let news = self.base.news(direction, verdict);
        let subject = (verdict.outcome >= Outcome::WouldDeny || !news.is_empty()).then(|| {
            let (facts, evidence, attempt) = about(self);
            Subject {
                evidence,
                attempt,
                ..self.subject(facts)
            }
        });
        if let Some(subject) = &subject {
            for notice in news {
                self.base.warn(notice, verdict, subject);
            }
        }
        let subject = subject.filter(|_| verdict.outcome >= Outcome::WouldDeny);
        let before = match direction {
            Direction::Downstream => Before::Known(None),
            Direction::Upstream if self.base.host.guards_clients() => Before::Permitted,
            Direction::Upstream => Before::Unknown,
        };
        self.base.count(direction, verdict);
        let told = self.base.tell(verdict, subject, before);
        let Some(id) = told else {
            if self.base.reporter.metrics.has_begun_a_batch() {
                self.schedule();
            }
            return Step::Continue;
        };
        self.schedule();
        if verdict.outcome == Outcome::WouldDeny {
            return Step::Continue;
        }
        respond::deny(&self.base.host, self.direction(), &id);
        Step::Stop
    }

    /// Sets the timer to what is due next.
    pub fn schedule(&mut self) {
        let waiting = self.failures.is_waiting();
        self.base.schedule(waiting, |now| self.gate.next_look(now));
    }

    /// What every role has.
    pub const fn base(&mut self) -> &mut Base<H> {
        &mut self.base
    }

    /// The answer to a call came.
    pub fn on_answer(&mut self, answer: &mut CallAnswer) {
        let (base, judge) = (&mut self.base, &mut self.judge);
        self.failures.answered(base, judge, answer);
        // All that wait for it go on together.
        let all = self.gate.all();
        self.look_at(all);
    }

    /// The timer fired.
    pub fn on_tick(&mut self) {
        self.failures.flush(&mut self.base, &mut self.judge);
        let due = if self.base.on_tick() {
            self.gate.all()
        } else {
            self.gate.look(self.base.host.now_nanos())
        };
        self.look_at(due);
    }

    /// The wake-up that was asked for: looks at the newest that wait.
    pub fn on_wake(&mut self) {
        self.base.on_wake();
        let newest = self.gate.look_quickly();
        self.look_at(newest);
    }

    fn look_at(&mut self, waiting: Vec<Waiting>) {
        match self.direction() {
            Direction::Downstream => self.look_at_downstream(waiting),
            Direction::Upstream => self.look_at_upstream(waiting),
        }
    }

    /// Lets a request wait; `false` where too many do already.
    pub(super) fn enter_gate(&mut self, waiting: Waiting) -> bool {
        if !self.gate.enter(waiting) {
            self.base.count_wait("overflow");
            return false;
        }
        self.base.gauge_pending(1);
        self.schedule();
        true
    }

    pub(super) fn leave_gate(&mut self, stream: u32) -> Option<Waiting> {
        let waiting = self.gate.leave(stream)?;
        self.base.gauge_pending(-1);
        Some(waiting)
    }

    /// The last chance to print what was folded.
    pub fn on_shutdown(&mut self) {
        self.failures.flush(&mut self.base, &mut self.judge);
        self.base.on_shutdown();
    }
}
