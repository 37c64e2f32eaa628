//! Tests of the filters over a host in memory.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails may panic"
)]

mod clock;
mod downstream;
mod gate_model;
mod network;
mod passthrough;
mod posture;
mod shown;
mod upstream;

use std::rc::Rc;

use super::Guard;
use super::ask::Ports;
use super::seen::Seen;
use crate::config;
use crate::decision::Direction;
use crate::host::fake::{Act, FakeHost};
use crate::trust::NoHost;

/// 2026-06-01T00:00:00Z in nanoseconds.
pub const NOW: u64 = 1_780_272_000 * 1_000_000_000;
pub const MS: u64 = 1_000_000;

/// A guard of a direction under a policy, and its host.
pub fn guard(direction: Direction, policy: &str) -> (Guard<Rc<FakeHost>>, Rc<FakeHost>) {
    let host = Rc::new(FakeHost::default());
    host.now.set(NOW);
    host.can_wake.set(true);
    let policy = config::parse(policy.as_bytes(), 1_780_272_000).unwrap();
    let guard = Guard::new(
        Rc::clone(&host),
        1,
        direction,
        policy,
        &ports(&host),
        Seen::default(),
    );
    (guard, host)
}

/// What the filters need of that host besides.
pub fn ports(host: &Rc<FakeHost>) -> Ports {
    Ports {
        verifier: Rc::new(NoHost),
        data: Rc::new(Rc::clone(host)),
        random: || Some([7; 32]),
        is_loader: true,
    }
}

/// What was done to a stream.
pub fn acts(host: &FakeHost, stream: u32) -> Vec<Act> {
    let acts = host.acts.borrow();
    acts.iter()
        .filter(|(s, _)| *s == stream)
        .map(|(_, act)| act.clone())
        .collect()
}

/// The statuses that a stream was answered with.
pub fn statuses(host: &FakeHost, stream: u32) -> Vec<u32> {
    acts(host, stream)
        .into_iter()
        .filter_map(|act| match act {
            Act::Respond(status, _) => Some(status),
            Act::Resume | Act::ResumeConnection | Act::Close => None,
        })
        .collect()
}

/// The values of `error.type` in the log, in order.
pub fn causes(host: &FakeHost) -> Vec<String> {
    let lines = host.lines.borrow();
    lines
        .iter()
        .map(|line| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            event["error.type"].as_str().unwrap().to_owned()
        })
        .collect()
}
