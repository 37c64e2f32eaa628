//! Why a trust store is refused.

use std::fmt;

use crate::trust::error::TrustError;
use crate::trust::names::ReferenceError;

/// The part of a store that an error is about, as policies spell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreField {
    /// Trust anchors.
    CaCertificates,
    /// Certificates between an anchor and a leaf.
    Intermediates,
    /// Leaves that are trusted for themselves.
    PinnedCertificates,
    /// SPIFFE trust domains.
    SpiffeTrustDomains,
}

impl fmt::Display for StoreField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CaCertificates => "ca_certificates",
            Self::Intermediates => "intermediates",
            Self::PinnedCertificates => "pinned_certificates",
            Self::SpiffeTrustDomains => "spiffe_trust_domains",
        })
    }
}

/// Why a store is refused: one sentence that names the entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    /// The field and the index in it; `None` when the whole store is at fault.
    pub entry: Option<(StoreField, usize)>,
    /// The certificate's subject, if it could be read.
    pub subject: Option<String>,
    /// The cause.
    pub reason: StoreReason,
}

/// The cause for which a store is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreReason {
    /// The store trusts nothing.
    Empty,
    /// More entries than are allowed.
    TooMany {
        /// Entries allowed.
        max: usize,
    },
    /// More certificates of one subject than are allowed.
    SameSubject {
        /// Certificates allowed.
        max: usize,
    },
    /// A name longer than is allowed.
    SubjectTooLong {
        /// Bytes of the name.
        bytes: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// A CA without a name (RFC 5280 section 4.1.2.6) issues nothing.
    SubjectEmpty,
    /// No basic constraints, or `cA` is false (RFC 5280 section 4.2.1.9).
    NotCa,
    /// A cause that would refuse a peer as well.
    Certificate(TrustError),
    /// A trust domain that is none.
    Name(ReferenceError),
}

impl fmt::Display for StoreReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a trust store must trust something"),
            Self::TooMany { max } => write!(f, "more than {max} entries"),
            Self::SameSubject { max } => write!(f, "more than {max} certificates of one subject"),
            Self::SubjectTooLong { bytes, max } => {
                write!(f, "a subject of {bytes} bytes, {max} are allowed")
            }
            Self::SubjectEmpty => f.write_str("a CA certificate must have a subject"),
            Self::NotCa => {
                f.write_str("not a CA certificate (a server's own belongs in pinned_certificates)")
            }
            Self::Certificate(error) => error.fmt(f),
            Self::Name(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((field, index)) = self.entry {
            write!(f, "{field}[{index}]")?;
            if let Some(subject) = &self.subject {
                write!(f, " ({subject:?})")?;
            }
            f.write_str(": ")?;
        }
        self.reason.fmt(f)
    }
}

impl std::error::Error for StoreError {}
