//! hopguard in a real Envoy: the built module, real TLS servers, real
//! certificates. One file a capability; `support` has what they share.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod authentication;
mod chaos;
mod collector;
mod downstream;
mod failures;
mod faults;
mod gate;
mod live_change;
mod names;
mod network;
mod observability;
mod policy_size;
mod posture;
mod revocation;
mod robustness;
mod shipped_configuration;
mod support;
mod telemetry;
mod trust;
mod versions;
