//! Every cause for which a revocation list is not used.

use std::fmt;

use super::number::CrlNumber;
use crate::trust::{TrustError, Utc};

/// Why a list is not used. Each variant is one stable cause with its own
/// [`code`](Self::code), and carries the values that were compared. Text that
/// came from a list may hold any character: whoever prints it escapes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CrlError {
    /// The bytes are no CRL (DER, PEM, or a field inside).
    Malformed(&'static str),
    /// Well encoded, but against the CRL profile of RFC 5280.
    Profile(&'static str),
    /// More of something than is looked at.
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much, or the first value beyond the bound.
        found: usize,
        /// What is allowed.
        max: usize,
    },
    /// There is no memory for the list now.
    OutOfMemory {
        /// Bytes asked for.
        bytes: usize,
    },
    /// It says only what changed since another list (RFC 5280 section 5.2.4).
    Delta,
    /// It speaks of certificates of other issuers (RFC 5280 section 5.2.5).
    Indirect,
    /// A critical extension, of the list or of an entry, that is not understood
    /// (RFC 5280 sections 5.2 and 5.3).
    CriticalExtension(String),
    /// No certificate of the given ones issued it, by name and key identifier.
    WrongIssuer {
        /// The issuer that it names, bounded.
        issuer: String,
    },
    /// Its issuer's key usage leaves out cRLSign (RFC 5280 section 6.3.3 (f)).
    IssuerMayNotSign {
        /// The issuer, bounded.
        issuer: String,
    },
    /// Its issuer's key did not sign it, or not in a way that can be checked.
    Signature(TrustError),
    /// `nextUpdate` has passed.
    Expired {
        /// Last second of its use.
        next_update: i64,
        /// The time asked about.
        now: i64,
    },
    /// `thisUpdate` has not come.
    NotYetValid {
        /// First second of its use.
        this_update: i64,
        /// The time asked about.
        now: i64,
    },
    /// It is older than the one that it is to replace.
    NumberWentBackwards {
        /// Number of the list in use.
        old: CrlNumber,
        /// Number of the list that is refused.
        new: CrlNumber,
    },
    /// A later number, or the same, with an earlier `thisUpdate`.
    TimeWentBackwards {
        /// `thisUpdate` of the list in use.
        old: i64,
        /// `thisUpdate` of the list that is refused.
        new: i64,
    },
    /// It is a list of another issuer, key or scope than the one that it is to
    /// replace.
    AnotherList,
}

impl CrlError {
    /// A stable name of the cause, for events.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "crl_malformed",
            Self::Profile(_) => "crl_profile_violated",
            Self::TooLarge { .. } => "crl_too_large",
            Self::OutOfMemory { .. } => "crl_out_of_memory",
            Self::Delta => "crl_delta",
            Self::Indirect => "crl_indirect",
            Self::CriticalExtension(_) => "crl_critical_extension_unknown",
            Self::WrongIssuer { .. } => "crl_issuer_wrong",
            Self::IssuerMayNotSign { .. } => "crl_issuer_may_not_sign",
            Self::Signature(_) => "crl_signature_invalid",
            Self::Expired { .. } => "crl_expired",
            Self::NotYetValid { .. } => "crl_not_yet_valid",
            Self::NumberWentBackwards { .. } => "crl_number_went_backwards",
            Self::TimeWentBackwards { .. } => "crl_time_went_backwards",
            Self::AnotherList => "crl_another_list",
        }
    }
}

impl fmt::Display for CrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => write!(f, "the CRL is malformed: {what}"),
            Self::Profile(what) => write!(f, "the CRL breaks RFC 5280: {what}"),
            Self::TooLarge { what, found, max } => {
                write!(f, "the CRL has {found} {what}, {max} are allowed")
            }
            Self::OutOfMemory { bytes } => {
                write!(f, "no memory for the CRL: {bytes} bytes are needed")
            }
            Self::Delta => f.write_str("delta CRLs are not supported"),
            Self::Indirect => f.write_str("indirect CRLs are not supported"),
            Self::CriticalExtension(oid) => {
                write!(f, "the CRL's critical extension {oid} is not understood")
            }
            Self::WrongIssuer { issuer } => {
                write!(f, "the CRL is of another issuer: {issuer}")
            }
            Self::IssuerMayNotSign { issuer } => {
                write!(f, "the key usage of {issuer} does not include cRLSign")
            }
            Self::Signature(error) => write!(f, "the CRL's signature: {error}"),
            Self::Expired { next_update, now } => {
                let (next_update, now) = (Utc(*next_update), Utc(*now));
                write!(f, "the CRL expired at {next_update}, it is {now}")
            }
            Self::NotYetValid { this_update, now } => {
                let (this_update, now) = (Utc(*this_update), Utc(*now));
                write!(f, "the CRL is of {this_update}, it is {now}")
            }
            Self::NumberWentBackwards { old, new } => {
                write!(f, "the CRL has number {new}, after number {old}")
            }
            Self::TimeWentBackwards { old, new } => {
                let (old, new) = (Utc(*old), Utc(*new));
                write!(f, "the CRL is of {new}, after one of {old}")
            }
            Self::AnotherList => f.write_str("the CRL is not the successor of the one in use"),
        }
    }
}

impl std::error::Error for CrlError {}

/// For a field that is no DER.
pub(super) fn malformed<E>(what: &'static str) -> impl Fn(E) -> CrlError {
    move |_| CrlError::Malformed(what)
}
