//! The extensions of a response and of each status in it (RFC 6960
//! section 4.4).

use super::encoding::tag;
use super::error::Invalid;
use super::nonce;
use crate::trust::der::{self, NotDer, Reader};

/// Extensions in one place. RFC 6960 knows five for a response and three for a
/// status; each is compared with those before it.
pub const MAX_EXTENSIONS: usize = 16;

/// What extensions say.
#[derive(Clone, Debug, Default)]
pub(super) struct Extensions<'a> {
    /// The nonce, out of its wrapping.
    pub(super) nonce: Option<&'a [u8]>,
    /// The first critical one that is not understood, in dotted form.
    unknown_critical: Option<String>,
}

impl<'a> Extensions<'a> {
    /// Reads `[1] EXPLICIT Extensions OPTIONAL`, the last field of both.
    pub(super) fn last(fields: &mut Reader<'a>, part: &'static str) -> Result<Self, Invalid> {
        let malformed = |_: NotDer| Invalid::Malformed(part);
        let explicit = fields
            .optional(tag::context_constructed(1))
            .map_err(malformed)?;
        fields.end().map_err(malformed)?;
        let Some(explicit) = explicit else {
            return Ok(Self::default());
        };
        let content = der::single(explicit, tag::SEQUENCE).map_err(malformed)?;
        // SEQUENCE SIZE (1..MAX)
        if content.is_empty() {
            return Err(Invalid::Malformed(part));
        }
        let mut list = Reader::new(content);
        let mut read = Self::default();
        let mut seen: Vec<&[u8]> = Vec::new();
        while !list.is_empty() {
            if seen.len() == MAX_EXTENSIONS {
                return Err(Invalid::TooMany {
                    what: "extensions",
                    max: MAX_EXTENSIONS,
                });
            }
            let (oid, critical, value) = extension(&mut list).map_err(malformed)?;
            // RFC 5280 section 4.2, whose syntax this is: never two of a kind.
            if seen.contains(&oid) {
                return Err(Invalid::Malformed(part));
            }
            seen.push(oid);
            if oid == nonce::ID_NONCE {
                read.nonce = Some(nonce::parse(value).map_err(malformed)?);
            } else if critical && read.unknown_critical.is_none() {
                read.unknown_critical = Some(der::dotted(oid));
            }
        }
        Ok(read)
    }

    /// Whoever made an extension critical does not want to be understood
    /// without it (RFC 5280 section 4.2, RFC 6960 section 4.4).
    pub(super) fn check_critical(&self) -> Result<(), Invalid> {
        match &self.unknown_critical {
            Some(oid) => Err(Invalid::CriticalExtension(oid.clone())),
            None => Ok(()),
        }
    }
}

fn extension<'a>(list: &mut Reader<'a>) -> Result<(&'a [u8], bool, &'a [u8]), NotDer> {
    let mut fields = Reader::new(list.expect(tag::SEQUENCE)?);
    let oid = fields.expect(tag::OID)?;
    let critical = fields.default_false()?;
    let value = fields.expect(tag::OCTET_STRING)?;
    fields.end()?;
    Ok((oid, critical, value))
}
