//! One entry of `revokedCertificates` (RFC 5280 sections 5.1.2.6 and 5.3).

use std::fmt;

use super::error::{CrlError, malformed};
use super::extensions;
use super::time;
use crate::trust::der::{self, NotDer, Reader, tag};

/// Extensions of one entry. RFC 5280 knows four; each is compared with those
/// before it, a million times.
const MAX_EXTENSIONS: usize = 8;

/// Content octets of the longest serial number that is kept: 20 of value
/// (section 4.1.2.2), one of sign.
pub const MAX_SERIAL: usize = 21;

const ENUMERATED: u8 = 0x0a;
const GENERALIZED_TIME: u8 = 0x18;

/// `CRLReason` (section 5.3.1). Revoked is revoked, whatever the reason: it is
/// for people to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason(u8);

impl Reason {
    /// unspecified (0), and what an entry without a reason means.
    pub const UNSPECIFIED: Self = Self(0);
    /// keyCompromise (1).
    pub const KEY_COMPROMISE: Self = Self(1);
    /// certificateHold (6): it may come back. Until then it is revoked.
    pub const CERTIFICATE_HOLD: Self = Self(6);
    /// removeFromCRL (8), which no complete list may hold.
    const REMOVE_FROM_CRL: Self = Self(8);

    pub(super) fn from_code(code: u8) -> Self {
        Self(code)
    }

    /// The number of the reason.
    pub fn code(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0 => "unspecified",
            1 => "keyCompromise",
            2 => "cACompromise",
            3 => "affiliationChanged",
            4 => "superseded",
            5 => "cessationOfOperation",
            6 => "certificateHold",
            9 => "privilegeWithdrawn",
            10 => "aACompromise",
            // Of no RFC yet.
            code => return write!(f, "reason {code}"),
        })
    }
}

/// One revoked certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// Content octets, in the shortest form.
    pub(super) serial: &'a [u8],
    /// Seconds since the Unix epoch.
    pub(super) revoked_at: i64,
    pub(super) reason: Reason,
}

impl<'a> Entry<'a> {
    /// The content of one entry. Its work is bounded, however long it is.
    pub(super) fn parse(content: &'a [u8]) -> Result<Self, CrlError> {
        let mut fields = Reader::new(content);
        let serial = fields
            .expect(tag::INTEGER)
            .map_err(malformed("a serial number"))?;
        if !is_shortest(serial) {
            return Err(CrlError::Malformed("a serial number with a needless octet"));
        }
        let revoked_at = time::read(&mut fields).map_err(malformed("a revocation date"))?;
        let mut reason = Reason::UNSPECIFIED;
        if !fields.is_empty() {
            let content = fields
                .expect(tag::SEQUENCE)
                .map_err(malformed("the extensions of an entry"))?;
            fields.end().map_err(malformed("the fields of an entry"))?;
            extensions::each(content, MAX_EXTENSIONS, |extension| {
                let value = extension.value;
                match extension.oid {
                    // id-ce (2.5.29)
                    [0x55, 0x1d, 21] => {
                        reason = reason_code(value).map_err(malformed("a reason code"))?;
                    }
                    [0x55, 0x1d, 24] => {
                        invalidity_date(value).map_err(malformed("an invalidity date"))?;
                    }
                    // Whose certificate it is: only where the list is indirect.
                    [0x55, 0x1d, 29] => return Err(CrlError::Indirect),
                    oid if extension.critical => {
                        return Err(CrlError::CriticalExtension(der::dotted(oid)));
                    }
                    _ => {}
                }
                Ok(())
            })?;
        }
        // Section 5.3.1: it "may only appear in delta CRLs". Taken as "not
        // revoked", as some do, it would undo the entry it stands in.
        if reason == Reason::REMOVE_FROM_CRL {
            return Err(CrlError::Profile("removeFromCRL in a complete list"));
        }
        Ok(Self {
            serial,
            revoked_at,
            reason,
        })
    }
}

/// X.690 section 8.3.2: the first nine bits are neither all 0 nor all 1.
fn is_shortest(integer: &[u8]) -> bool {
    match integer {
        [] => false,
        [0, second, ..] => *second >= 0x80,
        [0xff, second, ..] => *second < 0x80,
        _ => true,
    }
}

/// The octets of an integer without those that say nothing. Certificates are not
/// always encoded in the shortest form.
pub(super) fn shortest(mut integer: &[u8]) -> &[u8] {
    while let [_, rest @ ..] = integer {
        if rest.is_empty() || is_shortest(integer) {
            break;
        }
        integer = rest;
    }
    integer
}

fn reason_code(value: &[u8]) -> Result<Reason, NotDer> {
    match der::single(value, ENUMERATED)? {
        [code @ 0..0x80] => Ok(Reason::from_code(*code)),
        _ => Err(NotDer),
    }
}

fn invalidity_date(value: &[u8]) -> Result<(), NotDer> {
    let mut reader = Reader::new(value);
    let mut date = reader;
    date.expect(GENERALIZED_TIME)?;
    time::read(&mut reader)?;
    reader.end()
}
