//! What is asked of each certificate of a store.

use std::sync::Arc;

use super::BySubject;
use super::error::{StoreError, StoreField, StoreReason};
use crate::trust::certificate::Certificate;
use crate::trust::error::TrustError;
use crate::trust::leaf::{check_critical, check_validity};
use crate::trust::strength::KeyRequirements;

/// CA certificates, or intermediates, of one subject. A path search tries each
/// at each step, so time grows with the square: 100 of one subject cost 243 ms
/// in WebAssembly for one handshake. Cross-signing needs two or three, a key
/// roll-over doubles that.
pub const MAX_SAME_SUBJECT: usize = 16;

/// Bytes of a CA's DER name. It is compared at every step of every path.
pub const MAX_SUBJECT_DER: usize = 2_048;

/// Where in a policy's store a certificate stands.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) field: StoreField,
    pub(super) index: usize,
}

impl Entry {
    fn error(self, certificate: &Certificate, reason: StoreReason) -> StoreError {
        StoreError {
            entry: Some((self.field, self.index)),
            subject: Some(certificate.subject().to_owned()),
            reason,
        }
    }

    /// `error` is about `certificate`, which stands here.
    pub(super) fn refuse(self, certificate: &Certificate, error: TrustError) -> StoreError {
        self.error(certificate, StoreReason::Certificate(error))
    }

    pub(super) fn parse(self, der: &[u8]) -> Result<Certificate, StoreError> {
        Certificate::parse(der).map_err(|error| StoreError {
            entry: Some((self.field, self.index)),
            subject: None,
            reason: StoreReason::Certificate(error),
        })
    }

    /// A certificate that is to sign others.
    pub(super) fn issuer(
        self,
        der: &[u8],
        as_of: i64,
        requirements: &KeyRequirements,
    ) -> Result<Arc<Certificate>, StoreError> {
        let certificate = self.parse(der)?;
        if let Some(reason) = not_an_issuer(&certificate) {
            return Err(self.error(&certificate, reason));
        }
        check_critical(&certificate)
            .and_then(|()| check_validity(&certificate, as_of, 0))
            .and_then(|()| requirements.check_issuer_key(certificate.key()))
            .map_err(|error| self.refuse(&certificate, error))?;
        Ok(Arc::new(certificate))
    }

    /// Whether the certificate is new; a bundle may list one twice.
    pub(super) fn insert(
        self,
        subjects: &mut BySubject,
        certificate: &Arc<Certificate>,
    ) -> Result<bool, StoreError> {
        let same = subjects
            .entry(certificate.subject_der().to_vec())
            .or_default();
        if same
            .iter()
            .any(|other| other.sha256() == certificate.sha256())
        {
            return Ok(false);
        }
        if same.len() >= MAX_SAME_SUBJECT {
            let max = MAX_SAME_SUBJECT;
            return Err(self.error(certificate, StoreReason::SameSubject { max }));
        }
        same.push(Arc::clone(certificate));
        Ok(true)
    }
}

fn not_an_issuer(certificate: &Certificate) -> Option<StoreReason> {
    let bytes = certificate.subject_der().len();
    if bytes > MAX_SUBJECT_DER {
        let max = MAX_SUBJECT_DER;
        return Some(StoreReason::SubjectTooLong { bytes, max });
    }
    if certificate.has_empty_subject() {
        return Some(StoreReason::SubjectEmpty);
    }
    // Absent basic constraints are no CA's either. They need not be critical,
    // although RFC 5280 section 4.2.1.9 says so: easy-rsa and old OpenSSL
    // configurations write them without, and they are read all the same.
    if !certificate.is_ca() {
        return Some(StoreReason::NotCa);
    }
    // Without the extension every use is allowed: `openssl req -x509` leaves it
    // out. rustls-webpki does not look at it at all.
    let key_usage = certificate.extensions().key_usage;
    if key_usage.is_some_and(|usage| !usage.key_cert_sign()) {
        return Some(StoreReason::Certificate(TrustError::IssuerNotAllowedToSign));
    }
    None
}
