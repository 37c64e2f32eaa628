//! What a responder says of one certificate: `SingleResponse` (RFC 6960
//! section 4.2.1).

use std::cmp::Ordering;
use std::fmt;

use super::encoding::{self, tag};
use super::error::Invalid;
use super::extensions::Extensions;
use super::question::CertId;
use super::time;
use crate::trust::der::{NotDer, Reader};

const PART: &str = "a single response";

/// The status of a certificate (RFC 6960 section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertStatus {
    /// Not revoked.
    Good,
    /// Revoked, for good or for now (`certificateHold`).
    Revoked {
        /// When, in seconds since the Unix epoch.
        at: i64,
        /// Why, if the responder says.
        reason: Option<RevocationReason>,
    },
    /// The responder does not know the certificate: no ground to trust it.
    Unknown,
}

impl CertStatus {
    /// The name used in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Revoked { .. } => "revoked",
            Self::Unknown => "unknown",
        }
    }

    /// Which of two statuses for one certificate counts: the worse.
    fn severity(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Unknown => 1,
            Self::Revoked { .. } => 2,
        }
    }

    pub(super) fn compare_severity(self, other: Self) -> Ordering {
        self.severity().cmp(&other.severity())
    }
}

impl fmt::Display for CertStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Good => "good",
            Self::Revoked { .. } => "revoked",
            Self::Unknown => "unknown",
        })
    }
}

/// `CRLReason` (RFC 5280 section 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each name is its own definition")]
pub enum RevocationReason {
    Unspecified,
    KeyCompromise,
    CaCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    CertificateHold,
    RemoveFromCrl,
    PrivilegeWithdrawn,
    AaCompromise,
    /// A number without a meaning. The certificate is revoked all the same.
    Other(u8),
}

impl From<u8> for RevocationReason {
    fn from(reason: u8) -> Self {
        match reason {
            0 => Self::Unspecified,
            1 => Self::KeyCompromise,
            2 => Self::CaCompromise,
            3 => Self::AffiliationChanged,
            4 => Self::Superseded,
            5 => Self::CessationOfOperation,
            6 => Self::CertificateHold,
            8 => Self::RemoveFromCrl,
            9 => Self::PrivilegeWithdrawn,
            10 => Self::AaCompromise,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for RevocationReason {
    /// The name in RFC 5280's ASN.1.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::RemoveFromCrl => "removeFromCRL",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::AaCompromise => "aACompromise",
            Self::Other(number) => return write!(f, "reason {number}"),
        })
    }
}

/// One status, and from when to when it is known to be true.
pub(super) struct SingleResponse<'a> {
    pub(super) cert_id: CertId<'a>,
    pub(super) status: CertStatus,
    pub(super) this_update: i64,
    pub(super) next_update: Option<i64>,
    pub(super) extensions: Extensions<'a>,
}

impl<'a> SingleResponse<'a> {
    pub(super) fn parse(content: &'a [u8]) -> Result<Self, Invalid> {
        let mut fields = Reader::new(content);
        let read = Self::before_extensions(&mut fields).map_err(|_| Invalid::Malformed(PART))?;
        let (cert_id, status, this_update, next_update) = read;
        Ok(Self {
            cert_id,
            status,
            this_update,
            next_update,
            extensions: Extensions::last(&mut fields, PART)?,
        })
    }

    #[allow(clippy::type_complexity, reason = "the fields, in their order")]
    fn before_extensions(
        fields: &mut Reader<'a>,
    ) -> Result<(CertId<'a>, CertStatus, i64, Option<i64>), NotDer> {
        let cert_id = CertId::parse(fields.expect(tag::SEQUENCE)?)?;
        let status = cert_status(fields)?;
        let this_update = time::read(fields)?;
        let next_update = match fields.optional(tag::context_constructed(0))? {
            None => None,
            Some(explicit) => Some(only(explicit, time::read)?),
        };
        Ok((cert_id, status, this_update, next_update))
    }
}

/// `good [0]` and `unknown [2]` are `IMPLICIT NULL`, `revoked [1]` is
/// `IMPLICIT RevokedInfo`.
fn cert_status(fields: &mut Reader<'_>) -> Result<CertStatus, NotDer> {
    const GOOD: u8 = tag::context(0);
    const REVOKED: u8 = tag::context_constructed(1);
    const UNKNOWN: u8 = tag::context(2);
    match fields.any()? {
        (GOOD, []) => Ok(CertStatus::Good),
        (UNKNOWN, []) => Ok(CertStatus::Unknown),
        (REVOKED, info) => {
            let mut info = Reader::new(info);
            let at = time::read(&mut info)?;
            let reason = match info.optional(tag::context_constructed(0))? {
                None => None,
                Some(explicit) => Some(only(explicit, encoding::enumerated)?.into()),
            };
            info.end()?;
            Ok(CertStatus::Revoked { at, reason })
        }
        _ => Err(NotDer),
    }
}

/// The one value inside of an explicit tag.
fn only<T>(
    explicit: &[u8],
    read: impl Fn(&mut Reader<'_>) -> Result<T, NotDer>,
) -> Result<T, NotDer> {
    let mut inner = Reader::new(explicit);
    let value = read(&mut inner)?;
    inner.end()?;
    Ok(value)
}
