//! What a policy trusts: anchors (RFC 5280 section 6.1.1 (d)), intermediates,
//! pins, SPIFFE trust domains.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustls_pki_types::TrustAnchor;

use super::certificate::Certificate;
use super::names::spiffe::TrustDomain;

mod builder;
mod entry;
mod error;

pub use builder::{
    MAX_CA_CERTIFICATES, MAX_INTERMEDIATES, MAX_PINNED_CERTIFICATES, TrustStoreBuilder,
};
pub use entry::{MAX_SAME_SUBJECT, MAX_SUBJECT_DER};
pub use error::{StoreError, StoreField, StoreReason};

/// A set of trust that a policy names. It owns everything it holds and never
/// changes: see [`TrustStoreBuilder`].
#[derive(Debug)]
pub struct TrustStore {
    pub(super) anchors: Vec<Arc<Certificate>>,
    /// One for each of `anchors`, in the same order.
    pub(super) trust_anchors: Vec<TrustAnchor<'static>>,
    pub(super) intermediates: BySubject,
    pub(super) pinned: BTreeMap<[u8; 32], Option<Arc<Certificate>>>,
    pub(super) pinned_public_keys: BTreeSet<[u8; 32]>,
    pub(super) spiffe_trust_domains: Vec<TrustDomain>,
}

/// Certificates by the DER of their subject, to find issuers without a search.
pub(super) type BySubject = BTreeMap<Vec<u8>, Vec<Arc<Certificate>>>;

/// A pinned certificate: this leaf is trusted, and no other because of it.
#[derive(Clone, Copy, Debug)]
pub enum Pin<'a> {
    /// The policy holds the whole certificate.
    Certificate(&'a Certificate),
    /// The policy holds its SHA-256.
    Digest,
}

impl TrustStore {
    /// A builder that judges validity at `as_of`, in seconds since the epoch.
    pub fn builder(as_of: i64) -> TrustStoreBuilder {
        TrustStoreBuilder::new(as_of)
    }

    /// The pin for the certificate with this SHA-256, if there is one.
    pub fn pinned(&self, sha256: &[u8; 32]) -> Option<Pin<'_>> {
        self.pinned.get(sha256).map(|whole| match whole {
            Some(certificate) => Pin::Certificate(certificate),
            None => Pin::Digest,
        })
    }

    /// Whether the key with this SHA-256 of its `SubjectPublicKeyInfo` is
    /// pinned.
    pub fn is_pinned_public_key(&self, spki_sha256: &[u8; 32]) -> bool {
        self.pinned_public_keys.contains(spki_sha256)
    }

    /// The CA certificates.
    pub fn anchors(&self) -> impl Iterator<Item = &Certificate> {
        self.anchors.iter().map(AsRef::as_ref)
    }

    /// The intermediates.
    pub fn intermediates(&self) -> impl Iterator<Item = &Certificate> {
        self.intermediates.values().flatten().map(AsRef::as_ref)
    }

    /// The whole certificates that are pinned.
    pub fn pinned_certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.pinned.values().flatten().map(AsRef::as_ref)
    }

    /// The trust domains of which X.509-SVIDs are accepted; none of any other
    /// certificate then.
    pub fn spiffe_trust_domains(&self) -> &[TrustDomain] {
        &self.spiffe_trust_domains
    }

    /// The intermediates that could stand between `leaf` and an anchor, by name
    /// alone. rustls-webpki parses every intermediate it is given once for each
    /// step of each path, so it is given these only.
    pub(super) fn candidates(&self, leaf: &Certificate) -> Vec<&Arc<Certificate>> {
        let mut found: Vec<&Arc<Certificate>> = Vec::new();
        let mut seen = BTreeSet::from([leaf.issuer_der()]);
        let mut names = vec![leaf.issuer_der()];
        while let Some(name) = names.pop() {
            for certificate in self.intermediates.get(name).into_iter().flatten() {
                found.push(certificate);
                if seen.insert(certificate.issuer_der()) {
                    names.push(certificate.issuer_der());
                }
            }
        }
        found
    }
}
