//! The search for a path, over rustls-webpki.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::{EndEntityCert, VerifiedPath};

use super::Instant;
use super::purpose::PathPurpose;
use crate::trust::anchors::TrustStore;
use crate::trust::certificate::Certificate;
use crate::trust::certificate::extensions::ExtendedKeyUsage;
use crate::trust::error::TrustError;
use crate::trust::leaf::{self, Usage};
use crate::trust::signature::{self, SignatureVerifier};
use crate::trust::strength::KeyRequirements;

/// Moments of one search. Each moves the one before it by the dates of one more
/// certificate; paths of more than a few certificates whose dates end within the
/// skew of each other do not occur.
const MAX_MOMENTS: usize = 4;

/// One search for a path.
pub(super) struct Search<'a> {
    leaf: &'a Certificate,
    store: &'a TrustStore,
    candidates: Vec<&'a Arc<Certificate>>,
    usage: Usage,
    requirements: &'a KeyRequirements,
    verifier: &'a dyn SignatureVerifier,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        leaf: &'a Certificate,
        store: &'a TrustStore,
        usage: Usage,
        requirements: &'a KeyRequirements,
        verifier: &'a dyn SignatureVerifier,
    ) -> Self {
        Self {
            leaf,
            store,
            candidates: store.candidates(leaf),
            usage,
            requirements,
            verifier,
        }
    }

    /// The issuers of a path, from the leaf's to the anchor.
    ///
    /// Asks at the given time and, when a date is at fault by no more than the
    /// skew, at the nearest moment at which that certificate is valid. Not at
    /// the two ends of the skew: there a certificate that lives no longer than
    /// the skew is not valid either. One moment for the whole path is stricter
    /// than grace for each certificate, by cases in which no clock is right.
    pub(super) fn run(&self, at: Instant) -> Result<Vec<Arc<Certificate>>, TrustError> {
        let skew = i64::from(at.skew);
        let earliest = at.now.saturating_sub(skew);
        let latest = at.now.saturating_add(skew);
        let mut moment = at
            .now
            .max(self.leaf.not_before())
            .min(self.leaf.not_after());
        let mut error = TrustError::UnknownIssuer;
        for _ in 0..MAX_MOMENTS {
            error = match self.at(moment) {
                Ok(issuers) => return Ok(issuers),
                Err(error) => error,
            };
            moment = match &mut error {
                TrustError::Expired { not_after, now } => {
                    *now = at.now;
                    *not_after
                }
                TrustError::NotYetValid { not_before, now } => {
                    *now = at.now;
                    *not_before
                }
                _ => break,
            };
            if moment < earliest || moment > latest {
                break;
            }
        }
        Err(error)
    }

    /// A path that is valid at this moment.
    fn at(&self, moment: i64) -> Result<Vec<Arc<Certificate>>, TrustError> {
        let algorithms = signature::all(self.verifier);
        let algorithms = algorithms
            .each_ref()
            .map(|algorithm| algorithm as &dyn SignatureVerificationAlgorithm);
        let leaf = CertificateDer::from(self.leaf.der());
        let end_entity = EndEntityCert::try_from(&leaf)?;
        let intermediates: Vec<_> = self
            .candidates
            .iter()
            .map(|certificate| CertificateDer::from(certificate.der()))
            .collect();
        let time = unix_time(moment);
        // The hook can only answer in rustls-webpki's words; ours wait here.
        let refused = Cell::new(None);
        let hook = |path: &VerifiedPath<'_>| {
            self.check_issuers(path, moment)
                .map_err(|error| match error {
                    // In its own words, so that it outranks the errors of other paths.
                    TrustError::Expired { not_after, .. } => webpki::Error::CertExpired {
                        time,
                        not_after: unix_time(not_after),
                    },
                    TrustError::NotYetValid { not_before, .. } => webpki::Error::CertNotValidYet {
                        time,
                        not_before: unix_time(not_before),
                    },
                    other => {
                        refused.set(Some(other));
                        webpki::Error::CertDistrusted
                    }
                })
        };
        let path = end_entity
            .verify_for_usage(
                &algorithms,
                &self.store.trust_anchors,
                &intermediates,
                time,
                PathPurpose(self.usage),
                None,
                Some(&hook),
            )
            .map_err(|error| match (error, refused.take()) {
                (webpki::Error::CertDistrusted, Some(ours)) => ours,
                (error, _) => error.into(),
            })?;
        self.issuers(&path).ok_or(TrustError::UnknownIssuer)
    }

    /// What rustls-webpki does not ask of a path that holds otherwise: every key
    /// by this rule's requirements, and all that the anchor's certificate says.
    fn check_issuers(&self, path: &VerifiedPath<'_>, moment: i64) -> Result<(), TrustError> {
        let issuers = self.issuers(path).ok_or(TrustError::UnknownIssuer)?;
        if let Some((anchor, intermediates)) = issuers.split_last() {
            leaf::check_validity(anchor, moment, 0)?;
            check_anchor(anchor, intermediates, self.usage)?;
        }
        issuers
            .iter()
            .try_for_each(|issuer| self.requirements.check_issuer_key(issuer.key()))
    }

    /// The store's own certificates for a path.
    fn issuers(&self, path: &VerifiedPath<'_>) -> Option<Vec<Arc<Certificate>>> {
        let mut issuers = Vec::new();
        for intermediate in path.intermediate_certificates() {
            let der = intermediate.der();
            let known = self
                .candidates
                .iter()
                .find(|candidate| candidate.der() == der.as_ref())?;
            issuers.push(Arc::clone(known));
        }
        // By address: two anchors may differ in their dates alone, which
        // rustls-webpki does not keep.
        let anchor = self
            .store
            .trust_anchors
            .iter()
            .position(|anchor| std::ptr::eq(anchor, path.anchor()))?;
        issuers.push(Arc::clone(self.store.anchors.get(anchor)?));
        Some(issuers)
    }
}

/// RFC 5280 section 6.2 leaves it open whether an anchor's own extensions bind.
/// They do here: whoever wrote them into a private CA meant them, and Go and
/// OpenSSL heed them as well.
fn check_anchor(
    anchor: &Certificate,
    intermediates: &[Arc<Certificate>],
    usage: Usage,
) -> Result<(), TrustError> {
    let extensions = anchor.extensions();
    // Section 4.2.1.9: "the maximum number of non-self-issued intermediate
    // certificates that may follow".
    let follow = intermediates
        .iter()
        .filter(|certificate| !certificate.is_self_issued())
        .count();
    let allowed = extensions
        .basic_constraints
        .and_then(|constraints| constraints.path_len)
        .and_then(|path_len| usize::try_from(path_len).ok());
    if allowed.is_some_and(|allowed| follow > allowed) {
        return Err(TrustError::PathLength);
    }
    let forbids = |purposes: &ExtendedKeyUsage| !purposes.any && !purposes.names(usage);
    if extensions.extended_key_usage.as_ref().is_some_and(forbids) {
        return Err(TrustError::IssuerPurpose);
    }
    Ok(())
}

/// rustls-webpki knows no time before 1970, and no certificate that ends there.
fn unix_time(seconds: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(
        u64::try_from(seconds).unwrap_or_default(),
    ))
}
