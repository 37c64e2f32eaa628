//! The SDK's side of the plugin: contexts that hand each callback to the role
//! of their root.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext, StreamContext};
use proxy_wasm::types::{Action, ContextType, LogLevel, PeerType};

use super::base::{Base, seconds};
use super::guard::{Guard, Step};
use super::log::Log;
use super::network::{Connection, Network, Phase};
use super::seen::Seen;
use crate::config;
use crate::decision::{Direction, Policy};
use crate::host::envoy::{self, Envoy, HostSignatures};
use crate::host::{CallAnswer, Host, Level, attributes};
use crate::telemetry::{Metrics, metrics};

/// Registers the contexts with the SDK: the module's entry point.
pub fn register() {
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|id| Box::new(Root { id, role: None }));
    envoy::take_callbacks(envoy::Callbacks {
        on_tick,
        on_answer,
        on_log,
    });
}

fn on_tick(context: u32) {
    if let Some(role) = role_of(context) {
        role.on_tick();
        role.export(context);
    }
}

fn on_answer(context: u32, answer: &CallAnswer) {
    if let Some(role) = role_of(context) {
        role.on_answer(answer);
    }
}

/// Called for roots that are access loggers; and at the end of each request and
/// connection, which is not for us.
fn on_log(context: u32) {
    if let Some(Role::Log(log)) = role_of(context) {
        with(&log, Log::on_log);
    }
}

fn role_of(context: u32) -> Option<Role> {
    ROLES.with_borrow(|roles| roles.get(&context).cloned())
}

thread_local! {
    /// One for all roles of the VM.
    static SEEN: Seen = Seen::default();
    /// The roles by their contexts, for the callbacks that do not come through
    /// the SDK.
    static ROLES: RefCell<HashMap<u32, Role>> = RefCell::default();
}

/// What a root context was configured to be. No callback runs inside another:
/// a role that is borrowed already belongs to a host that breaks that, and then
/// nothing goes through.
#[derive(Clone)]
enum Role {
    Requests(Rc<RefCell<Guard<Envoy>>>),
    Connections(Rc<RefCell<Network<Envoy>>>),
    Log(Rc<RefCell<Log<Envoy>>>),
}

/// The place of a root id.
#[derive(Clone, Copy)]
enum Place {
    Http(Direction),
    Network,
    Log,
}

struct Root {
    id: u32,
    role: Option<Role>,
}

impl Root {
    fn configure(&self, size: usize) -> Result<Role, String> {
        let host = Envoy::new(self.id);
        let root_id = host
            .property(attributes::PLUGIN_ROOT_ID)
            .unwrap_or_default();
        let place = match root_id.as_slice() {
            b"downstream" => Place::Http(Direction::Downstream),
            b"upstream" => Place::Http(Direction::Upstream),
            b"network" => Place::Network,
            b"log" => Place::Log,
            other => {
                return Err(format!(
                    "root_id: {:?} is no role; use \"downstream\", \"upstream\", \"network\" or \"log\"",
                    String::from_utf8_lossy(other)
                ));
            }
        };
        let now = seconds(host.now_nanos());
        // A policy over the limit is refused by its size alone, unread.
        let json = if size > config::MAX_BYTES {
            return Err(format!(
                "the policy is refused: it has {size} bytes, more than {}",
                config::MAX_BYTES
            ));
        } else {
            envoy::plugin_configuration(size)
        };
        let policy = config::parse(&json, now).map_err(|e| e.to_string())?;
        let directions: &[Direction] = match &place {
            Place::Http(direction) => std::slice::from_ref(direction),
            Place::Network | Place::Log => &[Direction::Downstream, Direction::Upstream],
        };
        let mut rules = 0;
        for direction in directions {
            warn_of_ended_waivers(&host, &policy, *direction, now);
            rules += policy.rules(*direction).iter().count().saturating_sub(1);
        }
        host.log(
            Level::Info,
            &format!(
                "hopguard {}: {} policy with {rules} rules",
                env!("CARGO_PKG_VERSION"),
                String::from_utf8_lossy(&root_id)
            ),
        );
        Ok(self.role(place, host, policy))
    }

    fn role(&self, place: Place, host: Envoy, policy: Policy) -> Role {
        let verifier = || Box::new(HostSignatures);
        let seen = SEEN.with(Seen::clone);
        match place {
            Place::Http(direction) => {
                if direction == Direction::Downstream {
                    envoy::note_downstream_role();
                }
                let guard = Guard::new(host, self.id, direction, policy, verifier(), seen);
                Role::Requests(Rc::new(RefCell::new(guard)))
            }
            Place::Network => {
                let network = Network::new(host, self.id, policy, [verifier(), verifier()], seen);
                Role::Connections(Rc::new(RefCell::new(network)))
            }
            Place::Log => Role::Log(Rc::new(RefCell::new(Log::new(host, self.id, policy, seen)))),
        }
    }

    fn is_wake(&self, queue: u32) -> bool {
        let is_own = |host: &Envoy| host.is_wake(queue);
        match &self.role {
            Some(Role::Requests(guard)) => {
                guard.try_borrow().is_ok_and(|guard| is_own(guard.host()))
            }
            Some(Role::Connections(network)) => network
                .try_borrow()
                .is_ok_and(|network| is_own(network.host())),
            Some(Role::Log(_)) | None => false,
        }
    }
}

impl Role {
    fn on_answer(&self, answer: &CallAnswer) {
        match self {
            Self::Requests(guard) => with(guard, |guard| guard.on_answer(answer)),
            Self::Connections(network) => with(network, |network| network.on_answer(answer)),
            Self::Log(log) => with(log, |log| log.on_answer(answer)),
        }
    }

    fn on_tick(&self) {
        match self {
            Self::Requests(guard) => with(guard, Guard::on_tick),
            Self::Connections(network) => with(network, Network::on_tick),
            Self::Log(log) => with(log, Log::on_tick),
        }
    }

    /// Sends what is due to the collector, while no role is borrowed.
    fn export(&self, context: u32) {
        let request = self.with_base(Base::take_request);
        if let Some(request) = request.flatten() {
            let call = request.send(&Envoy::new(context));
            self.with_base(|base| base.sent(call));
            self.schedule();
        }
    }

    fn with_base<T>(&self, act: impl FnOnce(&mut Base<Envoy>) -> T) -> Option<T> {
        let mut result = None;
        match self {
            Self::Requests(guard) => with(guard, |guard| result = Some(act(guard.base()))),
            Self::Connections(network) => {
                with(network, |network| result = Some(act(network.base())));
            }
            Self::Log(log) => with(log, |log| result = Some(act(log.base()))),
        }
        result
    }

    fn schedule(&self) {
        match self {
            Self::Requests(guard) => with(guard, Guard::schedule),
            Self::Connections(network) => with(network, Network::schedule),
            Self::Log(log) => with(log, Log::schedule),
        }
    }

    fn on_wake(&self) {
        match self {
            Self::Requests(guard) => with(guard, Guard::on_wake),
            Self::Connections(network) => with(network, Network::on_wake),
            Self::Log(_) => {}
        }
    }

    fn on_shutdown(&self) {
        match self {
            Self::Requests(guard) => with(guard, Guard::on_shutdown),
            Self::Connections(network) => with(network, Network::on_shutdown),
            Self::Log(log) => with(log, Log::on_shutdown),
        }
    }
}

fn with<T>(role: &RefCell<T>, act: impl FnOnce(&mut T)) {
    if let Ok(mut role) = role.try_borrow_mut() {
        act(&mut role);
    }
}

/// A waiver past its day is no mistake of the policy, or a restart would turn it
/// into an outage of everything; but whoever loads it should know.
fn warn_of_ended_waivers(host: &Envoy, policy: &Policy, direction: Direction, now: i64) {
    for rule in policy.rules(direction).iter() {
        for waiver in rule.waivers.iter().filter(|w| w.ends <= now) {
            let line = format!(
                "hopguard: {} rule {:?}: its waiver ended with {} and waives nothing any more",
                direction.as_str(),
                rule.name,
                waiver.until
            );
            host.log(Level::Warn, &line);
        }
    }
}

impl Context for Root {}

// The SDK drops a context when Envoy deletes it. `proxy_on_done` comes right
// before that and would say no more, but cost every request a callback: the
// module does not export it.
impl Drop for Root {
    fn drop(&mut self) {
        ROLES.with_borrow_mut(|roles| roles.remove(&self.id));
        if let Some(role) = &self.role {
            role.on_shutdown();
        }
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        let host = Envoy::new(self.id);
        let count = |result| {
            Metrics::default().add(&host, &metrics::CONFIGURATIONS, &[result], 1);
        };
        match self.configure(size) {
            Ok(role) => {
                count("accepted");
                envoy::wake::offer_echo();
                ROLES.with_borrow_mut(|roles| roles.insert(self.id, role.clone()));
                self.role = Some(role);
                true
            }
            Err(reason) => {
                count("rejected");
                host.log(Level::Error, &format!("hopguard: {reason}"));
                false
            }
        }
    }

    fn on_queue_ready(&mut self, queue: u32) {
        if self.is_wake(queue) {
            envoy::wake::acknowledge(queue);
            if let Some(role) = &self.role {
                role.on_wake();
            }
        } else {
            envoy::wake::echo(queue);
        }
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        let guard = match &self.role {
            Some(Role::Requests(guard)) => Some(Rc::clone(guard)),
            _ => None,
        };
        Some(Box::new(Request {
            id,
            guard,
            waits: false,
        }))
    }

    fn create_stream_context(&self, id: u32) -> Option<Box<dyn StreamContext>> {
        let network = match &self.role {
            Some(Role::Connections(network)) => Some(Rc::clone(network)),
            _ => None,
        };
        Some(Box::new(Stream {
            id,
            network,
            connection: Rc::new(Cell::new(Phase::Unjudged)),
        }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(match &self.role {
            Some(Role::Connections(_)) => ContextType::StreamContext,
            _ => ContextType::HttpContext,
        })
    }
}

/// A request of an HTTP filter.
struct Request {
    id: u32,
    guard: Option<Rc<RefCell<Guard<Envoy>>>>,
    waits: bool,
}

impl Context for Request {}

impl Drop for Request {
    fn drop(&mut self) {
        if self.waits
            && let Some(guard) = &self.guard
        {
            with(guard, |guard| guard.on_upstream_done(self.id));
        }
    }
}

impl HttpContext for Request {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        // No role, or one that judges no requests: nothing goes through.
        let Some(Ok(mut guard)) = self.guard.as_ref().map(|g| g.try_borrow_mut()) else {
            return Action::Pause;
        };
        let step = match guard.direction() {
            Direction::Downstream => guard.on_downstream_request(),
            Direction::Upstream => {
                let step = guard.on_upstream_request(self.id);
                self.waits = step == Step::Stop;
                step
            }
        };
        action(step)
    }
}

/// A connection of an L4 filter.
struct Stream {
    id: u32,
    network: Option<Rc<RefCell<Network<Envoy>>>>,
    connection: Connection,
}

impl Context for Stream {}

impl Stream {
    fn judge(&self, act: impl FnOnce(&mut Network<Envoy>) -> Step) -> Action {
        if self.connection.get() == Phase::Passed {
            return Action::Continue;
        }
        let Some(Ok(mut network)) = self.network.as_ref().map(|n| n.try_borrow_mut()) else {
            return Action::Pause;
        };
        action(act(&mut network))
    }
}

impl StreamContext for Stream {
    fn on_downstream_data(&mut self, _: usize, end: bool) -> Action {
        self.judge(|network| network.on_client_data(self.id, &self.connection, end))
    }

    fn on_upstream_data(&mut self, _: usize, _: bool) -> Action {
        self.judge(|network| network.on_server_data(self.id, &self.connection))
    }

    fn on_downstream_close(&mut self, _: PeerType) {
        if self.connection.get() != Phase::Passed
            && let Some(network) = &self.network
        {
            with(network, |network| {
                network.on_close(self.id, &self.connection)
            });
        }
    }
}

const fn action(step: Step) -> Action {
    match step {
        Step::Continue => Action::Continue,
        Step::Stop => Action::Pause,
    }
}
