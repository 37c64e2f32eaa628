//! What OCSP's syntax has beyond the strict reader of the trust layer: values
//! with their header, and enumerations.

use crate::trust::der::{NotDer, Reader};

/// Tags that the trust layer has no use for.
pub(super) mod tag {
    pub(crate) use crate::trust::der::tag::{
        BIT_STRING, INTEGER, NULL, OID, SEQUENCE, context, context_constructed,
    };
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const ENUMERATED: u8 = 0x0a;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
}

/// Cuts the next value off `bytes`: header and content, exactly as they are.
pub(super) fn whole<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], NotDer> {
    let (_, content) = Reader::new(bytes).any()?;
    let len = header_len(content.len()).saturating_add(content.len());
    let (value, rest) = bytes.split_at_checked(len).ok_or(NotDer)?;
    *bytes = rest;
    Ok(value)
}

/// Octets before a content of this length: a one-octet tag and the shortest
/// form of the length, which are the only ones that the reader takes.
fn header_len(content: usize) -> usize {
    match content {
        0..0x80 => 2,
        0x80..0x100 => 3,
        0x100..0x1_0000 => 4,
        0x1_0000..0x100_0000 => 5,
        _ => 6,
    }
}

/// An `ENUMERATED` of one octet: both of OCSP's have no more than ten values.
pub(super) fn enumerated(reader: &mut Reader<'_>) -> Result<u8, NotDer> {
    match reader.expect(tag::ENUMERATED)? {
        [value] if *value < 0x80 => Ok(*value),
        _ => Err(NotDer),
    }
}
