//! Asking whether certificates are revoked: the store of what is known, and the
//! calls that are open.

use std::cell::RefCell;
use std::rc::Rc;

use hashbrown::HashMap;

use super::share::{self, Claim};
use crate::decision::Policy;
use crate::host::{CallAnswer, CallId, Host};
use crate::revocation::{Fetched, Now, Order, Store, content_type};
use crate::trust::{Instant, SignatureVerifier};

/// The evidence of a root context, shared by its judges.
pub type Evidence = Rc<RefCell<Store>>;

/// The evidence that a policy begins with.
pub fn evidence(policy: &Policy, verifier: Rc<dyn SignatureVerifier>) -> Evidence {
    let sources = policy.revocation.clone();
    Rc::new(RefCell::new(Store::new(
        sources.responders,
        sources.crls,
        sources.max_wait_ms,
        verifier,
    )))
}

/// The calls to responders.
pub struct Calls {
    evidence: Evidence,
    skew: u32,
    open: HashMap<u32, Order>,
    /// Other workers ask about these.
    asked_by_others: Vec<Order>,
}

/// Who asks.
enum Settled {
    /// This worker.
    Make(Order),
    /// Another one.
    Others(Order),
    /// Nobody needs to.
    Answered,
}

/// Milliseconds between two looks at what other workers have asked.
pub const LOOK_MS: u32 = 2;

/// Milliseconds that a claim lasts beyond the call's own time-out, for the answer
/// to be read.
const MARGIN_MS: u64 = 500;

impl Calls {
    /// For this evidence.
    pub fn new(evidence: Evidence, skew: u32) -> Self {
        Self {
            evidence,
            skew,
            open: HashMap::new(),
            asked_by_others: Vec::new(),
        }
    }

    /// Whether there are responders to ask.
    pub fn asks(&self) -> bool {
        self.evidence.try_borrow().is_ok_and(|e| e.has_responders())
    }

    /// Whether a call is to be made.
    pub fn has_orders(&self) -> bool {
        self.evidence.try_borrow().is_ok_and(|e| e.has_orders())
    }

    /// Whether other workers are asking for this one, too.
    pub const fn waits_for_others(&self) -> bool {
        !self.asked_by_others.is_empty()
    }

    /// The call to make next: one that no other worker makes.
    pub fn take_order(&mut self, host: &impl Host) -> Option<Order> {
        loop {
            let order = self.evidence.try_borrow_mut().ok()?.take_order()?;
            match self.settle(order, host) {
                Settled::Make(order) => return Some(order),
                Settled::Others(order) => self.asked_by_others.push(order),
                Settled::Answered => {}
            }
        }
    }

    /// Looks at what others asked. Whether there is news for those who wait; a
    /// call that nobody makes any more goes to `make`.
    pub fn look_at_others(&mut self, host: &impl Host) -> (bool, Vec<Order>) {
        let (mut news, mut make) = (false, Vec::new());
        for order in std::mem::take(&mut self.asked_by_others) {
            match self.settle(order, host) {
                Settled::Make(order) => make.push(order),
                Settled::Others(order) => self.asked_by_others.push(order),
                Settled::Answered => news = true,
            }
        }
        (news, make)
    }

    /// Finds out who asks: an answer that is there and of no use is as none.
    fn settle(&self, mut order: Order, host: &impl Host) -> Settled {
        // Twice: what came after an answer of no use is of use, or a claim.
        for _ in 0..2 {
            match self.claim(&order, host) {
                Claim::Ours => return Settled::Make(order),
                Claim::Others => return Settled::Others(order),
                Claim::Answered(answer, at) => {
                    let now = now(host, self.skew);
                    let is_of_use = self
                        .evidence
                        .try_borrow_mut()
                        .is_ok_and(|mut e| e.shared(&order.key, &answer, at, now));
                    if is_of_use {
                        return Settled::Answered;
                    }
                    order.newer_than = at;
                }
            }
        }
        Settled::Make(order)
    }

    /// A call was made, or could not be.
    pub fn sent(&mut self, order: Order, call: Option<CallId>, host: &impl Host) {
        match call {
            Some(CallId(id)) => {
                self.open.insert(id, order);
            }
            None => self.tell(&order, &CallAnswer::none(), host),
        }
    }

    /// Takes an answer. Returns the cluster that was asked, if it is to a call of
    /// these.
    pub fn answered(&mut self, answer: &CallAnswer, host: &impl Host) -> Option<String> {
        let order = self.open.remove(&answer.id.0)?;
        self.tell(&order, answer, host);
        Some(order.cluster.into())
    }

    fn claim(&self, order: &Order, host: &impl Host) -> Claim {
        let now = host.now_nanos();
        let until = now + (u64::from(order.timeout_ms) + MARGIN_MS) * 1_000_000;
        share::claim(host, &order.key, order.newer_than, now, until)
    }

    fn tell(&self, order: &Order, answer: &CallAnswer, host: &impl Host) {
        let fetched = Fetched {
            status: answer.status,
            content_type: &answer.content_type,
            body: &answer.body,
        };
        let now = now(host, self.skew);
        let Ok(mut evidence) = self.evidence.try_borrow_mut() else {
            return;
        };
        if evidence.answered(&order.key, &fetched, now) {
            share::share(host, &order.key, &answer.body, now.nanos);
        } else {
            share::give_up(host, &order.key);
        }
    }
}

/// The moment, by the host's clock.
pub fn now(host: &impl Host, skew: u32) -> Now {
    let nanos = host.now_nanos();
    Now {
        nanos,
        at: Instant {
            now: super::base::seconds(nanos),
            skew,
        },
    }
}

/// Sends an order. Only from a callback of the root context, and while nothing
/// is borrowed.
pub fn send(order: &Order, host: &impl Host) -> Option<CallId> {
    let method = if order.body.is_some() { "POST" } else { "GET" };
    let mut headers = vec![
        (":method", method),
        (":path", order.path.as_str()),
        (":authority", order.authority.as_str()),
        (
            "user-agent",
            concat!("hopguard/", env!("CARGO_PKG_VERSION")),
        ),
    ];
    headers.extend(content_type(order).map(|kind| ("content-type", kind)));
    let body = order.body.as_deref().unwrap_or_default();
    host.call(&order.cluster, &headers, body, order.timeout_ms)
}
