//! Asking whether certificates are revoked: the store of what is known, and the
//! calls that are open.

use std::cell::RefCell;
use std::rc::Rc;

use hashbrown::HashMap;

use crate::decision::Policy;
use crate::host::{CallAnswer, CallId, Host};
use crate::revocation::ocsp::CacheKey;
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
    open: HashMap<u32, (CacheKey, Box<str>)>,
}

impl Calls {
    /// For this evidence.
    pub fn new(evidence: Evidence, skew: u32) -> Self {
        Self {
            evidence,
            skew,
            open: HashMap::new(),
        }
    }

    /// Whether a call is to be made.
    pub fn has_orders(&self) -> bool {
        self.evidence.try_borrow().is_ok_and(|e| e.has_orders())
    }

    /// The call to make next.
    pub fn take_order(&self) -> Option<Order> {
        self.evidence.try_borrow_mut().ok()?.take_order()
    }

    /// A call was made, or could not be.
    pub fn sent(&mut self, order: Order, call: Option<CallId>, host: &impl Host) {
        match call {
            Some(CallId(id)) => {
                self.open.insert(id, (order.key, order.cluster));
            }
            None => self.tell(&order.key, &CallAnswer::none(), host),
        }
    }

    /// Takes an answer. Returns the cluster that was asked, if it is to a call of
    /// these.
    pub fn answered(&mut self, answer: &CallAnswer, host: &impl Host) -> Option<String> {
        let (key, cluster) = self.open.remove(&answer.id.0)?;
        self.tell(&key, answer, host);
        Some(cluster.into())
    }

    fn tell(&self, key: &CacheKey, answer: &CallAnswer, host: &impl Host) {
        let fetched = Fetched {
            status: answer.status,
            content_type: &answer.content_type,
            body: &answer.body,
        };
        let now = now(host, self.skew);
        if let Ok(mut evidence) = self.evidence.try_borrow_mut() {
            evidence.answered(key, &fetched, now);
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
