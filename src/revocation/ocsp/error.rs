//! Every cause for which there is no answer.

use std::fmt;

use super::nonce::NonceFault;
use crate::trust::{TrustError, Utc};

/// Why a response is no answer to the question.
///
/// None of these is signed: whoever sits between us and the responder can cause
/// each of them. So none is kept as an answer would be, and none says anything
/// about the certificate. Each has its own [`code`](Self::code), and carries the
/// values that were compared. Text that came from a response may hold any
/// character: whoever prints it escapes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OcspError {
    /// The responder cannot answer at the moment: ask again, later.
    NotNow(NotNow),
    /// The responder does not answer this question from us: asking again is of
    /// no use.
    Refused(Refusal),
    /// An answer, but about other certificates.
    NoMatch,
    /// An answer of the future, more than the clocks may differ.
    NotYetValid {
        /// The field that says so.
        field: TimeField,
        /// What it says.
        from: i64,
        /// The time asked about.
        now: i64,
    },
    /// An answer of the past: replayed, or of a responder that is not kept up.
    Stale {
        /// First second at which it was not valid any more.
        valid_until: i64,
        /// The time asked about.
        now: i64,
    },
    /// No answer at all, or not one of somebody who may answer.
    Invalid(Invalid),
}

/// `OCSPResponseStatus` (RFC 6960 section 2.3): a matter of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotNow {
    /// tryLater (3).
    TryLater,
    /// internalError (2).
    InternalError,
}

/// `OCSPResponseStatus` (RFC 6960 section 2.3): a matter of the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// malformedRequest (1).
    MalformedRequest,
    /// sigRequired (5).
    SignatureRequired,
    /// unauthorized (6): also "not capable of responding authoritatively", which
    /// is how RFC 5019 responders say that they do not know the certificate.
    Unauthorized,
}

/// A field that must not be of the future.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeField {
    /// When the status was known to be true.
    ThisUpdate,
    /// When the response was signed.
    ProducedAt,
}

/// Why a response is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// More bytes than are looked at.
    TooLarge {
        /// Bytes given.
        bytes: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// More of something than is looked at.
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        max: usize,
    },
    /// Not the DER of RFC 6960: in this part.
    Malformed(&'static str),
    /// A response status that does not exist.
    Status(u8),
    /// The status is successful, but there is no answer.
    Empty,
    /// An answer of another type than id-pkix-ocsp-basic.
    ResponseType(String),
    /// Not version 1.
    Version,
    /// A critical extension that is not understood.
    CriticalExtension(String),
    /// Not the nonce that was demanded.
    Nonce(NonceFault),
    /// A status that ends before it begins.
    NextUpdateBeforeThisUpdate {
        /// Its beginning.
        this_update: i64,
        /// Its end.
        next_update: i64,
    },
    /// Neither the issuer nor a certificate in the response is of the responder
    /// that it names.
    SignerUnknown,
    /// The certificate asked about, or its key, vouches for itself.
    SignedByLeaf,
    /// The certificate of the responder does not entitle it to answer.
    Delegate(DelegateFault),
    /// The responder's key did not make this signature, or it cannot be checked.
    Signature(TrustError),
    /// Signed when the signer's certificate was not valid.
    ProducedOutsideSigner {
        /// When it was signed.
        produced_at: i64,
        /// First valid second of the signer's certificate.
        not_before: i64,
        /// Last valid second of the signer's certificate.
        not_after: i64,
    },
}

/// Why a delegate may not answer (RFC 6960 section 4.2.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DelegateFault {
    /// Of another issuer than the certificate asked about.
    OtherIssuer {
        /// Of which.
        issuer: String,
    },
    /// Names the issuer, whose key did not sign it.
    NotIssued(TrustError),
    /// It is a CA.
    Ca,
    /// id-kp-OCSPSigning is not among its purposes.
    NoOcspSigning {
        /// The purposes that it has, at most eight.
        present: Vec<String>,
    },
    /// Its key usage leaves out digitalSignature.
    NoDigitalSignature,
    /// Not well-formed, not valid now, not strong enough, or with a critical
    /// extension that is not understood.
    Certificate(TrustError),
}

impl From<Invalid> for OcspError {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl OcspError {
    /// A stable name of the cause, for events and configuration.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotNow(NotNow::TryLater) => "ocsp_try_later",
            Self::NotNow(NotNow::InternalError) => "ocsp_internal_error",
            Self::Refused(Refusal::MalformedRequest) => "ocsp_malformed_request",
            Self::Refused(Refusal::SignatureRequired) => "ocsp_signature_required",
            Self::Refused(Refusal::Unauthorized) => "ocsp_unauthorized",
            Self::NoMatch => "ocsp_no_match",
            Self::NotYetValid { .. } => "ocsp_not_yet_valid",
            Self::Stale { .. } => "ocsp_stale",
            Self::Invalid(invalid) => invalid.code(),
        }
    }
}

impl Invalid {
    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "ocsp_too_large",
            Self::TooMany { .. } => "ocsp_too_many",
            Self::Malformed(_) | Self::Status(_) | Self::Empty => "ocsp_malformed",
            Self::ResponseType(_) => "ocsp_response_type_unknown",
            Self::Version => "ocsp_version_unknown",
            Self::CriticalExtension(_) => "ocsp_critical_extension_unknown",
            Self::Nonce(NonceFault::Missing) => "ocsp_nonce_missing",
            Self::Nonce(NonceFault::Other) => "ocsp_nonce_mismatch",
            Self::NextUpdateBeforeThisUpdate { .. } => "ocsp_times_contradictory",
            Self::SignerUnknown => "ocsp_signer_unknown",
            Self::SignedByLeaf => "ocsp_signed_by_leaf",
            Self::Delegate(_) => "ocsp_delegate_not_entitled",
            Self::Signature(_) => "ocsp_signature_invalid",
            Self::ProducedOutsideSigner { .. } => "ocsp_signer_not_valid",
        }
    }
}

impl fmt::Display for OcspError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNow(NotNow::TryLater) => f.write_str("the responder says: try later"),
            Self::NotNow(NotNow::InternalError) => {
                f.write_str("the responder has an internal error")
            }
            Self::Refused(Refusal::MalformedRequest) => {
                f.write_str("the responder calls the request malformed")
            }
            Self::Refused(Refusal::SignatureRequired) => {
                f.write_str("the responder answers signed requests only")
            }
            Self::Refused(Refusal::Unauthorized) => {
                f.write_str("the responder does not answer for this certificate")
            }
            Self::NoMatch => f.write_str("the answer is about other certificates"),
            Self::NotYetValid { field, from, now } => {
                let field = match field {
                    TimeField::ThisUpdate => "thisUpdate",
                    TimeField::ProducedAt => "producedAt",
                };
                let (from, now) = (Utc(*from), Utc(*now));
                write!(f, "the answer's {field} is {from}, it is {now}")
            }
            Self::Stale { valid_until, now } => {
                let (until, now) = (Utc(*valid_until), Utc(*now));
                write!(f, "the answer was valid until {until}, it is {now}")
            }
            Self::Invalid(invalid) => write!(f, "{invalid}"),
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes, max } => {
                write!(f, "the response has {bytes} bytes, {max} are allowed")
            }
            Self::TooMany { what, max } => {
                write!(f, "the response has more than {max} {what}")
            }
            Self::Malformed(part) => write!(f, "the response is malformed: {part}"),
            Self::Status(status) => write!(f, "there is no response status {status}"),
            Self::Empty => f.write_str("the response is successful and empty"),
            Self::ResponseType(oid) => write!(f, "the response type {oid} is not understood"),
            Self::Version => f.write_str("the response is not of version 1"),
            Self::CriticalExtension(oid) => {
                write!(
                    f,
                    "the response's critical extension {oid} is not understood"
                )
            }
            Self::Nonce(NonceFault::Missing) => f.write_str("the nonce did not come back"),
            Self::Nonce(NonceFault::Other) => f.write_str("the nonce is not the one sent"),
            Self::NextUpdateBeforeThisUpdate {
                this_update,
                next_update,
            } => {
                let (this, next) = (Utc(*this_update), Utc(*next_update));
                write!(
                    f,
                    "the answer's nextUpdate {next} is before its thisUpdate {this}"
                )
            }
            Self::SignerUnknown => {
                f.write_str("the responder is neither the issuer nor among the certificates")
            }
            Self::SignedByLeaf => f.write_str("the certificate vouches for itself"),
            Self::Delegate(fault) => write!(f, "the responder may not answer: {fault}"),
            Self::Signature(error) => write!(f, "the response: {error}"),
            Self::ProducedOutsideSigner {
                produced_at,
                not_before,
                not_after,
            } => {
                let (from, to) = (Utc(*not_before), Utc(*not_after));
                let produced = Utc(*produced_at);
                write!(
                    f,
                    "signed at {produced} by one who is valid from {from} to {to}"
                )
            }
        }
    }
}

impl fmt::Display for DelegateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherIssuer { issuer } => write!(f, "its certificate is of {issuer}"),
            Self::NotIssued(error) => write!(f, "not issued by the certificate's issuer: {error}"),
            Self::Ca => f.write_str("it is a CA"),
            Self::NoOcspSigning { present } => {
                let present = present.join(" ");
                write!(f, "its purposes lack OCSPSigning: [{present}]")
            }
            Self::NoDigitalSignature => f.write_str("its key usage lacks digitalSignature"),
            Self::Certificate(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for OcspError {}
