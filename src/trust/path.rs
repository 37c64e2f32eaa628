//! From a leaf to something that the policy trusts (RFC 5280 section 6).
//!
//! rustls-webpki finds the path and checks signatures, validity, basic
//! constraints, path length, purposes and name constraints along it. Added here
//! is what it leaves to its caller: the leaf's own form and strength, the dates
//! and keys of anchors, pins, clock skew. keyCertSign, which it ignores, is
//! demanded of every issuer when the store is built.

use std::sync::Arc;

use super::anchors::TrustStore;
use super::certificate::Certificate;
use super::error::TrustError;
use super::leaf::{self, Usage};
use super::signature::SignatureVerifier;
use super::strength::{ExtendedKeyUsageDemand, KeyRequirements, check_signature_algorithm};

mod purpose;
mod search;
mod verifier_error;

use search::Search;

/// A moment, and how far the clocks of this host and of a CA may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// Seconds since the Unix epoch.
    pub now: i64,
    /// Seconds of grace at both ends of a validity.
    pub skew: u32,
}

/// How a certificate is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustedBy {
    /// By a path to a CA certificate of the store.
    Path,
    /// By the pin on this certificate.
    PinnedCertificate,
    /// By the pin on this public key.
    PinnedPublicKey,
}

/// Proof that a certificate is trusted. Only [`verify`] makes it.
#[derive(Clone, Debug)]
pub struct VerifiedChain {
    trusted_by: TrustedBy,
    /// From the leaf's issuer to the anchor; empty for a pin.
    issuers: Vec<Arc<Certificate>>,
    changes_at: i64,
}

impl VerifiedChain {
    fn new(
        trusted_by: TrustedBy,
        leaf: &Certificate,
        issuers: Vec<Arc<Certificate>>,
        skew: u32,
    ) -> Self {
        // notAfter is the last valid second (RFC 5280 section 4.1.2.5), and the
        // skew is granted after the first one of them. Nothing changes earlier:
        // what is valid has begun, and stays signed.
        let not_after = issuers
            .iter()
            .map(|issuer| issuer.not_after())
            .fold(leaf.not_after(), i64::min);
        Self {
            trusted_by,
            issuers,
            changes_at: not_after.saturating_add(i64::from(skew)).saturating_add(1),
        }
    }

    /// How the leaf is trusted.
    pub fn trusted_by(&self) -> TrustedBy {
        self.trusted_by
    }

    /// The leaf's issuer: the last intermediate, or the anchor. A pin has none.
    pub fn issuer(&self) -> Option<&Certificate> {
        self.issuers.first().map(AsRef::as_ref)
    }

    /// From the leaf's issuer to the anchor; empty for a pin.
    pub fn issuers(&self) -> &[Arc<Certificate>] {
        &self.issuers
    }

    /// The CA certificate at the end of the path. A pin has none.
    pub fn anchor(&self) -> Option<&Certificate> {
        self.issuers.last().map(AsRef::as_ref)
    }

    /// The intermediates in use, the leaf's issuer first.
    pub fn intermediates(&self) -> &[Arc<Certificate>] {
        match self.issuers.split_last() {
            Some((_anchor, intermediates)) => intermediates,
            None => &[],
        }
    }

    /// The first second at which the same question could have another answer:
    /// until then the verdict may be kept.
    pub fn changes_at(&self) -> i64 {
        self.changes_at
    }
}

/// Whether `leaf` is trusted by `store` for `usage` at this moment. Its names
/// are another question: see [`names::match_any`](super::names::match_any).
///
/// # Errors
///
/// The first cause in this order: strength of the key, validity; for a pinned
/// leaf its form and its SPIFFE ID; else the leaf's form, purposes and SPIFFE
/// ID, then the path.
///
/// ```
/// use hopguard::trust::{
///     Certificate, Instant, KeyRequirements, NoHost, TrustError, TrustStore, Usage, verify,
/// };
///
/// fn is_trusted(der: &[u8], store: &TrustStore, now: i64) -> Result<(), TrustError> {
///     let leaf = Certificate::parse(der)?;
///     let at = Instant { now, skew: 300 };
///     let requirements = KeyRequirements::default();
///     let chain = verify(&leaf, store, Usage::Server, at, &requirements, &NoHost)?;
///     assert!(chain.changes_at() > now);
///     Ok(())
/// }
/// ```
pub fn verify(
    leaf: &Certificate,
    store: &TrustStore,
    usage: Usage,
    at: Instant,
    requirements: &KeyRequirements,
    verifier: &dyn SignatureVerifier,
) -> Result<VerifiedChain, TrustError> {
    requirements.check_key(leaf.key())?;
    leaf::check_validity(leaf, at.now, at.skew)?;
    let pin = if store.pinned(leaf.sha256()).is_some() {
        Some(TrustedBy::PinnedCertificate)
    } else if store.is_pinned_public_key(leaf.spki_sha256()) {
        Some(TrustedBy::PinnedPublicKey)
    } else {
        None
    };
    if let Some(trusted_by) = pin {
        return verify_pinned(leaf, store, usage, at, trusted_by);
    }
    leaf::check_profile(leaf)?;
    check_signature_algorithm(leaf)?;
    leaf::check_extended_key_usage(leaf, usage, requirements.extended_key_usage())?;
    leaf::check_svid(leaf, store.spiffe_trust_domains())?;
    if store.trust_anchors.is_empty() {
        return Err(TrustError::NotPinned);
    }
    let issuers = Search::new(leaf, store, usage, requirements, verifier).run(at)?;
    Ok(VerifiedChain::new(TrustedBy::Path, leaf, issuers, at.skew))
}

/// The first store that trusts `leaf`, by its index; else the error of the store
/// in which the verification came furthest, the first of equals.
///
/// # Errors
///
/// As for [`verify`]; [`TrustError::UnknownIssuer`] when there is no store.
pub fn verify_any<'s>(
    leaf: &Certificate,
    stores: impl IntoIterator<Item = &'s TrustStore>,
    usage: Usage,
    at: Instant,
    requirements: &KeyRequirements,
    verifier: &dyn SignatureVerifier,
) -> Result<(usize, VerifiedChain), TrustError> {
    let mut furthest: Option<TrustError> = None;
    for (index, store) in stores.into_iter().enumerate() {
        match verify(leaf, store, usage, at, requirements, verifier) {
            Ok(chain) => return Ok((index, chain)),
            Err(error) => {
                let further = furthest
                    .as_ref()
                    .is_none_or(|known| error.progress() > known.progress());
                if further {
                    furthest = Some(error);
                }
            }
        }
    }
    Err(furthest.unwrap_or(TrustError::UnknownIssuer))
}

/// A pin is the operator's own word on one certificate or key, so nobody else's
/// is asked for: neither an issuer's, nor the certificate's on itself. That it
/// is marked as a CA is no objection either, because `openssl req -x509` marks
/// every self-signed certificate so; nothing that such a CA signs is trusted by
/// the pin. A purpose binds if there is one, anyExtendedKeyUsage included.
fn verify_pinned(
    leaf: &Certificate,
    store: &TrustStore,
    usage: Usage,
    at: Instant,
    trusted_by: TrustedBy,
) -> Result<VerifiedChain, TrustError> {
    leaf::check_critical(leaf)?;
    leaf::check_extended_key_usage(leaf, usage, ExtendedKeyUsageDemand::IfPresent)?;
    leaf::check_svid(leaf, store.spiffe_trust_domains())?;
    Ok(VerifiedChain::new(trusted_by, leaf, Vec::new(), at.skew))
}
