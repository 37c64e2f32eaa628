//! Trust: is this certificate the one of a peer we trust?
//!
//! The layer is given bytes, a time and a policy's trust store. It does no I/O,
//! reads no clock and knows no proxy. Reading order:
//!
//! | module | concept |
//! |---|---|
//! | [`path`] | the entry point: [`verify`] and the [`VerifiedChain`] that only it can make |
//! | [`anchors`] | what a policy trusts: CA certificates, intermediates, pins, SPIFFE domains |
//! | [`leaf`] | what an end-entity certificate must look like (RFC 5280 section 4) |
//! | [`strength`] | which keys and signature algorithms are good enough |
//! | [`signature`] | checking one signature, in the host or in process |
//! | [`names`] | whose certificate it is (RFC 9525, SPIFFE) |
//! | [`certificate`] | the facts of a certificate |
//! | [`pem`], [`glob`], `der`, `utc` | encodings and patterns |
//! | [`error`] | every cause for which trust is refused |
//!
//! Whether the certificate is trusted ([`verify`]) and whether it names the
//! expected peer ([`names::match_any`]) are two questions: the caller asks both.

pub mod anchors;
pub mod certificate;
pub(crate) mod der;
pub mod error;
pub mod glob;
pub mod leaf;
pub mod names;
pub mod path;
pub mod pem;
pub mod signature;
pub mod strength;
mod utc;

#[cfg(test)]
pub(crate) mod tests;

pub use anchors::{Pin, StoreError, StoreField, StoreReason, TrustStore, TrustStoreBuilder};
pub use certificate::Certificate;
pub use certificate::algorithm::{Digest, SignatureAlgorithm};
pub use certificate::key::{Curve, PublicKey};
pub use error::TrustError;
pub use leaf::Usage;
pub use names::{PresentedIdentifier, ReferenceError, ReferenceIdentifier};
pub use names::{dns, email, spiffe};
pub use path::{Instant, TrustedBy, VerifiedChain, verify, verify_any};
pub use signature::{NoHost, SignatureScheme, SignatureVerifier};
pub use strength::{Curves, ExtendedKeyUsageDemand, KeyRequirements};
pub use utc::{Utc, days_since_epoch};
