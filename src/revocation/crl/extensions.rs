//! The extensions of a list (RFC 5280 section 5.2).

use super::error::{CrlError, malformed};
use super::number::CrlNumber;
use super::scope::Scope;
use crate::trust::der::{self, NotDer, Reader, tag};

/// Extensions of one list. RFC 5280 knows seven, real lists have two to four;
/// each is compared with those before it.
const MAX_EXTENSIONS: usize = 32;

const OCTET_STRING: u8 = 0x04;

/// What the extensions say.
#[derive(Debug)]
pub(super) struct Extensions {
    pub(super) number: CrlNumber,
    pub(super) authority_key_identifier: Option<Vec<u8>>,
    pub(super) scope: Scope,
}

/// One extension, of a list or of an entry.
pub(super) struct Extension<'a> {
    pub(super) oid: &'a [u8],
    pub(super) critical: bool,
    pub(super) value: &'a [u8],
}

/// The content of `Extensions`: at least one, at most `max`, none twice.
pub(super) fn each<'a>(
    content: &'a [u8],
    max: usize,
    mut read: impl FnMut(&Extension<'a>) -> Result<(), CrlError>,
) -> Result<(), CrlError> {
    let mut rest = Reader::new(content);
    if rest.is_empty() {
        return Err(CrlError::Malformed("extensions without an extension"));
    }
    let mut count = 0_usize;
    while !rest.is_empty() {
        if count == max {
            return Err(CrlError::TooLarge {
                what: "extensions in one place",
                found: max.saturating_add(1),
                max,
            });
        }
        let extension = next(&mut rest).map_err(malformed("an extension"))?;
        // Section 4.2: "MUST NOT include more than one instance of a particular
        // extension". Which one would count is a matter of taste.
        let mut earlier = Reader::new(content);
        for _ in 0..count {
            let earlier = next(&mut earlier).map_err(malformed("an extension"))?;
            if earlier.oid == extension.oid {
                return Err(CrlError::Malformed("an extension occurs twice"));
            }
        }
        read(&extension)?;
        count = count.saturating_add(1);
    }
    Ok(())
}

fn next<'a>(rest: &mut Reader<'a>) -> Result<Extension<'a>, NotDer> {
    let mut fields = Reader::new(rest.expect(tag::SEQUENCE)?);
    let extension = Extension {
        oid: fields.expect(tag::OID)?,
        critical: fields.default_false()?,
        value: fields.expect(OCTET_STRING)?,
    };
    fields.end()?;
    Ok(extension)
}

/// The content of `crlExtensions [0] EXPLICIT`.
pub(super) fn parse(explicit: &[u8], issuer: &[u8]) -> Result<Extensions, CrlError> {
    let content = der::single(explicit, tag::SEQUENCE).map_err(malformed("crlExtensions"))?;
    let mut number = None;
    let mut authority_key_identifier = None;
    let mut scope = Scope::whole();
    each(content, MAX_EXTENSIONS, |extension| {
        let value = extension.value;
        match extension.oid {
            // id-ce (2.5.29)
            [0x55, 0x1d, 20] => {
                // Section 5.2.3: "a non-critical CRL extension".
                if extension.critical {
                    return Err(CrlError::Profile("a critical CRL number"));
                }
                number = Some(CrlNumber::from_der(value).map_err(malformed("CRL number"))?);
            }
            [0x55, 0x1d, 35] => {
                authority_key_identifier =
                    key_identifier(value).map_err(malformed("authority key identifier"))?;
            }
            [0x55, 0x1d, 27] => return Err(CrlError::Delta),
            // Critical by section 5.2.5; heeded where a CA forgot that, too.
            [0x55, 0x1d, 28] => scope = Scope::from_der(value, issuer)?,
            oid if extension.critical => {
                return Err(CrlError::CriticalExtension(der::dotted(oid)));
            }
            _ => {}
        }
        Ok(())
    })?;
    // Section 5.2.3: "CRL issuers conforming to this profile MUST include this
    // extension in all CRLs". Without it an old list is not told from a new one.
    let number = number.ok_or(CrlError::Profile("no CRL number"))?;
    Ok(Extensions {
        number,
        authority_key_identifier,
        scope,
    })
}

/// `keyIdentifier` of an `AuthorityKeyIdentifier` (section 4.2.1.1). A list
/// without one is taken, although section 5.2.1 wants it (OpenSSL's own example
/// configuration leaves it out): the key itself is what counts.
fn key_identifier(value: &[u8]) -> Result<Option<Vec<u8>>, NotDer> {
    // SHA-1 gives 20 octets, RFC 7093 at most as many as its digest.
    const MAX_OCTETS: usize = 64;
    let mut fields = Reader::new(der::single(value, tag::SEQUENCE)?);
    let identifier = fields.optional(tag::context(0))?;
    fields.optional(tag::context_constructed(1))?;
    fields.optional(tag::context(2))?;
    fields.end()?;
    match identifier {
        Some(identifier) if identifier.len() > MAX_OCTETS => Err(NotDer),
        identifier => Ok(identifier.map(<[u8]>::to_vec)),
    }
}
