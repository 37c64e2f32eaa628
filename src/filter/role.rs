//! What a root context was configured to be.

use std::cell::RefCell;
use std::rc::Rc;

use super::ask::Ports;
use super::base::Base;
use super::guard::Guard;
use super::log::Log;
use super::network::Network;
use super::posture::Posture;
use super::seen::Seen;
use crate::decision::{Direction, Policy};
use crate::host::CallAnswer;
use crate::host::envoy::{self, Envoy, ProcessData};
use crate::revocation::MAX_OPEN;

/// The place of a root id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// HTTP filter of a listener or a cluster.
    Http(Direction),
    /// L4 filter of a listener.
    Network,
    /// Access logger.
    Log,
    /// Service of its own (`envoy.bootstrap.wasm`).
    Posture,
}

impl Place {
    /// The place that a root id names.
    pub fn of(root_id: &[u8]) -> Option<Self> {
        match root_id {
            b"downstream" => Some(Self::Http(Direction::Downstream)),
            b"upstream" => Some(Self::Http(Direction::Upstream)),
            b"network" => Some(Self::Network),
            b"log" => Some(Self::Log),
            b"posture" => Some(Self::Posture),
            _ => None,
        }
    }

    /// The directions whose rules it uses.
    pub const fn directions(&self) -> &[Direction] {
        match self {
            Self::Http(direction) => std::slice::from_ref(direction),
            Self::Network | Self::Log => &[Direction::Downstream, Direction::Upstream],
            Self::Posture => &[],
        }
    }
}

/// A role. No callback of one comes while it works; should a host break that,
/// nothing goes through.
#[derive(Clone)]
pub enum Role {
    /// Judges requests.
    Requests(Rc<RefCell<Guard<Envoy>>>),
    /// Judges connections.
    Connections(Rc<RefCell<Network<Envoy>>>),
    /// Tells of failures.
    Log(Rc<RefCell<Log<Envoy>>>),
    /// Looks at the proxy itself.
    Posture(Rc<RefCell<Posture<Envoy>>>),
}

impl Role {
    /// The role of a place, under this policy.
    ///
    /// # Errors
    /// The policy says nothing to this role, in one sentence.
    pub fn new(place: Place, root: u32, policy: Policy, seen: Seen) -> Result<Self, &'static str> {
        let host = Envoy::new(root);
        let ports = Ports {
            verifier: envoy::offers::verifier(),
            data: Rc::new(ProcessData),
            random: envoy::random,
            is_loader: envoy::wake::is_main(),
        };
        Ok(match place {
            Place::Http(direction) => {
                if direction == Direction::Downstream {
                    envoy::note_downstream_role();
                }
                let guard = Guard::new(host, root, direction, policy, &ports, seen);
                Self::Requests(Rc::new(RefCell::new(guard)))
            }
            Place::Network => {
                let network = Network::new(host, root, policy, &ports, seen);
                Self::Connections(Rc::new(RefCell::new(network)))
            }
            Place::Log => Self::Log(Rc::new(RefCell::new(Log::new(host, root, policy, seen)))),
            Place::Posture => {
                let posture = Posture::new(host, root, policy)
                    .ok_or("posture: it is missing, and the role \"posture\" needs it")?;
                Self::Posture(Rc::new(RefCell::new(posture)))
            }
        })
    }

    /// Its root id. Not while it works.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Requests(guard) => guard
                .try_borrow()
                .map_or("downstream or upstream", |guard| guard.direction().as_str()),
            Self::Connections(_) => "network",
            Self::Log(_) => "log",
            Self::Posture(_) => "posture",
        }
    }

    /// Begins to work: what is due from the first moment on gets its timer. On the
    /// main thread it makes what the workers share, before any of them looks.
    pub fn begin(&self, is_main: bool) {
        if is_main {
            self.with_base(|base| base.calls.prepare());
        }
        self.schedule();
    }

    /// Whether a message in this queue is a wake-up that it asked for.
    pub fn is_wake(&self, queue: u32) -> bool {
        self.with_base(|base| base.host.is_wake(queue)) == Some(true)
    }

    /// The answer to a call came.
    pub fn on_answer(&self, answer: &mut CallAnswer) {
        match self {
            Self::Requests(guard) => with(guard, |guard| guard.on_answer(answer)),
            Self::Connections(network) => with(network, |network| network.on_answer(answer)),
            Self::Log(log) => with(log, |log| log.on_answer(answer)),
            Self::Posture(posture) => with(posture, |posture| posture.on_answer(answer)),
        }
    }

    /// The timer fired.
    pub fn on_tick(&self, root: u32) {
        match self {
            Self::Requests(guard) => with(guard, Guard::on_tick),
            Self::Connections(network) => with(network, Network::on_tick),
            Self::Log(log) => with(log, Log::on_tick),
            Self::Posture(posture) => with(posture, Posture::on_tick),
        }
        self.make_calls(root);
    }

    /// The wake-up came.
    pub fn on_wake(&self, root: u32) {
        match self {
            Self::Requests(guard) => with(guard, Guard::on_wake),
            Self::Connections(network) => with(network, Network::on_wake),
            Self::Log(_) | Self::Posture(_) => {}
        }
        self.make_calls(root);
    }

    /// A record of an access log.
    pub fn on_log(&self) {
        if let Self::Log(log) = self {
            with(log, Log::on_log);
        }
    }

    /// The root context is gone.
    pub fn on_shutdown(&self) {
        match self {
            Self::Requests(guard) => with(guard, Guard::on_shutdown),
            Self::Connections(network) => with(network, Network::on_shutdown),
            Self::Log(log) => with(log, Log::on_shutdown),
            Self::Posture(posture) => with(posture, Posture::on_shutdown),
        }
    }

    /// Makes the calls that are due, while no role is borrowed: each cluster may
    /// carry a filter of this plugin, which Envoy calls from within.
    fn make_calls(&self, root: u32) {
        if let Self::Posture(posture) = self {
            return make_calls_of(posture, root);
        }
        let mut made = false;
        // No more than may be open, and one to the collector.
        for _ in 0..=MAX_OPEN {
            let Some(call) = self.with_base(Base::take_call).flatten() else {
                break;
            };
            let id = call.make(&Envoy::new(root));
            self.with_base(|base| base.called(call, id));
            made = true;
        }
        if made {
            self.schedule();
        }
    }

    fn schedule(&self) {
        match self {
            Self::Requests(guard) => with(guard, Guard::schedule),
            Self::Connections(network) => with(network, Network::schedule),
            Self::Log(log) => with(log, Log::schedule),
            Self::Posture(posture) => with(posture, Posture::schedule),
        }
    }

    fn with_base<T>(&self, act: impl FnOnce(&mut Base<Envoy>) -> T) -> Option<T> {
        match self {
            Self::Requests(guard) => Some(act(guard.try_borrow_mut().ok()?.base())),
            Self::Connections(network) => Some(act(network.try_borrow_mut().ok()?.base())),
            Self::Log(log) => Some(act(log.try_borrow_mut().ok()?.base())),
            Self::Posture(_) => None,
        }
    }
}

/// The same for the role that looks at the proxy: one look, and one call to the
/// collector.
fn make_calls_of(posture: &RefCell<Posture<Envoy>>, root: u32) {
    for _ in 0..2 {
        let call = posture
            .try_borrow_mut()
            .ok()
            .and_then(|mut p| p.take_call());
        let Some(call) = call else {
            return;
        };
        let id = call.make(&Envoy::new(root));
        with(posture, |posture| posture.called(&call, id));
    }
}

fn with<T>(role: &RefCell<T>, act: impl FnOnce(&mut T)) {
    if let Ok(mut role) = role.try_borrow_mut() {
        act(&mut role);
    }
}
