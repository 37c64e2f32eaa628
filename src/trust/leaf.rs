//! What an end-entity certificate must look like (RFC 5280 section 4).
//!
//! These are the checks that rustls-webpki leaves to its caller, and those whose
//! answer is wanted before a signature is checked.

use std::fmt;

use super::certificate::Certificate;
use super::error::TrustError;
use super::names::spiffe::{SpiffeId, TrustDomain};
use super::strength::ExtendedKeyUsageDemand;

/// What the peer is in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Usage {
    /// A TLS server: id-kp-serverAuth.
    Server,
    /// A TLS client: id-kp-clientAuth.
    Client,
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "serverAuth",
            Self::Client => "clientAuth",
        })
    }
}

/// A certificate that a path is to be found for.
pub(crate) fn check_profile(leaf: &Certificate) -> Result<(), TrustError> {
    check_serial(leaf)?;
    check_critical(leaf)?;
    let extensions = leaf.extensions();
    if leaf.is_ca() {
        return Err(TrustError::CaAsLeaf);
    }
    // Section 4.2.1.10: "MUST be used only in a CA certificate".
    if extensions.name_constraints {
        return Err(TrustError::Profile("name constraints in a leaf"));
    }
    // Section 4.1.2.4: "MUST contain a non-empty distinguished name".
    if leaf.has_empty_issuer() {
        return Err(TrustError::Profile("an empty issuer"));
    }
    // Section 4.2.1.6: with an empty subject the names are all there is, so a
    // reader that skips them must not be able to.
    if leaf.has_empty_subject()
        && !extensions.subject_alt_names.is_empty()
        && !extensions.subject_alt_names_critical
    {
        return Err(TrustError::Profile(
            "an empty subject and alternative names that are not critical",
        ));
    }
    check_key_usage(leaf)
}

/// Section 4.1.2.5: from notBefore through notAfter, both inclusive, with
/// `skew` seconds of grace at both ends for clocks that differ.
pub(crate) fn check_validity(
    certificate: &Certificate,
    now: i64,
    skew: u32,
) -> Result<(), TrustError> {
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    let skew = i64::from(skew);
    if not_before > not_after {
        return Err(TrustError::Profile("notBefore is later than notAfter"));
    }
    if now.saturating_sub(skew) > not_after {
        return Err(TrustError::Expired { not_after, now });
    }
    if now.saturating_add(skew) < not_before {
        return Err(TrustError::NotYetValid { not_before, now });
    }
    Ok(())
}

/// Section 4.1.2.2: positive, at most 20 octets. A CA that cannot number its
/// certificates cannot revoke them one by one either.
pub(crate) fn check_serial(certificate: &Certificate) -> Result<(), TrustError> {
    let valid = match certificate.serial() {
        // 20 octets of value, and one of sign.
        [0, rest @ ..] => !rest.is_empty() && rest.len() <= 20 && rest.iter().any(|b| *b != 0),
        [first, ..] => *first < 0x80 && certificate.serial().len() <= 20,
        [] => false,
    };
    if valid {
        Ok(())
    } else {
        Err(TrustError::SerialInvalid {
            serial: certificate.serial_hex(),
        })
    }
}

/// Section 4.2: "MUST reject the certificate if it encounters a critical
/// extension it does not recognize".
pub(crate) fn check_critical(certificate: &Certificate) -> Result<(), TrustError> {
    match certificate.extensions().unknown_critical.first() {
        Some(oid) => Err(TrustError::CriticalExtension(oid.clone().into())),
        None => Ok(()),
    }
}

/// Section 4.2.1.3. Without the extension a key may do anything.
fn check_key_usage(leaf: &Certificate) -> Result<(), TrustError> {
    let Some(usage) = leaf.extensions().key_usage else {
        return Ok(());
    };
    // "If the keyCertSign bit is asserted, then the cA bit [...] MUST also be".
    if usage.key_cert_sign() {
        return Err(TrustError::KeyUsage("keyCertSign in a leaf"));
    }
    // What a TLS handshake does with the peer's key (RFC 8446 section 4.4.2.2,
    // RFC 5246 section 7.4.2).
    if usage.digital_signature() || usage.key_encipherment() || usage.key_agreement() {
        Ok(())
    } else {
        Err(TrustError::KeyUsage(
            "neither digitalSignature nor keyEncipherment nor keyAgreement",
        ))
    }
}

/// Section 4.2.1.12. anyExtendedKeyUsage is not enough where a purpose is
/// demanded: the CA vouched for none in particular.
pub(crate) fn check_extended_key_usage(
    leaf: &Certificate,
    usage: Usage,
    demand: ExtendedKeyUsageDemand,
) -> Result<(), TrustError> {
    let missing = |present: String| {
        Err(TrustError::ExtendedKeyUsage {
            required: usage,
            present,
        })
    };
    let Some(purposes) = &leaf.extensions().extended_key_usage else {
        return match demand {
            ExtendedKeyUsageDemand::Required => missing("nothing".into()),
            ExtendedKeyUsageDemand::IfPresent => Ok(()),
        };
    };
    let any = purposes.any && demand == ExtendedKeyUsageDemand::IfPresent;
    if purposes.names(usage) || any {
        return Ok(());
    }
    missing(
        purposes
            .purposes
            .iter()
            .take(8)
            .cloned()
            .collect::<Vec<_>>()
            .join(" "),
    )
}

/// X509-SVID sections 4.1 to 4.3, and the store's domains.
pub(crate) fn check_svid(leaf: &Certificate, domains: &[TrustDomain]) -> Result<(), TrustError> {
    if domains.is_empty() {
        return Ok(());
    }
    let id = SpiffeId::of(leaf.subject_alt_names())?;
    let usage = leaf.extensions().key_usage;
    if usage.is_some_and(|usage| usage.key_cert_sign() || usage.crl_sign()) {
        return Err(TrustError::SpiffeInvalid(
            "keyCertSign or cRLSign in a leaf",
        ));
    }
    if domains
        .iter()
        .any(|domain| domain.as_str() == id.trust_domain)
    {
        Ok(())
    } else {
        Err(TrustError::SpiffeDomain {
            presented: id.trust_domain.to_owned(),
        })
    }
}
