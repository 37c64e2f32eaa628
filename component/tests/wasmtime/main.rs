//! The built component in wasmtime, which nobody here wrote, says of the table of decisions what
//! the core says natively, in every word; and neither traps on what is wrong.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails may panic"
)]

mod examples;
mod host;
mod hostile;
mod native;
mod table;
mod told;
