//! Asking whether certificates are revoked: the store of what is known, and the
//! calls that are open, to responders and for lists.

use std::cell::RefCell;
use std::rc::Rc;

use hashbrown::HashMap;

use super::share::{self, Claim};
use crate::decision::Policy;
use crate::host::{CallAnswer, CallId, Host};
use crate::revocation::ocsp::MAX_RESPONSE;
use crate::revocation::{
    Fetched, ListAnswer, ListOrder, Now, Order, Random, SharedData, Store, Told, Unshared,
};
use crate::trust::{Instant, NoHost, SignatureVerifier};

/// The evidence of a root context, shared by its judges.
pub type Evidence = Rc<RefCell<Store>>;

/// What the evidence needs of the host.
#[derive(Clone)]
pub struct Ports {
    /// Checks signatures.
    pub verifier: Rc<dyn SignatureVerifier>,
    /// What all workers share.
    pub data: Rc<dyn SharedData>,
    /// Random octets.
    pub random: Random,
    /// Whether this worker loads lists for all: the main thread.
    pub is_loader: bool,
}

impl Ports {
    /// For a role that asks nobody.
    pub fn none() -> Self {
        Self {
            verifier: Rc::new(NoHost),
            data: Rc::new(Unshared),
            random: || None,
            is_loader: false,
        }
    }
}

/// The evidence that a policy begins with.
pub fn evidence(policy: &Policy, ports: &Ports) -> Evidence {
    let store = policy.revocation.store(
        Rc::clone(&ports.data),
        Rc::clone(&ports.verifier),
        ports.random,
        ports.is_loader,
    );
    Rc::new(RefCell::new(store))
}

/// A call that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// About a certificate.
    Status(Order),
    /// For a list.
    List(ListOrder),
}

impl Ask {
    fn cluster(&self) -> &str {
        match self {
            Self::Status(order) => &order.cluster,
            Self::List(order) => &order.cluster,
        }
    }

    fn source(&self) -> &'static str {
        match self {
            Self::Status(_) => "ocsp",
            Self::List(_) => "crl",
        }
    }
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The cluster that was called.
    pub cluster: String,
    /// `ocsp` or `crl`.
    pub source: &'static str,
    /// What came of it; `None` for a list that is being loaded.
    pub result: Option<&'static str>,
    /// For the log.
    pub told: Option<Told>,
}

/// The calls to responders, and for lists.
pub struct Calls {
    evidence: Evidence,
    data: Rc<dyn SharedData>,
    skew: u32,
    open: HashMap<u32, Ask>,
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
    /// For this evidence; `data`: where the workers share answers.
    pub fn new(evidence: Evidence, data: Rc<dyn SharedData>, skew: u32) -> Self {
        Self {
            evidence,
            data,
            skew,
            open: HashMap::new(),
            asked_by_others: Vec::new(),
        }
    }

    /// Makes the places that workers share. Only on the main thread, before any
    /// worker looks.
    pub fn prepare(&self) {
        if let Ok(mut evidence) = self.evidence.try_borrow_mut() {
            if evidence.has_responders() {
                share::prepare(self.data.as_ref());
            }
            evidence.lists().prepare();
        }
    }

    /// Whether a call is to be made to a responder.
    pub fn has_orders(&self, now: i64) -> bool {
        self.evidence.try_borrow().is_ok_and(|e| e.has_orders(now))
    }

    /// When there is something to do about a list, in nanoseconds.
    pub fn lists_due(&self, now: Now) -> Option<u64> {
        self.evidence.try_borrow_mut().ok()?.lists().next_due(now)
    }

    /// Whether other workers are asking for this one, too.
    pub fn waits_for_others(&self) -> bool {
        let awaits_list = || {
            let evidence = self.evidence.try_borrow_mut();
            evidence.is_ok_and(|mut e| e.lists().is_awaited())
        };
        !self.asked_by_others.is_empty() || awaits_list()
    }

    /// The call to make next: one that no other worker makes.
    pub fn take(&mut self, host: &impl Host) -> Option<Ask> {
        let now = now(host, self.skew);
        loop {
            let mut evidence = self.evidence.try_borrow_mut().ok()?;
            let Some(order) = evidence.take_order(now.at.now) else {
                return evidence.lists().take_order(now).map(Ask::List);
            };
            drop(evidence);
            match self.settle(order, host) {
                Settled::Make(order) => return Some(Ask::Status(order)),
                Settled::Others(order) => self.asked_by_others.push(order),
                Settled::Answered => {}
            }
        }
    }

    /// Looks at what others asked. Whether there is news for those who wait; a
    /// call that nobody makes any more goes to `make`.
    pub fn look_at_others(&mut self, host: &impl Host) -> (bool, Vec<Ask>) {
        let (mut news, mut make) = (false, Vec::new());
        for order in std::mem::take(&mut self.asked_by_others) {
            match self.settle(order, host) {
                Settled::Make(order) => make.push(Ask::Status(order)),
                Settled::Others(order) => self.asked_by_others.push(order),
                Settled::Answered => news = true,
            }
        }
        if let Ok(mut evidence) = self.evidence.try_borrow_mut()
            && evidence.lists().is_awaited()
        {
            news |= evidence.lists().look(now(host, self.skew), true);
        }
        (news, make)
    }

    /// Does a part of what is left to load of a list: some milliseconds of work.
    pub fn load_lists(&mut self, host: &impl Host) -> Option<Told> {
        let now = now(host, self.skew);
        self.evidence.try_borrow_mut().ok()?.load_lists(now)
    }

    /// Gives up what others could do.
    pub fn give_up(&mut self) {
        if let Ok(mut evidence) = self.evidence.try_borrow_mut() {
            evidence.lists().give_up();
        }
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
                        .is_ok_and(|mut e| e.shared(&order, &answer, at, now));
                    if is_of_use {
                        return Settled::Answered;
                    }
                    order.newer_than = at;
                }
            }
        }
        Settled::Make(order)
    }

    /// A call was made, or could not be: then that is its outcome.
    pub fn sent(&mut self, ask: Ask, call: Option<CallId>, host: &impl Host) -> Option<Outcome> {
        match call {
            Some(CallId(id)) => {
                self.open.insert(id, ask);
                None
            }
            None => Some(self.tell(ask, &mut CallAnswer::none(), host)),
        }
    }

    /// Takes an answer, if it is to a call of these.
    pub fn answered(&mut self, answer: &mut CallAnswer, host: &impl Host) -> Option<Outcome> {
        let ask = self.open.remove(&answer.id.0)?;
        Some(self.tell(ask, answer, host))
    }

    fn claim(&self, order: &Order, host: &impl Host) -> Claim {
        let now = host.now_nanos();
        let until = now + (u64::from(order.timeout_ms) + MARGIN_MS) * 1_000_000;
        share::claim(self.data.as_ref(), &order.key, order.newer_than, now, until)
    }

    fn tell(&self, ask: Ask, answer: &mut CallAnswer, host: &impl Host) -> Outcome {
        let now = now(host, self.skew);
        let mut outcome = Outcome {
            cluster: ask.cluster().to_owned(),
            source: ask.source(),
            result: None,
            told: None,
        };
        let Ok(mut evidence) = self.evidence.try_borrow_mut() else {
            return outcome;
        };
        match ask {
            Ask::Status(order) => {
                let fetched = Fetched {
                    status: answer.status,
                    content_type: &answer.content_type,
                    body: &answer.body,
                };
                let learnt = evidence.answered(&order, &fetched, now);
                outcome.result = Some(learnt.result);
                if learnt.is_news {
                    share::share(self.data.as_ref(), &order.key, &answer.body, now.nanos);
                } else {
                    share::give_up(self.data.as_ref(), &order.key);
                }
            }
            Ask::List(order) => {
                let answer = ListAnswer {
                    status: answer.status,
                    etag: answer.etag.clone(),
                    body: std::mem::take(&mut answer.body),
                };
                outcome.told = evidence.lists().answered(order.index, answer, now);
                outcome.result = outcome.told.as_ref().map(|told| told.result);
            }
        }
        outcome
    }
}

/// The moment, by the host's clock.
pub fn now(host: &impl Host, skew: u32) -> Now {
    moment(host.now_nanos(), skew)
}

/// The moment of so many nanoseconds since the Unix epoch.
pub fn moment(nanos: u64, skew: u32) -> Now {
    Now {
        nanos,
        at: Instant {
            now: super::base::seconds(nanos),
            skew,
        },
    }
}

/// Makes a call. Only from a callback of the root context, and while nothing is
/// borrowed.
pub fn send(ask: &Ask, host: &impl Host) -> Option<CallId> {
    let agent = concat!("hopguard/", env!("CARGO_PKG_VERSION"));
    match ask {
        Ask::Status(order) => {
            let method = if order.body.is_some() { "POST" } else { "GET" };
            let mut headers = vec![
                (":method", method),
                (":path", order.path.as_str()),
                (":authority", order.authority.as_str()),
                ("user-agent", agent),
            ];
            headers.extend(order.content_type().map(|kind| ("content-type", kind)));
            let body = order.body.as_deref().unwrap_or_default();
            // One byte more than a response may have, so that one which has more
            // is known as such.
            let max = MAX_RESPONSE + 1;
            host.call(&order.cluster, &headers, body, order.timeout_ms, max)
        }
        Ask::List(order) => {
            let mut headers = vec![
                (":method", "GET"),
                (":path", &*order.path),
                (":authority", &*order.authority),
                ("user-agent", agent),
            ];
            if !order.etag.is_empty() {
                headers.push(("if-none-match", &order.etag));
            }
            host.call(
                &order.cluster,
                &headers,
                &[],
                order.timeout_ms,
                order.max_answer,
            )
        }
    }
}
