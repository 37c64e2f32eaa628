//! Building a trust store from a policy: what cannot be trusted is refused here,
//! with a sentence, rather than at the first handshake.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustls_pki_types::{CertificateDer, TrustAnchor};

use super::entry::Entry;
use super::error::{StoreError, StoreField, StoreReason};
use super::{BySubject, TrustStore};
use crate::trust::certificate::Certificate;
use crate::trust::error::TrustError;
use crate::trust::leaf::{check_critical, check_validity};
use crate::trust::names::spiffe::TrustDomain;
use crate::trust::strength::{KeyRequirements, check_signature_algorithm};

/// CA certificates of a store; public bundles have about 150.
pub const MAX_CA_CERTIFICATES: usize = 500;

/// Intermediates of a store.
pub const MAX_INTERMEDIATES: usize = 500;

/// Whole certificates that a store pins. Their number costs memory only.
pub const MAX_PINNED_CERTIFICATES: usize = 500;

/// Collects what a policy lists, and judges it in [`build`](Self::build).
///
/// ```
/// use hopguard::trust::{StoreReason, TrustStore};
///
/// let now = 1_780_272_000;
/// let pins = TrustStore::builder(now).pinned_public_key_sha256([7; 32]);
/// assert!(pins.build().is_ok());
/// let nothing = TrustStore::builder(now).build();
/// assert_eq!(nothing.unwrap_err().reason, StoreReason::Empty);
/// ```
#[derive(Debug)]
pub struct TrustStoreBuilder {
    as_of: i64,
    requirements: KeyRequirements,
    ca_certificates: Vec<Vec<u8>>,
    intermediates: Vec<Vec<u8>>,
    pinned_certificates: Vec<Vec<u8>>,
    pinned_digests: Vec<[u8; 32]>,
    pinned_public_keys: Vec<[u8; 32]>,
    spiffe_trust_domains: Vec<String>,
}

impl TrustStoreBuilder {
    pub(super) fn new(as_of: i64) -> Self {
        Self {
            as_of,
            requirements: KeyRequirements::default(),
            ca_certificates: Vec::new(),
            intermediates: Vec::new(),
            pinned_certificates: Vec::new(),
            pinned_digests: Vec::new(),
            pinned_public_keys: Vec::new(),
            spiffe_trust_domains: Vec::new(),
        }
    }

    /// What the keys in the store must be like at least; each rule's own
    /// requirements are asked again of the certificates that a path uses.
    #[must_use]
    pub fn requirements(mut self, requirements: KeyRequirements) -> Self {
        self.requirements = requirements;
        self
    }

    /// Adds a trust anchor, in DER.
    #[must_use]
    pub fn ca_certificate(mut self, der: impl Into<Vec<u8>>) -> Self {
        self.ca_certificates.push(der.into());
        self
    }

    /// Adds an intermediate, in DER. Envoy does not show the chain that a peer
    /// sent, so the policy has to have it.
    #[must_use]
    pub fn intermediate(mut self, der: impl Into<Vec<u8>>) -> Self {
        self.intermediates.push(der.into());
        self
    }

    /// Pins a leaf, in DER.
    #[must_use]
    pub fn pinned_certificate(mut self, der: impl Into<Vec<u8>>) -> Self {
        self.pinned_certificates.push(der.into());
        self
    }

    /// Pins a leaf by the SHA-256 of its DER.
    #[must_use]
    pub fn pinned_certificate_sha256(mut self, sha256: [u8; 32]) -> Self {
        self.pinned_digests.push(sha256);
        self
    }

    /// Pins leaves by the SHA-256 of their `SubjectPublicKeyInfo`: of the peer's
    /// own key. The digest of a CA's key trusts nothing that the CA signs.
    #[must_use]
    pub fn pinned_public_key_sha256(mut self, spki_sha256: [u8; 32]) -> Self {
        self.pinned_public_keys.push(spki_sha256);
        self
    }

    /// Accepts X.509-SVIDs of this trust domain, and nothing but X.509-SVIDs.
    ///
    /// The domains of one store share its CA certificates, each of which may
    /// then speak for all of them. SPIFFE keeps a bundle for each domain: give
    /// each its own store.
    #[must_use]
    pub fn spiffe_trust_domain(mut self, trust_domain: impl Into<String>) -> Self {
        self.spiffe_trust_domains.push(trust_domain.into());
        self
    }

    /// Judges every entry.
    ///
    /// # Errors
    ///
    /// [`StoreError`] for the first entry that cannot be trusted.
    pub fn build(self) -> Result<TrustStore, StoreError> {
        self.build_or_all_errors().map_err(|errors| {
            let empty = || StoreError {
                entry: None,
                subject: None,
                reason: StoreReason::Empty,
            };
            errors.into_iter().next().unwrap_or_else(empty)
        })
    }

    /// Judges every entry, also those behind one that cannot be trusted.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] for each entry that cannot be trusted, at least one.
    pub fn build_or_all_errors(self) -> Result<TrustStore, Vec<StoreError>> {
        let mut errors = Vec::new();
        let (anchors, trust_anchors) = self.anchors(&mut errors);
        let intermediates = self.by_subject(&mut errors);
        let pinned = self.pins(&mut errors);
        let pinned_public_keys: BTreeSet<_> = self.pinned_public_keys.iter().copied().collect();
        let spiffe_trust_domains = self.trust_domains(&mut errors);
        let is_empty = anchors.is_empty() && pinned.is_empty() && pinned_public_keys.is_empty();
        if is_empty && errors.is_empty() {
            errors.push(StoreError {
                entry: None,
                subject: None,
                reason: StoreReason::Empty,
            });
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(TrustStore {
            anchors,
            trust_anchors,
            intermediates,
            pinned,
            pinned_public_keys,
            spiffe_trust_domains,
        })
    }

    fn anchors(
        &self,
        errors: &mut Vec<StoreError>,
    ) -> (Vec<Arc<Certificate>>, Vec<TrustAnchor<'static>>) {
        let mut subjects = BySubject::new();
        let mut read = |entry: Entry, der: &[u8]| {
            let certificate = entry.issuer(der, self.as_of, &self.requirements)?;
            if !entry.insert(&mut subjects, &certificate)? {
                return Ok(None);
            }
            let trust_anchor = webpki::anchor_from_trusted_cert(&CertificateDer::from(der))
                .map_err(|error| entry.refuse(&certificate, TrustError::from(error)))?
                .to_owned();
            Ok(Some((certificate, trust_anchor)))
        };
        let (field, max) = (StoreField::CaCertificates, MAX_CA_CERTIFICATES);
        let read = entries(field, &self.ca_certificates, max, errors)
            .map(|(entry, der)| read(entry, der))
            .collect::<Vec<_>>();
        right(read, errors).flatten().unzip()
    }

    fn by_subject(&self, errors: &mut Vec<StoreError>) -> BySubject {
        let mut subjects = BySubject::new();
        let mut read = |entry: Entry, der: &[u8]| {
            let certificate = entry.issuer(der, self.as_of, &self.requirements)?;
            // The signature of an anchor proves nothing, those of intermediates
            // are what a path consists of.
            check_signature_algorithm(&certificate)
                .map_err(|error| entry.refuse(&certificate, error))?;
            // Read once as the path verifier will read it.
            webpki::EndEntityCert::try_from(&CertificateDer::from(der))
                .map_err(|error| entry.refuse(&certificate, TrustError::from(error)))?;
            entry.insert(&mut subjects, &certificate)
        };
        let (field, max) = (StoreField::Intermediates, MAX_INTERMEDIATES);
        let read = entries(field, &self.intermediates, max, errors)
            .map(|(entry, der)| read(entry, der).map(drop))
            .collect::<Vec<_>>();
        right(read, errors).for_each(drop);
        subjects
    }

    fn pins(&self, errors: &mut Vec<StoreError>) -> BTreeMap<[u8; 32], Option<Arc<Certificate>>> {
        let read = |entry: Entry, der: &[u8]| {
            let certificate = entry.parse(der)?;
            check_critical(&certificate)
                .and_then(|()| check_validity(&certificate, self.as_of, 0))
                .and_then(|()| self.requirements.check_key(certificate.key()))
                .map_err(|error| entry.refuse(&certificate, error))?;
            Ok((*certificate.sha256(), Some(Arc::new(certificate))))
        };
        let (field, max) = (StoreField::PinnedCertificates, MAX_PINNED_CERTIFICATES);
        let read = entries(field, &self.pinned_certificates, max, errors)
            .map(|(entry, der)| read(entry, der))
            .collect::<Vec<_>>();
        let digests = self.pinned_digests.iter().map(|digest| (*digest, None));
        digests.chain(right(read, errors)).collect()
    }

    fn trust_domains(&self, errors: &mut Vec<StoreError>) -> Vec<TrustDomain> {
        let parse = |(index, text): (usize, &String)| {
            TrustDomain::parse(text).map_err(|error| StoreError {
                entry: Some((StoreField::SpiffeTrustDomains, index)),
                subject: None,
                reason: StoreReason::Name(error),
            })
        };
        let read = self.spiffe_trust_domains.iter().enumerate().map(parse);
        right(read.collect(), errors).collect()
    }
}

/// What is right; what is wrong goes to `errors`.
fn right<T>(
    read: Vec<Result<T, StoreError>>,
    errors: &mut Vec<StoreError>,
) -> impl Iterator<Item = T> {
    read.into_iter()
        .filter_map(|result| result.map_err(|error| errors.push(error)).ok())
}

/// The certificates of a field and where they stand; none if they are too many.
fn entries<'a>(
    field: StoreField,
    certificates: &'a [Vec<u8>],
    max: usize,
    errors: &mut Vec<StoreError>,
) -> impl Iterator<Item = (Entry, &'a [u8])> + use<'a> {
    let certificates = if certificates.len() > max {
        errors.push(StoreError {
            entry: Some((field, max)),
            subject: None,
            reason: StoreReason::TooMany { max },
        });
        &[]
    } else {
        certificates
    };
    certificates
        .iter()
        .enumerate()
        .map(move |(index, der)| (Entry { field, index }, der.as_slice()))
}
