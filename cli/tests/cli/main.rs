//! The built `hopguard`, run as a user runs it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

mod audit;
mod crds;
mod document;
mod explain;
mod general;
mod image;
mod inspect;
mod manifests;
mod quick_start;
mod render;
mod report;
mod run;
mod schema;
mod site;
mod validate;
