//! The bodies of the fuzz targets, one module each: what must hold of any bytes.
//!
//! `fuzz_targets/` gives them to libFuzzer. `tests/fuzz` of the repository includes them as
//! they are, and runs them over the committed corpus without libFuzzer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "a property that does not hold panics; the bodies' docs are their modules'"
)]

pub mod certificate;
pub mod chain;
pub mod client_hello;
pub mod crl;
mod der;
pub mod failure;
pub mod forwarded;
pub mod glob;
mod hello;
pub mod names;
pub mod ocsp_response;
pub mod policy;
pub mod request;
pub mod server_hello;
pub mod sources;
pub mod url;
mod verifier;
mod world;
