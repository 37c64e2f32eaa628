//! The built `hopguard`, run as a user runs it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

mod audit;
mod document;
mod explain;
mod general;
mod inspect;
mod render;
mod report;
mod run;
mod schema;
mod validate;
