//! Connections whose bytes came before all is known.

use std::rc::Rc;

use super::{Connection, Hop, Network};
use crate::decision::{Cause, Direction};
use crate::filter::gate::Waiting;
use crate::filter::guard::Step;
use crate::host::Host;
use crate::host::attributes as at;

/// A connection whose bytes wait.
pub(super) struct Held {
    connection: Connection,
    pub(super) awaits: Awaits,
}

/// What a connection waits for.
pub(super) enum Awaits {
    /// The rest of the client's first message.
    ClientHello,
    /// The connection to the server, or the status of a certificate; what the
    /// client's hop shows is known.
    Server(Hop),
    /// The rest of the server's first message.
    ServerHello,
}

impl<H: Host> Network<H> {
    /// Lets a connection wait, whose bytes have come before all is known.
    pub(super) fn hold(&mut self, stream: u32, connection: &Connection, awaits: Awaits) -> Step {
        let host = &self.base.host;
        let awaits_connection = matches!(awaits, Awaits::Server(_))
            && host.property(at::UPSTREAM_LOCAL_ADDRESS).is_none();
        if let Some(held) = self.held.get_mut(&stream) {
            let awaited_another = !matches!(held.awaits, Awaits::Server(_));
            held.awaits = awaits;
            if awaits_connection && awaited_another {
                self.gate.hurry();
                self.schedule();
            }
            return Step::Stop;
        }
        let mut waiting = Waiting::new(stream, host.now_nanos(), None, None);
        waiting.awaits_connection = awaits_connection;
        if !self.gate.enter(waiting) {
            self.base.count_wait("overflow");
            let detail = "too many connections were waiting already";
            let why = (Cause::GateOverflow, detail);
            return self.deny(stream, connection, Direction::Upstream, why);
        }
        self.base.gauge_pending(1);
        self.held.insert(
            stream,
            Held {
                connection: Rc::clone(connection),
                awaits,
            },
        );
        self.schedule();
        Step::Stop
    }

    pub(super) fn release(&mut self, stream: u32) -> Option<Held> {
        self.gate.leave(stream)?;
        self.base.gauge_pending(-1);
        self.held.remove(&stream)
    }

    pub(super) fn release_to_judge(&mut self, stream: u32) -> Option<Held> {
        let held = self.release(stream)?;
        self.base.count_wait("judged");
        Some(held)
    }

    fn ready(&self, stream: u32) -> Option<(Connection, Hop)> {
        let held = self.held.get(&stream)?;
        match &held.awaits {
            Awaits::Server(client) => Some((Rc::clone(&held.connection), client.clone())),
            Awaits::ClientHello | Awaits::ServerHello => None,
        }
    }

    pub(super) fn look_at(&mut self, waiting: Vec<Waiting>) {
        let now = self.base.host.now_nanos();
        for waiting in waiting {
            self.base.host.select(waiting.stream);
            let late = self.gate.is_late(&waiting, now);
            let awaits = self.held.get(&waiting.stream).map(|held| &held.awaits);
            let is_ready = matches!(awaits, Some(Awaits::Server(_))) && self.is_connected();
            if !is_ready && !late {
                continue;
            }
            if is_ready && let Some((connection, client)) = self.ready(waiting.stream) {
                let Some(step) = self.judge(waiting.stream, &connection, &client, !late) else {
                    continue;
                };
                self.release_to_judge(waiting.stream);
                if step == Step::Continue {
                    self.base.host.resume_connection();
                }
                continue;
            }
            let Some(held) = self.release(waiting.stream) else {
                continue;
            };
            self.base.count_wait("timeout");
            let (side, detail) = match held.awaits {
                Awaits::Server(_) => (Direction::Upstream, "no connection to the server in time"),
                Awaits::ClientHello => (Direction::Downstream, "no complete ClientHello in time"),
                Awaits::ServerHello => (Direction::Upstream, "no complete ServerHello in time"),
            };
            let why = (Cause::GateTimeout, detail);
            let step = self.deny(waiting.stream, &held.connection, side, why);
            if step == Step::Continue {
                self.base.host.resume_connection();
            }
        }
        self.schedule();
    }
}
