//! The facts of one certificate (RFC 5280 section 4.1).

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use x509_parser::certificate::{X509Certificate, X509CertificateParser};
use x509_parser::nom::Parser as _;
use x509_parser::x509::X509Version;

use super::der::{self, NotDer, Reader, tag};
use super::error::TrustError;
use super::names::PresentedIdentifier;

pub mod algorithm;
pub mod distinguished_name;
pub mod extensions;
pub mod key;
pub(crate) mod rsa_key;

use algorithm::SignatureAlgorithm;
use extensions::Extensions;
use key::PublicKey;

/// Bytes of DER that are looked at. rustls-webpki stops at 64 KiB as well, and
/// TLS implementations allow whole chains of about that size.
pub const MAX_DER: usize = 64 * 1024;

/// Content octets of a serial number that a message shows.
const MAX_SERIAL_SHOWN: usize = 32;

/// A parsed certificate that owns its facts.
///
/// Parsed is not trusted: see [`verify`](super::verify).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    sha256: [u8; 32],
    spki: Vec<u8>,
    spki_sha256: [u8; 32],
    subject: String,
    subject_der: Vec<u8>,
    issuer: String,
    issuer_der: Vec<u8>,
    serial: Vec<u8>,
    not_before: i64,
    not_after: i64,
    key: PublicKey,
    signature_algorithm: SignatureAlgorithm,
    extensions: Extensions,
}

impl Certificate {
    /// Reads one DER certificate.
    ///
    /// # Errors
    ///
    /// [`TrustError::TooLarge`] before anything is parsed,
    /// [`TrustError::TooManyNames`], or [`TrustError::Malformed`] for anything
    /// that is no X.509 v3 certificate or has bytes behind it.
    pub fn parse(der: &[u8]) -> Result<Self, TrustError> {
        if der.len() > MAX_DER {
            return Err(TrustError::TooLarge {
                bytes: der.len(),
                max: MAX_DER,
            });
        }
        // Extensions are not parsed deeply: only the ones that a verdict needs
        // are read, strictly, in `extensions`.
        let (rest, x509) = X509CertificateParser::new()
            .with_deep_parse_extensions(false)
            .parse(der)
            .map_err(|_| TrustError::Malformed("not an X.509 certificate".into()))?;
        if !rest.is_empty() {
            return Err(TrustError::Malformed("bytes behind the certificate".into()));
        }
        Self::from_x509(der, &x509)
    }

    fn from_x509(der: &[u8], x509: &X509Certificate<'_>) -> Result<Self, TrustError> {
        // A v1 certificate has no extensions, so nothing says whether it is a
        // CA, and no name that RFC 9525 would look at.
        if x509.version() != X509Version::V3 {
            return Err(TrustError::Malformed("not an X.509 v3 certificate".into()));
        }
        let spki = x509.public_key().raw;
        let key = PublicKey::from_spki(spki)
            .map_err(|_| TrustError::Malformed("subject public key".into()))?;
        Ok(Self {
            der: der.to_vec(),
            sha256: Sha256::digest(der).into(),
            spki: spki.to_vec(),
            spki_sha256: Sha256::digest(spki).into(),
            subject: distinguished_name::to_text(x509.subject()),
            subject_der: x509.subject().as_raw().to_vec(),
            issuer: distinguished_name::to_text(x509.issuer()),
            issuer_der: x509.issuer().as_raw().to_vec(),
            serial: x509.raw_serial().to_vec(),
            not_before: x509.validity().not_before.timestamp(),
            not_after: x509.validity().not_after.timestamp(),
            key,
            signature_algorithm: signature_algorithm(der)?,
            extensions: Extensions::parse(x509.extensions())?,
        })
    }

    /// The same without names and purposes, whose size is not in proportion to
    /// that of the certificate: for those who have no use for them any more.
    pub(crate) fn without_names_and_purposes(&self) -> Self {
        let extensions = Extensions {
            subject_alt_names: Vec::new(),
            extended_key_usage: None,
            ..self.extensions.clone()
        };
        Self {
            extensions,
            ..self.clone()
        }
    }

    /// The certificate's own bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of [`der`](Self::der): the certificate's fingerprint.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// The `SubjectPublicKeyInfo`, tag and length included.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// SHA-256 of [`spki`](Self::spki), as in RFC 7469 section 2.4.
    pub fn spki_sha256(&self) -> &[u8; 32] {
        &self.spki_sha256
    }

    /// The subject as text, bounded, for people.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The subject's DER `Name`.
    pub fn subject_der(&self) -> &[u8] {
        &self.subject_der
    }

    /// The issuer as text, bounded, for people.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The issuer's DER `Name`.
    pub fn issuer_der(&self) -> &[u8] {
        &self.issuer_der
    }

    /// The content octets of the serial number, as they are encoded.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// The serial number in upper-case hexadecimal, bounded, as OpenSSL and
    /// Envoy print it.
    pub fn serial_hex(&self) -> String {
        let mut text = String::new();
        for octet in self.serial.iter().take(MAX_SERIAL_SHOWN) {
            // Writing to a String cannot fail.
            let _ = write!(text, "{octet:02X}");
        }
        if self.serial.len() > MAX_SERIAL_SHOWN {
            text.push('…');
        }
        text
    }

    /// First valid second since the Unix epoch.
    pub fn not_before(&self) -> i64 {
        self.not_before
    }

    /// Last valid second since the Unix epoch.
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// The kind of key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// How it says it is signed.
    pub fn signature_algorithm(&self) -> &SignatureAlgorithm {
        &self.signature_algorithm
    }

    /// What its extensions say.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// The names it is for.
    pub fn subject_alt_names(&self) -> &[PresentedIdentifier] {
        &self.extensions.subject_alt_names
    }

    /// Whether the OCSP response must be stapled (RFC 7633).
    pub fn must_staple(&self) -> bool {
        self.extensions.must_staple
    }

    /// Whether it may issue certificates (RFC 5280 section 4.2.1.9).
    pub fn is_ca(&self) -> bool {
        self.extensions
            .basic_constraints
            .is_some_and(|constraints| constraints.ca)
    }

    /// Whether subject and issuer are the same name (RFC 5280 section 3.2).
    pub fn is_self_issued(&self) -> bool {
        self.subject_der == self.issuer_der
    }

    /// Whether the subject has no attribute at all.
    pub fn has_empty_subject(&self) -> bool {
        self.subject_der == EMPTY_NAME
    }

    /// Whether the issuer has no attribute at all.
    pub fn has_empty_issuer(&self) -> bool {
        self.issuer_der == EMPTY_NAME
    }
}

/// A `Name` of no parts.
const EMPTY_NAME: [u8; 2] = [tag::SEQUENCE, 0];

/// The outer `signatureAlgorithm`, which must equal the signed one (RFC 5280
/// section 4.1.1.2): else an attacker chooses the algorithm.
fn signature_algorithm(certificate: &[u8]) -> Result<SignatureAlgorithm, TrustError> {
    let (signed, outer) =
        both_algorithms(certificate).map_err(|_| TrustError::Malformed("not strict DER".into()))?;
    if signed != outer {
        return Err(TrustError::SignatureAlgorithmMismatch);
    }
    SignatureAlgorithm::from_der(&der::wrap(tag::SEQUENCE, outer))
        .map_err(|_| TrustError::Malformed("signature algorithm".into()))
}

/// Reads the skeleton again, strictly: x509-parser takes an indefinite length
/// here and ignores a surplus field there.
fn both_algorithms(certificate: &[u8]) -> Result<(&[u8], &[u8]), NotDer> {
    let mut certificate = Reader::new(der::single(certificate, tag::SEQUENCE)?);
    let mut tbs = Reader::new(certificate.expect(tag::SEQUENCE)?);
    let outer = certificate.expect(tag::SEQUENCE)?;
    certificate.expect(tag::BIT_STRING)?;
    certificate.end()?;
    tbs.expect(tag::context_constructed(0))?;
    tbs.expect(tag::INTEGER)?;
    let signed = tbs.expect(tag::SEQUENCE)?;
    for _issuer_validity_subject_key in 0..4 {
        tbs.expect(tag::SEQUENCE)?;
    }
    for unique_identifier in [1, 2] {
        tbs.optional(tag::context(unique_identifier))?;
    }
    tbs.optional(tag::context_constructed(3))?;
    tbs.end()?;
    Ok((signed, outer))
}
