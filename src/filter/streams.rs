//! The requests and connections of all roots of a VM, and the role that each
//! belongs to.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use hashbrown::{HashMap, HashSet};

use super::guard::Step;
use super::network::{Connection, Phase};
use super::respond;
use super::role::Role;
use crate::decision::Direction;
use crate::host::envoy::{Callbacks, Envoy};
use crate::host::{CallAnswer, Host, Level};

thread_local! {
    /// The roles by their root contexts.
    static ROLES: RefCell<HashMap<u32, Role>> = RefCell::default();
    static STREAMS: RefCell<HashMap<u32, Stream>> = RefCell::default();
    /// Roots in a wrong place that were told of.
    static MISPLACED: RefCell<HashSet<u32>> = RefCell::default();
}

/// A stream.
#[derive(Clone)]
struct Stream {
    root: u32,
    state: State,
}

/// What a stream turned out to be at its first callback.
#[derive(Clone)]
enum State {
    New,
    /// A request that waits, or was answered.
    WaitingRequest,
    Connection(Connection),
}

/// The callbacks for [`crate::host::envoy::take_callbacks`].
pub const CALLBACKS: Callbacks = Callbacks {
    on_stream,
    on_delete,
    on_request,
    on_client_data,
    on_server_data,
    on_close,
    on_tick,
    on_answer,
    on_log,
};

/// Lets the streams of a root find their role.
pub fn insert_role(root: u32, role: Role) {
    ROLES.with_borrow_mut(|roles| roles.insert(root, role));
}

/// The root is gone.
pub fn remove_role(root: u32) -> Option<Role> {
    MISPLACED.with_borrow_mut(|roots| roots.remove(&root));
    ROLES.with_borrow_mut(|roles| roles.remove(&root))
}

/// The role of a root.
pub fn role_of(root: u32) -> Option<Role> {
    ROLES.with_borrow(|roles| roles.get(&root).cloned())
}

fn on_stream(context: u32, root: u32) {
    let stream = Stream {
        root,
        state: State::New,
    };
    STREAMS.with_borrow_mut(|streams| streams.insert(context, stream));
}

fn on_delete(context: u32) -> bool {
    let Some(stream) = STREAMS.with_borrow_mut(|streams| streams.remove(&context)) else {
        return false;
    };
    if let State::WaitingRequest = stream.state
        && let Some(Role::Requests(guard)) = role_of(stream.root)
        && let Ok(mut guard) = guard.try_borrow_mut()
    {
        match guard.direction() {
            Direction::Downstream => guard.on_downstream_done(context),
            Direction::Upstream => guard.on_upstream_done(context),
        }
    }
    true
}

fn on_request(context: u32) -> bool {
    let Some(stream) = stream_of(context) else {
        return false;
    };
    let Some(role) = role_of(stream.root) else {
        return false;
    };
    let deny = |host: &Envoy| respond::deny(host, Direction::Upstream, "misplaced");
    let Role::Requests(guard) = &role else {
        return misplaced(&stream, &role, "an HTTP filter", deny);
    };
    let (direction, step) = {
        let Ok(mut guard) = guard.try_borrow_mut() else {
            return false;
        };
        let step = match guard.direction() {
            Direction::Downstream => guard.on_downstream_request(context),
            Direction::Upstream => guard.on_upstream_request(context),
        };
        (guard.direction(), step)
    };
    match step {
        Step::Continue => true,
        Step::Stop => {
            set_state(context, State::WaitingRequest);
            false
        }
        Step::Misplaced => {
            let place = match direction {
                Direction::Downstream => "an HTTP filter of a cluster",
                Direction::Upstream => "an HTTP filter of a listener",
            };
            misplaced(&stream, &role, place, deny)
        }
    }
}

fn on_client_data(context: u32, end: bool) -> bool {
    on_data(context, |network, connection| {
        network.on_client_data(context, connection, end)
    })
}

fn on_server_data(context: u32, size: usize, end: bool) -> bool {
    on_data(context, |network, connection| {
        network.on_server_data(context, connection, size, end)
    })
}

fn on_data(
    context: u32,
    judge: impl FnOnce(&mut super::Network<Envoy>, &Connection) -> Step,
) -> bool {
    let Some(stream) = stream_of(context) else {
        return false;
    };
    let connection = match &stream.state {
        State::Connection(connection) => Rc::clone(connection),
        State::New | State::WaitingRequest => {
            let connection = Rc::new(Cell::new(Phase::Unjudged));
            set_state(context, State::Connection(Rc::clone(&connection)));
            connection
        }
    };
    if connection.get() == Phase::Passed {
        return true;
    }
    let Some(role) = role_of(stream.root) else {
        return false;
    };
    let Role::Connections(network) = &role else {
        if connection.replace(Phase::Denied) == Phase::Denied {
            return false;
        }
        return misplaced(&stream, &role, "an L4 filter", Envoy::close_connection);
    };
    let Ok(mut network) = network.try_borrow_mut() else {
        return false;
    };
    judge(&mut network, &connection) == Step::Continue
}

fn on_close(context: u32) {
    let Some(stream) = stream_of(context) else {
        return;
    };
    let connection = match stream.state {
        State::Connection(connection) => connection,
        State::New | State::WaitingRequest => Rc::new(Cell::new(Phase::Unjudged)),
    };
    if connection.get() != Phase::Passed
        && let Some(Role::Connections(network)) = role_of(stream.root)
        && let Ok(mut network) = network.try_borrow_mut()
    {
        network.on_close(context, &connection);
    }
}

fn on_tick(root: u32) {
    if let Some(role) = role_of(root) {
        role.on_tick(root);
    }
}

fn on_answer(root: u32, answer: &mut CallAnswer) {
    if let Some(role) = role_of(root) {
        role.on_answer(answer);
    }
}

/// Called for roots that are access loggers; and at the end of each stream,
/// which is not for us.
fn on_log(context: u32) {
    if let Some(role) = role_of(context) {
        role.on_log();
    }
}

/// A role in a place that is not its own lets nothing through, and says so.
fn misplaced(stream: &Stream, role: &Role, place: &str, deny: impl FnOnce(&Envoy)) -> bool {
    let host = Envoy::new(stream.root);
    if MISPLACED.with_borrow_mut(|roots| roots.insert(stream.root)) {
        let line = format!(
            "hopguard: root_id: the role {} does not work as {place}; nothing goes through",
            role.name()
        );
        host.log(Level::Error, &line);
    }
    deny(&host);
    false
}

fn stream_of(context: u32) -> Option<Stream> {
    STREAMS.with_borrow(|streams| streams.get(&context).cloned())
}

fn set_state(context: u32, state: State) {
    STREAMS.with_borrow_mut(|streams| {
        if let Some(stream) = streams.get_mut(&context) {
            stream.state = state;
        }
    });
}
