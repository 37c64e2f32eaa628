//! From rustls-webpki's errors to ours.

use rustls_pki_types::UnixTime;
use webpki::Error;

use crate::trust::error::TrustError;

impl From<Error> for TrustError {
    /// One cause for each error. Those of revocation lists cannot occur (none
    /// are given to the verifier) and keep their text, as does any error that a
    /// later version adds.
    #[allow(deprecated, reason = "every variant is named")]
    fn from(error: Error) -> Self {
        match error {
            Error::BadDer
            | Error::BadDerTime
            | Error::TrailingData(_)
            | Error::MalformedExtensions
            | Error::ExtensionValueInvalid
            | Error::MalformedDnsIdentifier
            | Error::InvalidSerialNumber
            | Error::EmptyEkuExtension
            | Error::UnsupportedCertVersion => Self::Malformed(format!("{error}").into()),
            Error::InvalidCertValidity => Self::Profile("notBefore is later than notAfter"),
            Error::CertExpired { time, not_after } => Self::Expired {
                not_after: seconds(not_after),
                now: seconds(time),
            },
            Error::CertNotValidYet { time, not_before } => Self::NotYetValid {
                not_before: seconds(not_before),
                now: seconds(time),
            },
            Error::UnknownIssuer => Self::UnknownIssuer,
            Error::InvalidSignatureForPublicKey => Self::SignatureInvalid,
            Error::SignatureAlgorithmMismatch => Self::SignatureAlgorithmMismatch,
            Error::UnsupportedSignatureAlgorithm
            | Error::UnsupportedSignatureAlgorithmContext(_) => {
                Self::SignatureAlgorithmUnsupported("of a certificate in the path".into())
            }
            Error::UnsupportedSignatureAlgorithmForPublicKey
            | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
                Self::SignatureAlgorithmUnsupported("with the issuer's key".into())
            }
            Error::CaUsedAsEndEntity => Self::CaAsLeaf,
            Error::EndEntityUsedAsCa => Self::LeafAsCa,
            Error::RequiredEkuNotFound | Error::RequiredEkuNotFoundContext(_) => {
                // The leaf's own was asked before: this is an issuer's.
                Self::IssuerPurpose
            }
            Error::NameConstraintViolation => Self::NameConstraint("a name is not permitted"),
            Error::MalformedNameConstraint | Error::InvalidNetworkMaskConstraint => {
                Self::NameConstraint("a constraint is malformed")
            }
            Error::UnsupportedNameType => {
                Self::NameConstraint("a constraint is of a kind that cannot be evaluated")
            }
            Error::PathLenConstraintViolated => Self::PathLength,
            Error::UnsupportedCriticalExtension => {
                Self::CriticalExtension("of a certificate in the path".into())
            }
            Error::MaximumPathDepthExceeded => Self::BudgetExceeded("too deep"),
            Error::MaximumPathBuildCallsExceeded => Self::BudgetExceeded("too many candidates"),
            Error::MaximumSignatureChecksExceeded => Self::BudgetExceeded("too many signatures"),
            Error::MaximumNameConstraintComparisonsExceeded => {
                Self::BudgetExceeded("too many name constraint comparisons")
            }
            Error::CertDistrusted => Self::Distrusted,
            Error::CertNotValidForName(_) => Self::NameMismatch,
            Error::CertRevoked
            | Error::CrlExpired { .. }
            | Error::InvalidCrlNumber
            | Error::InvalidCrlSignatureForPublicKey
            | Error::IssuerNotCrlSigner
            | Error::UnknownRevocationStatus
            | Error::UnsupportedCrlIssuingDistributionPoint
            | Error::UnsupportedCrlVersion
            | Error::UnsupportedDeltaCrl
            | Error::UnsupportedIndirectCrl
            | Error::UnsupportedRevocationReason
            | Error::UnsupportedRevocationReasonsPartitioning
            | Error::UnsupportedCrlSignatureAlgorithm
            | Error::UnsupportedCrlSignatureAlgorithmContext(_)
            | Error::UnsupportedCrlSignatureAlgorithmForPublicKey
            | Error::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => {
                Self::Unclassified(format!("{error}"))
            }
            // Non-exhaustive: refused all the same, in the verifier's words.
            _ => Self::Unclassified(format!("{error}")),
        }
    }
}

/// Far beyond any certificate's year 9999.
fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}
