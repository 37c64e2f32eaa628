//! Every cause for which a certificate is not trusted.

use std::borrow::Cow;
use std::fmt;

use super::certificate::key::Curve;
use super::leaf::Usage;
use super::utc::Utc;

/// Why a certificate is not trusted.
///
/// Each variant is one stable cause with its own [`code`](Self::code), and
/// carries the values that were compared. Text that came from a certificate may
/// hold any character: whoever prints it escapes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustError {
    /// The bytes are no certificate (DER, PEM, or a field inside).
    Malformed(Cow<'static, str>),
    /// More bytes than are looked at.
    TooLarge {
        /// Bytes given.
        bytes: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// More subject alternative names than are looked at.
    TooManyNames {
        /// Names allowed.
        max: usize,
    },
    /// Well encoded, but against the certificate profile of RFC 5280.
    Profile(&'static str),
    /// `notAfter` has passed (RFC 5280 section 4.1.2.5).
    Expired {
        /// Last valid second.
        not_after: i64,
        /// The time asked about.
        now: i64,
    },
    /// `notBefore` has not come (RFC 5280 section 4.1.2.5).
    NotYetValid {
        /// First valid second.
        not_before: i64,
        /// The time asked about.
        now: i64,
    },
    /// No certificate of the store issued this one.
    UnknownIssuer,
    /// The issuer's key did not make this signature.
    SignatureInvalid,
    /// No way to check this signature algorithm, or not with this key.
    SignatureAlgorithmUnsupported(Cow<'static, str>),
    /// Signed with a broken digest (MD5, SHA-1).
    SignatureAlgorithmWeak(Cow<'static, str>),
    /// The two algorithm fields differ (RFC 5280 section 4.1.1.2).
    SignatureAlgorithmMismatch,
    /// The RSA key is shorter than required.
    KeyTooWeak {
        /// Bits of the modulus.
        bits: u32,
        /// Bits required.
        min: u32,
    },
    /// A key of a kind nobody should use, or nobody here can check.
    KeyUnsupported(Cow<'static, str>),
    /// The key's curve is a known one that the requirements leave out.
    CurveNotAllowed(Curve),
    /// A CA certificate is presented as a peer's own.
    CaAsLeaf,
    /// The certificate's issuer is itself no CA.
    LeafAsCa,
    /// Key usage (RFC 5280 section 4.2.1.3) forbids this use.
    KeyUsage(&'static str),
    /// Extended key usage (RFC 5280 section 4.2.1.12) forbids this use.
    ExtendedKeyUsage {
        /// What the peer is used as.
        required: Usage,
        /// The purposes that the certificate names, bounded.
        present: String,
    },
    /// An issuer's extended key usage leaves out what the peer is used as.
    IssuerPurpose,
    /// A CA's name constraints (RFC 5280 section 4.2.1.10) exclude a name, or
    /// cannot be evaluated.
    NameConstraint(&'static str),
    /// More intermediates than an issuer allows (RFC 5280 section 4.2.1.9).
    PathLength,
    /// A critical extension that is not understood (RFC 5280 section 4.2).
    CriticalExtension(Cow<'static, str>),
    /// A serial number that is not 1 to 20 octets of a positive integer.
    SerialInvalid {
        /// The content octets in upper-case hexadecimal, bounded.
        serial: String,
    },
    /// Finding a path took more work than a peer may cause.
    BudgetExceeded(&'static str),
    /// An issuer's key usage leaves out keyCertSign (RFC 5280 section 4.2.1.3).
    /// No store holds such an issuer: it is refused when the store is built.
    IssuerNotAllowedToSign,
    /// A key that is distrusted by name, whoever the issuer is.
    Distrusted,
    /// No presented identifier matches a reference identifier (RFC 9525).
    NameMismatch,
    /// The certificate is no X.509-SVID.
    SpiffeInvalid(&'static str),
    /// An X.509-SVID of a trust domain that the store does not list.
    SpiffeDomain {
        /// The certificate's trust domain.
        presented: String,
    },
    /// The store holds pins only, and none is for this certificate.
    NotPinned,
    /// An answer of the path verifier that this version has no cause for.
    Unclassified(String),
}

impl TrustError {
    /// A stable name of the cause, for events and configuration.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "certificate_malformed",
            Self::TooLarge { .. } => "certificate_too_large",
            Self::TooManyNames { .. } => "certificate_too_many_names",
            Self::Profile(_) => "certificate_profile_violated",
            Self::Expired { .. } => "certificate_expired",
            Self::NotYetValid { .. } => "certificate_not_yet_valid",
            Self::UnknownIssuer => "issuer_unknown",
            Self::SignatureInvalid => "signature_invalid",
            Self::SignatureAlgorithmUnsupported(_) => "signature_algorithm_unsupported",
            Self::SignatureAlgorithmWeak(_) => "signature_algorithm_weak",
            Self::SignatureAlgorithmMismatch => "signature_algorithm_mismatch",
            Self::KeyTooWeak { .. } => "key_too_weak",
            Self::KeyUnsupported(_) => "key_unsupported",
            Self::CurveNotAllowed(_) => "key_curve_not_allowed",
            Self::CaAsLeaf => "ca_as_leaf",
            Self::LeafAsCa => "leaf_as_ca",
            Self::KeyUsage(_) => "key_usage_violated",
            Self::ExtendedKeyUsage { .. } => "extended_key_usage_missing",
            Self::IssuerPurpose => "issuer_extended_key_usage_missing",
            Self::NameConstraint(_) => "name_constraint_violated",
            Self::PathLength => "path_length_exceeded",
            Self::CriticalExtension(_) => "critical_extension_unknown",
            Self::SerialInvalid { .. } => "serial_invalid",
            Self::BudgetExceeded(_) => "path_budget_exceeded",
            Self::IssuerNotAllowedToSign => "issuer_may_not_sign",
            Self::Distrusted => "certificate_distrusted",
            Self::NameMismatch => "name_mismatch",
            Self::SpiffeInvalid(_) => "spiffe_id_invalid",
            Self::SpiffeDomain { .. } => "spiffe_trust_domain_unknown",
            Self::NotPinned => "certificate_not_pinned",
            Self::Unclassified(_) => "certificate_rejected",
        }
    }

    /// How far the verification came before it failed: the further, the more an
    /// operator learns from it. A store that does not know the issuer says the
    /// least; one whose path is complete but for its dates says the most.
    pub(crate) fn progress(&self) -> u8 {
        match self {
            Self::NotPinned => 0,
            Self::UnknownIssuer => 1,
            // The store is for another domain: said before a path is sought.
            Self::SpiffeDomain { .. } => 2,
            // What is wrong with the leaf itself is the same in every store.
            Self::Malformed(_)
            | Self::TooLarge { .. }
            | Self::TooManyNames { .. }
            | Self::Profile(_)
            | Self::SerialInvalid { .. }
            | Self::KeyTooWeak { .. }
            | Self::KeyUnsupported(_)
            | Self::CurveNotAllowed(_)
            | Self::CaAsLeaf
            | Self::KeyUsage(_)
            | Self::ExtendedKeyUsage { .. }
            | Self::SpiffeInvalid(_)
            | Self::SignatureAlgorithmWeak(_)
            | Self::SignatureAlgorithmMismatch
            | Self::CriticalExtension(_) => 3,
            // An issuer of that name exists.
            Self::SignatureAlgorithmUnsupported(_)
            | Self::BudgetExceeded(_)
            | Self::Unclassified(_) => 4,
            Self::SignatureInvalid => 5,
            // The signatures hold, a constraint of the path does not.
            Self::LeafAsCa
            | Self::NameConstraint(_)
            | Self::IssuerPurpose
            | Self::PathLength
            | Self::IssuerNotAllowedToSign
            | Self::Distrusted => 6,
            Self::Expired { .. } | Self::NotYetValid { .. } => 7,
            // Asked only of a chain that is trusted.
            Self::NameMismatch => 8,
        }
    }
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(detail) => write!(f, "the certificate is malformed: {detail}"),
            Self::TooLarge { bytes, max } => {
                write!(f, "the certificate has {bytes} bytes, {max} are allowed")
            }
            Self::TooManyNames { max } => {
                write!(f, "the certificate has more than {max} alternative names")
            }
            Self::Profile(detail) => write!(f, "the certificate breaks RFC 5280: {detail}"),
            Self::Expired { not_after, now } => {
                let (not_after, now) = (Utc(*not_after), Utc(*now));
                write!(f, "the certificate expired at {not_after}, it is {now}")
            }
            Self::NotYetValid { not_before, now } => {
                let (not_before, now) = (Utc(*not_before), Utc(*now));
                write!(f, "the certificate is valid from {not_before}, it is {now}")
            }
            Self::UnknownIssuer => f.write_str("no trusted certificate issued this one"),
            Self::SignatureInvalid => f.write_str("the signature was not made by the issuer's key"),
            Self::SignatureAlgorithmUnsupported(algorithm) => {
                write!(f, "the signature algorithm {algorithm} is not supported")
            }
            Self::SignatureAlgorithmWeak(algorithm) => {
                write!(f, "the signature algorithm {algorithm} is broken")
            }
            Self::SignatureAlgorithmMismatch => {
                f.write_str("the certificate names two different signature algorithms")
            }
            Self::KeyTooWeak { bits, min } => {
                write!(f, "the RSA key has {bits} bits, {min} are required")
            }
            Self::KeyUnsupported(kind) => write!(f, "keys of this kind are refused: {kind}"),
            Self::CurveNotAllowed(curve) => write!(f, "the curve {curve} is not allowed"),
            Self::CaAsLeaf => f.write_str("a CA certificate is used as a peer's own"),
            Self::LeafAsCa => f.write_str("the issuer is not a CA"),
            Self::KeyUsage(detail) => write!(f, "key usage forbids this: {detail}"),
            Self::ExtendedKeyUsage { required, present } => write!(
                f,
                "extended key usage must name {required}, the certificate names {present}"
            ),
            Self::IssuerPurpose => {
                f.write_str("an issuer's extended key usage does not allow this peer")
            }
            Self::NameConstraint(detail) => write!(f, "name constraints: {detail}"),
            Self::PathLength => f.write_str("the path is longer than an issuer allows"),
            Self::CriticalExtension(oid) => {
                write!(f, "the critical extension {oid} is not understood")
            }
            Self::SerialInvalid { serial } => write!(
                f,
                "the serial number {serial} is not a positive integer of 20 octets at most"
            ),
            Self::BudgetExceeded(what) => write!(f, "the path search was stopped: {what}"),
            Self::IssuerNotAllowedToSign => {
                f.write_str("its key usage does not include keyCertSign")
            }
            Self::Distrusted => f.write_str("the key is distrusted"),
            Self::NameMismatch => f.write_str("no name of the certificate is an expected one"),
            Self::SpiffeInvalid(detail) => write!(f, "not an X.509-SVID: {detail}"),
            Self::SpiffeDomain { presented } => {
                write!(
                    f,
                    "the SPIFFE trust domain {presented} is not accepted here"
                )
            }
            Self::NotPinned => f.write_str("the certificate is none of the pinned ones"),
            Self::Unclassified(detail) => write!(f, "the certificate was rejected: {detail}"),
        }
    }
}

impl std::error::Error for TrustError {}
