//! Asking whether one certificate is revoked (RFC 6960, RFC 5019, RFC 9654).
//!
//! Reading order:
//!
//! | module | concept |
//! |---|---|
//! | `question` | which certificate is asked about: [`Question`], `CertID`, [`CacheKey`] |
//! | `request` | the bytes that ask, and the path of a GET |
//! | `nonce` | binding an answer to a question |
//! | `verify` | the entry point: [`verify()`], [`Demands`] and [`Answer`] |
//! | `response`, `single_response`, `extensions` | what an answer looks like |
//! | `signer`, `signed` | who signed it, and whether they may |
//! | `error` | every cause for which there is no answer |
//! | `encoding`, `time` | what DER has beyond the trust layer's reader |
//!
//! The caller's part is the transport: HTTP 200 only, of type
//! [`RESPONSE_TYPE`], no redirect, a deadline; a cache by [`CacheKey`] until
//! [`Answer::valid_until`] or a cap, in which an answer is replaced only where
//! it [may be](Answer::may_replace); and what follows from a status, from a
//! delegate without `nocheck`, and from each [`OcspError`].
//!
//! There is no way to accept a signature with SHA-1 or MD5.

mod encoding;
mod error;
mod extensions;
mod nonce;
mod question;
mod request;
mod response;
mod signed;
mod signer;
mod single_response;
mod time;
mod verify;

#[cfg(test)]
pub(crate) mod tests;

pub use error::{DelegateFault, Invalid, NotNow, OcspError, Refusal, TimeField};
pub use extensions::MAX_EXTENSIONS;
pub use nonce::{Nonce, NonceDemand, NonceFault};
pub use question::{CacheKey, CertIdHash, Question};
pub use request::{MAX_GET_URL, REQUEST_TYPE, RESPONSE_TYPE, get_path, request};
pub use response::{MAX_CERTIFICATES, MAX_RESPONSE, MAX_SINGLE_RESPONSES};
pub use signer::{MAX_CANDIDATES, Signer};
pub use single_response::{CertStatus, RevocationReason};
pub use verify::{Answer, Demands, verify};
