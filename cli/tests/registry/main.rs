//! Images in a real registry: pushed with `hopguard push`, pulled back with skopeo, and run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

mod login;
mod pulled;
mod site;
mod tags;
