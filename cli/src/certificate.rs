//! A certificate from a file, and what is to be seen in it.

use std::path::Path;

use hopguard::revocation::sources::Sources;
use hopguard::trust::certificate::MAX_DER;
use hopguard::trust::certificate::extensions::Extensions;
use hopguard::trust::pem::certificates;
use hopguard::trust::{Certificate, PresentedIdentifier};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::moment;
use crate::policy::{pem, read_bounded};
use crate::reply::{Failure, clean};

/// Bytes of a file: a leaf and a long chain.
const MAX_FILE: u64 = 64 * MAX_DER as u64;

/// The first certificate of a file, which is the peer's own in a chain.
pub struct Peer {
    pub certificate: Certificate,
    /// Certificates behind it in the file.
    pub others: usize,
}

impl Peer {
    /// Reads PEM or DER.
    ///
    /// # Errors
    /// A sentence: the file cannot be read, or has no certificate that the plugin
    /// could read.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let (first, others) = ders(path)?;
        let certificate = Certificate::parse(&first).map_err(|error| {
            Failure(format!(
                "{}: the plugin cannot read it: {error}",
                path.display()
            ))
        })?;
        Ok(Self {
            certificate,
            others,
        })
    }

    /// The SHA-256 and the PEM of what a peer presents, which the plugin may not
    /// be able to read.
    ///
    /// # Errors
    /// As [`Peer::read`], of the file.
    pub fn presented(path: &Path) -> Result<([u8; 32], Vec<u8>), Failure> {
        let (first, _) = ders(path)?;
        let sha256 = Sha256::digest(&first).into();
        Ok((sha256, pem("CERTIFICATE", &first).into_bytes()))
    }
}

/// The first certificate of a file in PEM or DER, and how many are behind it.
fn ders(path: &Path) -> Result<(Vec<u8>, usize), Failure> {
    let failure = |reason: String| Failure(format!("{}: {reason}", path.display()));
    let bytes = read_bounded(path, MAX_FILE).map_err(failure)?;
    // The tag of a SEQUENCE.
    if bytes.first() == Some(&0x30) {
        return Ok((bytes, 0));
    }
    let text =
        String::from_utf8(bytes).map_err(|_| failure("it is neither PEM nor DER".to_owned()))?;
    let ders = certificates(&text).map_err(|error| failure(error.to_string()))?;
    let others = ders.len().saturating_sub(1);
    let first = ders.into_iter().next();
    let first = first.ok_or_else(|| failure("there is no certificate in it".to_owned()))?;
    Ok((first, others))
}

/// What the plugin sees in a certificate.
#[derive(Debug, Serialize)]
pub struct Sight {
    pub subject: String,
    pub issuer: String,
    pub serial: String,
    pub not_before: String,
    pub not_after: String,
    pub names: Vec<String>,
    pub key: String,
    pub signature_algorithm: String,
    pub is_ca: bool,
    pub key_usage: Option<Vec<&'static str>>,
    pub extended_key_usage: Option<Vec<String>>,
    pub must_staple: bool,
    pub ocsp_urls: Vec<String>,
    pub crl_urls: Vec<String>,
    /// Why the sources cannot be read.
    pub sources_error: Option<String>,
    pub unknown_critical_extensions: Vec<String>,
    /// As `pinned_certificate_sha256` has it.
    pub sha256: String,
    /// As `pinned_public_key_sha256` has it.
    pub public_key_sha256: String,
}

impl Sight {
    pub fn of(certificate: &Certificate) -> Self {
        let extensions = certificate.extensions();
        let (sources, sources_error) = match Sources::of(certificate) {
            Ok(sources) => (sources, None),
            Err(error) => (Sources::default(), Some(error.to_string())),
        };
        Self {
            subject: clean(certificate.subject()),
            issuer: clean(certificate.issuer()),
            serial: certificate.serial_hex(),
            not_before: moment::text(certificate.not_before()),
            not_after: moment::text(certificate.not_after()),
            names: certificate.subject_alt_names().iter().map(name).collect(),
            key: certificate.key().to_string(),
            signature_algorithm: certificate.signature_algorithm().to_string(),
            is_ca: certificate.is_ca(),
            key_usage: key_usage(extensions),
            extended_key_usage: extensions
                .extended_key_usage
                .as_ref()
                .map(|usage| usage.purposes.iter().map(|oid| purpose(oid)).collect()),
            must_staple: certificate.must_staple(),
            ocsp_urls: sources.ocsp_urls().iter().map(|url| clean(url)).collect(),
            crl_urls: sources.crl_urls().map(clean).collect(),
            sources_error,
            unknown_critical_extensions: extensions.unknown_critical.clone(),
            sha256: hex(certificate.sha256()),
            public_key_sha256: hex(certificate.spki_sha256()),
        }
    }
}

/// 64 hexadecimal digits.
pub fn hex(sha256: &[u8; 32]) -> String {
    data_encoding::HEXLOWER.encode(sha256)
}

fn name(name: &PresentedIdentifier) -> String {
    clean(&name.to_string())
}

fn key_usage(extensions: &Extensions) -> Option<Vec<&'static str>> {
    let usage = extensions.key_usage?;
    let all = [
        ("digitalSignature", usage.digital_signature()),
        ("keyEncipherment", usage.key_encipherment()),
        ("keyAgreement", usage.key_agreement()),
        ("keyCertSign", usage.key_cert_sign()),
        ("cRLSign", usage.crl_sign()),
    ];
    Some(
        all.iter()
            .filter(|(_, on)| *on)
            .map(|(name, _)| *name)
            .collect(),
    )
}

/// The name of a purpose (RFC 5280 section 4.2.1.12), else its identifier.
fn purpose(oid: &str) -> String {
    let name = match oid {
        "2.5.29.37.0" => "anyExtendedKeyUsage",
        "1.3.6.1.5.5.7.3.1" => "serverAuth",
        "1.3.6.1.5.5.7.3.2" => "clientAuth",
        "1.3.6.1.5.5.7.3.3" => "codeSigning",
        "1.3.6.1.5.5.7.3.4" => "emailProtection",
        "1.3.6.1.5.5.7.3.8" => "timeStamping",
        "1.3.6.1.5.5.7.3.9" => "OCSPSigning",
        _ => oid,
    };
    name.to_owned()
}
