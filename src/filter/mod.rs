//! The filters: what to ask of a stream, when, and what to do with the verdict.

mod ask;
mod base;
mod downstream;
mod evidence;
mod failure;
mod flow;
mod gate;
mod guard;
mod judge;
mod log;
mod network;
mod posture;
mod request_id;
mod respond;
#[cfg(all(target_arch = "wasm32", feature = "plugin"))]
mod role;
#[cfg(all(target_arch = "wasm32", feature = "plugin"))]
pub mod root;
mod seen;
mod share;
mod shown;
mod staple;
#[cfg(all(target_arch = "wasm32", feature = "plugin"))]
mod streams;
mod upstream;

#[cfg(test)]
mod tests;

pub use guard::{Guard, Step};
pub use log::Log;
pub use network::{Connection, Network, Phase};
pub use posture::{Call, Posture};
pub use respond::CODE;
pub use seen::Seen;
