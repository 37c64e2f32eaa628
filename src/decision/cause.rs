//! The stable codes that say why: one row each, and the only place where a
//! code is bound to its control and its meaning.

use std::fmt;

use super::requirement::Requirement;
use crate::trust::TrustError;
use Requirement::{V9_2_1, V9_2_2, V9_2_3, V9_2_5};

macro_rules! causes {
    ($($variant:ident $code:literal $requirement:ident $meaning:literal;)*) => {
        /// Why a connection was denied, or why an event was written.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Cause {
            $(#[doc = $meaning] $variant,)*
        }

        impl Cause {
            /// All causes, in the order of the table in `docs/telemetry.md`.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code (`error.type` in events, `cause` in metrics).
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The control that the cause belongs to.
            pub const fn requirement(self) -> Requirement {
                match self { $(Self::$variant => $requirement,)* }
            }

            /// What the code means, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

causes! {
    Plaintext "plaintext" V9_2_2 "The connection is not TLS.";
    TlsVersionTooOld "tls_version_too_old" V9_2_2 "The negotiated TLS version is older than the rule allows.";
    TlsVersionUnknown "tls_version_unknown" V9_2_2 "The host named a TLS version that hopguard does not know.";
    GateTimeout "gate_timeout" V9_2_2 "The connection showed no evidence before the gate's deadline.";
    GateOverflow "gate_overflow" V9_2_2 "Too many requests were waiting for a connection.";
    EvidenceSuperseded "evidence_superseded" V9_2_2 "A later attempt of the same request replaced this attempt's evidence while it waited (hedging).";
    EvidenceUnreadable "evidence_unreadable" V9_2_2 "The host gave a fact in a form that hopguard cannot read.";
    AddressFromHeader "address_from_header" V9_2_2 "A rule looks at the client's address, and Envoy took it from a header that the client wrote (`use_remote_address` is off).";
    PathAmbiguous "path_ambiguous" V9_2_2 "Two ways to read the request's path lead to two rules (dot segments, encoded or doubled slashes).";
    CertificateMissing "certificate_missing" V9_2_1 "The peer presented no certificate, for want of TLS or of a certificate.";
    CertificateUnavailable "certificate_unavailable" V9_2_1 "The host does not expose the peer's certificate (Envoy before 1.38), and the rule demands more than a pinned digest.";
    CertificateDigestMismatch "certificate_digest_mismatch" V9_2_1 "The certificate that was offered as evidence is not the one the connection presented.";
    CertificateMalformed "certificate_malformed" V9_2_1 "The certificate is not well-formed PEM or DER.";
    CertificateTooLarge "certificate_too_large" V9_2_1 "The certificate is larger than hopguard reads, or has too many names.";
    CertificateExpired "certificate_expired" V9_2_1 "The certificate or one of its path has expired.";
    CertificateNotYetValid "certificate_not_yet_valid" V9_2_1 "The certificate or one of its path is not valid yet.";
    CertificateUnknownIssuer "certificate_unknown_issuer" V9_2_1 "No path leads from the certificate to a trust anchor of the rule's stores.";
    CertificateSignatureInvalid "certificate_signature_invalid" V9_2_1 "A signature on the path does not verify.";
    CertificateSignatureAlgorithm "certificate_signature_algorithm" V9_2_1 "A certificate of the path is signed with an algorithm that is weak (MD5, SHA-1) or not supported.";
    CertificateKeyWeak "certificate_key_weak" V9_2_1 "The certificate's key is too short, or of a kind or curve that the rule does not allow.";
    CertificateIsCa "certificate_is_ca" V9_2_1 "The peer presented a CA certificate as its own.";
    CertificateUsage "certificate_usage" V9_2_1 "Key usage or extended key usage do not allow the certificate for this purpose.";
    CertificateConstraint "certificate_constraint" V9_2_1 "A CA on the path may not vouch for this certificate (name constraints, path length, basic constraints).";
    CertificateProfile "certificate_profile" V9_2_1 "The certificate breaks RFC 5280 in a way that hopguard refuses (critical extension, serial number, duplicate extension).";
    CertificateNotPinned "certificate_not_pinned" V9_2_1 "The rule's stores only name pins, and the certificate is none of them.";
    PathBudgetExceeded "path_budget_exceeded" V9_2_1 "Building the path would cost more work than hopguard spends on one certificate.";
    NameMismatch "name_mismatch" V9_2_1 "The certificate presents none of the names that the rule demands.";
    SpiffeIdInvalid "spiffe_id_invalid" V9_2_1 "The certificate is no valid SPIFFE identity of the store's trust domains.";
    ReferenceNameMissing "reference_name_missing" V9_2_1 "The rule takes the reference name from the connection, which shows none.";
    NoTrustStore "no_trust_store" V9_2_1 "No rule matched, and the policy names no default trust store.";
    ClientCertificateMissing "client_certificate_missing" V9_2_3 "The client presented no certificate.";
    CredentialMissing "credential_missing" V9_2_3 "The proxy authenticates itself in none of the ways that the rule accepts.";
    UpstreamTlsFailure "upstream_tls_failure" V9_2_5 "The TLS connection to the upstream failed.";
    UpstreamConnectionFailed "upstream_connection_failed" V9_2_5 "The connection to the upstream was refused, closed or timed out before TLS said why.";
    CertificateNearExpiry "certificate_near_expiry" V9_2_1 "The certificate is accepted and ends soon.";
    WaiverNearEnd "waiver_near_end" V9_2_1 "A waiver is in use and ends soon.";
}

impl From<&TrustError> for Cause {
    fn from(error: &TrustError) -> Self {
        match error {
            TrustError::Malformed(_) => Self::CertificateMalformed,
            TrustError::TooLarge { .. } | TrustError::TooManyNames { .. } => {
                Self::CertificateTooLarge
            }
            TrustError::Profile(_)
            | TrustError::CriticalExtension(_)
            | TrustError::SerialInvalid { .. }
            | TrustError::SignatureAlgorithmMismatch
            | TrustError::Unclassified(_) => Self::CertificateProfile,
            TrustError::Expired { .. } => Self::CertificateExpired,
            TrustError::NotYetValid { .. } => Self::CertificateNotYetValid,
            TrustError::UnknownIssuer => Self::CertificateUnknownIssuer,
            TrustError::SignatureInvalid => Self::CertificateSignatureInvalid,
            TrustError::SignatureAlgorithmUnsupported(_)
            | TrustError::SignatureAlgorithmWeak(_) => Self::CertificateSignatureAlgorithm,
            TrustError::KeyTooWeak { .. }
            | TrustError::KeyUnsupported(_)
            | TrustError::CurveNotAllowed(_)
            | TrustError::Distrusted => Self::CertificateKeyWeak,
            TrustError::CaAsLeaf => Self::CertificateIsCa,
            TrustError::KeyUsage(_) | TrustError::ExtendedKeyUsage { .. } => Self::CertificateUsage,
            TrustError::NameConstraint(_)
            | TrustError::PathLength
            | TrustError::LeafAsCa
            | TrustError::IssuerPurpose
            | TrustError::IssuerNotAllowedToSign => Self::CertificateConstraint,
            TrustError::BudgetExceeded(_) => Self::PathBudgetExceeded,
            TrustError::NameMismatch => Self::NameMismatch,
            TrustError::SpiffeInvalid(_) | TrustError::SpiffeDomain { .. } => Self::SpiffeIdInvalid,
            TrustError::NotPinned => Self::CertificateNotPinned,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_and_fit_a_metric_name() {
        let codes: HashSet<_> = Cause::ALL.iter().map(|c| c.code()).collect();
        assert_eq!(codes.len(), Cause::ALL.len());
        for code in codes {
            assert!(
                code.bytes()
                    .all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit())
            );
        }
    }
}
