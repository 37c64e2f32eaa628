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
        let (anchors, trust_anchors) = self.anchors()?;
        let intermediates = self.by_subject()?;
        let pinned = self.pins()?;
        let pinned_public_keys: BTreeSet<_> = self.pinned_public_keys.iter().copied().collect();
        let spiffe_trust_domains = self.trust_domains()?;
        if anchors.is_empty() && pinned.is_empty() && pinned_public_keys.is_empty() {
            return Err(StoreError {
                entry: None,
                subject: None,
                reason: StoreReason::Empty,
            });
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

    fn anchors(&self) -> Result<(Vec<Arc<Certificate>>, Vec<TrustAnchor<'static>>), StoreError> {
        let mut subjects = BySubject::new();
        let mut anchors = Vec::new();
        let mut trust_anchors = Vec::new();
        for (entry, der) in entries(
            StoreField::CaCertificates,
            &self.ca_certificates,
            MAX_CA_CERTIFICATES,
        )? {
            let certificate = entry.issuer(der, self.as_of, &self.requirements)?;
            if !entry.insert(&mut subjects, &certificate)? {
                continue;
            }
            let trust_anchor = webpki::anchor_from_trusted_cert(&CertificateDer::from(der))
                .map_err(|error| entry.refuse(&certificate, TrustError::from(error)))?
                .to_owned();
            trust_anchors.push(trust_anchor);
            anchors.push(certificate);
        }
        Ok((anchors, trust_anchors))
    }

    fn by_subject(&self) -> Result<BySubject, StoreError> {
        let mut subjects = BySubject::new();
        for (entry, der) in entries(
            StoreField::Intermediates,
            &self.intermediates,
            MAX_INTERMEDIATES,
        )? {
            let certificate = entry.issuer(der, self.as_of, &self.requirements)?;
            // The signature of an anchor proves nothing, those of intermediates
            // are what a path consists of.
            check_signature_algorithm(&certificate)
                .map_err(|error| entry.refuse(&certificate, error))?;
            // Read once as the path verifier will read it.
            webpki::EndEntityCert::try_from(&CertificateDer::from(der))
                .map_err(|error| entry.refuse(&certificate, TrustError::from(error)))?;
            entry.insert(&mut subjects, &certificate)?;
        }
        Ok(subjects)
    }

    fn pins(&self) -> Result<BTreeMap<[u8; 32], Option<Arc<Certificate>>>, StoreError> {
        let mut pins: BTreeMap<_, _> = self
            .pinned_digests
            .iter()
            .map(|digest| (*digest, None))
            .collect();
        for (entry, der) in entries(
            StoreField::PinnedCertificates,
            &self.pinned_certificates,
            MAX_PINNED_CERTIFICATES,
        )? {
            let certificate = entry.parse(der)?;
            check_critical(&certificate)
                .and_then(|()| check_validity(&certificate, self.as_of, 0))
                .and_then(|()| self.requirements.check_key(certificate.key()))
                .map_err(|error| entry.refuse(&certificate, error))?;
            pins.insert(*certificate.sha256(), Some(Arc::new(certificate)));
        }
        Ok(pins)
    }

    fn trust_domains(&self) -> Result<Vec<TrustDomain>, StoreError> {
        let parse = |(index, text): (usize, &String)| {
            TrustDomain::parse(text).map_err(|error| StoreError {
                entry: Some((StoreField::SpiffeTrustDomains, index)),
                subject: None,
                reason: StoreReason::Name(error),
            })
        };
        self.spiffe_trust_domains
            .iter()
            .enumerate()
            .map(parse)
            .collect()
    }
}

/// The certificates of a field and where they stand, if they are not too many.
fn entries(
    field: StoreField,
    certificates: &[Vec<u8>],
    max: usize,
) -> Result<impl Iterator<Item = (Entry, &[u8])>, StoreError> {
    if certificates.len() > max {
        return Err(StoreError {
            entry: Some((field, max)),
            subject: None,
            reason: StoreReason::TooMany { max },
        });
    }
    Ok(certificates
        .iter()
        .enumerate()
        .map(move |(index, der)| (Entry { field, index }, der.as_slice())))
}
