//! A certificate in PEM or DER, and what is to be seen in it.

use hopguard::revocation::sources::Sources;
use hopguard::trust::certificate::MAX_DER;
use hopguard::trust::certificate::extensions::Extensions;
use hopguard::trust::pem::certificates;
use hopguard::trust::{Certificate, PresentedIdentifier};
use serde::Serialize;

use crate::text::{clean, hex, moment};

/// The most bytes that are looked at: a leaf and a long chain.
pub const MAX_BYTES: usize = 64 * MAX_DER;

/// The DER of the first certificate in PEM or DER, which is the peer's own in a chain, and how
/// many are behind it. Whether it can be read is another question.
///
/// # Errors
/// A sentence: there is no certificate in it.
pub fn first(bytes: Vec<u8>) -> Result<(Vec<u8>, usize), String> {
    if bytes.len() > MAX_BYTES {
        return Err(format!("it has more than {MAX_BYTES} bytes"));
    }
    // The tag of a SEQUENCE.
    if bytes.first() == Some(&0x30) {
        return Ok((bytes, 0));
    }
    let text = String::from_utf8(bytes).map_err(|_| "it is neither PEM nor DER".to_owned())?;
    let ders = certificates(&text).map_err(|error| error.to_string())?;
    let others = ders.len().saturating_sub(1);
    let first = ders.into_iter().next();
    let first = first.ok_or_else(|| "there is no certificate in it".to_owned())?;
    Ok((first, others))
}

/// What the plugin sees in a certificate.
#[derive(Debug, Serialize)]
pub struct Sight {
    /// RFC 4514 text.
    pub subject: String,
    /// RFC 4514 text.
    pub issuer: String,
    /// Upper-case hexadecimal.
    pub serial: String,
    /// Seconds since the Unix epoch.
    #[serde(serialize_with = "moment")]
    pub not_before: i64,
    /// Seconds since the Unix epoch.
    #[serde(serialize_with = "moment")]
    pub not_after: i64,
    /// The subject alternative names, each with its kind.
    pub names: Vec<String>,
    /// Kind and size of the public key.
    pub key: String,
    /// How its issuer signed it.
    pub signature_algorithm: String,
    /// Whether it may issue certificates.
    pub is_ca: bool,
    /// RFC 5280's names; `None` where the extension is not there.
    pub key_usage: Option<Vec<&'static str>>,
    /// RFC 5280's names, else identifiers; `None` where the extension is not there.
    pub extended_key_usage: Option<Vec<String>>,
    /// Whether it is never to be believed without an answer (RFC 7633).
    pub must_staple: bool,
    /// Where it says that OCSP answers.
    pub ocsp_urls: Vec<String>,
    /// Where it says that its CRL is.
    pub crl_urls: Vec<String>,
    /// Why the sources cannot be read.
    pub sources_error: Option<String>,
    /// Identifiers.
    pub unknown_critical_extensions: Vec<String>,
    /// As `pinned_certificate_sha256` has it.
    pub sha256: String,
    /// As `pinned_public_key_sha256` has it.
    pub public_key_sha256: String,
}

impl Sight {
    /// Of this certificate.
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
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_larger_than_any_chain_is_not_looked_at() {
        let der = |len: usize| first(vec![0x30; len]);
        assert_eq!(der(MAX_BYTES).map(|(der, _)| der.len()), Ok(MAX_BYTES));
        let refused = der(MAX_BYTES + 1).map(drop);
        assert_eq!(refused, Err(format!("it has more than {MAX_BYTES} bytes")));
    }
}
