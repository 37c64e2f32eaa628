//! The `log` role: an access logger, called at the end of each attempt,
//! request or connection, that tells of the ones whose TLS failed.

use std::rc::Rc;

use super::ask::{self, Ports};
use super::base::Base;
use super::evidence;
use super::failure::{self, Failures};
use super::gate::NextLook;
use super::judge::Judge;
use super::request_id::RequestId;
use super::seen::{Place, Seen};
use crate::decision::{Direction, Policy};
use crate::host::attributes as at;
use crate::host::{CallAnswer, Host};

/// The state of a root context that logs.
pub struct Log<H> {
    base: Base<H>,
    /// They judge nothing here; but their rules name whose failure it is.
    client: Judge,
    server: Judge,
    failures: Failures,
    root: u32,
}

impl<H: Host> Log<H> {
    /// A logger under this policy; `root` goes into the ids of events, `seen`
    /// holds the failures that this VM has told of.
    pub fn new(host: H, root: u32, policy: Policy, seen: Seen) -> Self {
        let policy = Rc::new(policy);
        let ports = Ports::none();
        let evidence = ask::evidence(&policy, &ports);
        let judge = |direction| {
            let (policy, verifier) = (Rc::clone(&policy), Rc::clone(&ports.verifier));
            Judge::new(direction, policy, verifier, Rc::clone(&evidence))
        };
        Self {
            base: Base::new(host, root, &policy, &ports, Rc::clone(&evidence)),
            client: judge(Direction::Downstream),
            server: judge(Direction::Upstream),
            failures: Failures::new(seen),
            root,
        }
    }

    /// The proxy.
    pub const fn host(&self) -> &H {
        &self.base.host
    }

    /// A record of the log.
    ///
    /// In the router's `upstream_log` Envoy 1.37 and before crash when they are
    /// asked for the client's address: so of a request it is not asked for.
    pub fn on_log(&mut self) {
        // Where there is no request, Envoy gives an empty value.
        let method = self.base.host.request_header(":method");
        let is_request = method.is_some_and(|m| !m.is_empty());
        if is_request {
            let flags = failure::flags(&self.base.host);
            let id = RequestId::of(&self.base.host);
            // The router's upstream_log always shows attempt 0.
            let place = match evidence::attempt(&self.base.host) {
                None | Some(0) => Place::attempts(self.root),
                Some(_) => Place::requests(self.root),
            };
            let (base, judge) = (&mut self.base, &mut self.server);
            self.failures
                .tell_of_request(base, judge, place, flags, id.as_ref());
        } else {
            self.failures
                .tell_of_client(&mut self.base, &mut self.client);
            let connected = self
                .base
                .host
                .property(at::UPSTREAM_LOCAL_ADDRESS)
                .is_some();
            self.failures
                .tell_of_connection(&mut self.base, &mut self.server, connected);
        }
        self.schedule();
    }

    /// What every role has.
    pub const fn base(&mut self) -> &mut Base<H> {
        &mut self.base
    }

    /// The answer to a call came.
    pub fn on_answer(&mut self, answer: &mut CallAnswer) {
        let (base, judge) = (&mut self.base, &mut self.server);
        self.failures.answered(base, judge, answer);
        self.schedule();
    }

    /// The timer fired.
    pub fn on_tick(&mut self) {
        self.failures.flush(&mut self.base, &mut self.server);
        self.base.on_tick();
        self.schedule();
    }

    /// The last chance to print what was folded.
    pub fn on_shutdown(&mut self) {
        self.failures.flush(&mut self.base, &mut self.server);
        self.base.on_shutdown();
    }

    /// Sets the timer to what is due next.
    pub fn schedule(&mut self) {
        let waiting = self.failures.is_waiting();
        self.base.schedule(waiting, |_| NextLook::default());
    }
}
