//! Tests of the trust layer: every accept with its nearest reject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that fails may panic"
)]

mod anchors;
mod certificate;
mod der;
mod error;
mod glob;
mod leaf;
mod names;
pub mod openssl;
mod path;
mod pem;
mod pins;
pub(crate) mod pki;
mod properties;
mod signature;
mod strength;
mod svid;
pub(crate) mod vectors;
