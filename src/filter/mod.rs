//! The filters: what to ask of a stream, when, and what to do with the verdict.

mod base;
mod downstream;
mod evidence;
mod flow;
mod gate;
mod guard;
mod judge;
mod respond;
#[cfg(target_arch = "wasm32")]
pub mod root;
mod upstream;

#[cfg(test)]
mod tests;

pub use guard::{Guard, Step};
pub use respond::CODE;
