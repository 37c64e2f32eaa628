//! Tests of revocation lists: every accept with its nearest reject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that fails may panic"
)]

mod entries;
mod form;
mod large;
pub(crate) mod made;
mod mutations;
mod openssl;
mod prehash;
mod replaces;
mod scope;
mod signer;
mod sources;
mod status;
mod vectors;
