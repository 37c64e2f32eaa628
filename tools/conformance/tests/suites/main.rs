//! Conformance: suites that others wrote, judged natively and in a real Envoy,
//! there with the host's cryptography and without. `docs/conformance.md` has the
//! data, the counts and what stays different.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod certificates;
mod envoy;
mod exceptions;
mod keys;
mod vectors;
mod wycheproof;
