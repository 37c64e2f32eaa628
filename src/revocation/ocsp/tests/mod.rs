//! Tests of the OCSP client: every accept with its nearest reject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that fails may panic"
)]

mod boringssl;
mod bounds;
mod cryptography;
mod delegate;
mod der;
mod error;
mod mutations;
mod nonce;
mod openssl;
mod question;
mod request;
pub mod responder;
mod signer;
mod status;
mod times;
