//! Lists in PEM (RFC 7468 section 6).

use rustls_pki_types::pem::{PemObject as _, SectionKind};

use super::error::{CrlError, malformed};

/// Bytes of PEM that a policy may have (see `config`). It is decoded in one go:
/// 4 MiB took 13 ms in V8, and 66 ms as the first thing that it ever did.
pub const MAX_PEM: usize = 4 << 20;

/// Bytes of PEM from a distribution point, which should serve DER (RFC 5280
/// section 4.2.1.13): a quarter of that time.
pub const MAX_SERVED_PEM: usize = 1 << 20;

/// Lists of one text. A policy that needs more has a distribution point.
pub const MAX_LISTS: usize = 64;

const BEGIN: &[u8] = b"-----BEGIN ";

/// Whether the bytes are PEM rather than DER.
pub(super) fn is_pem(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(BEGIN)
}

/// The lists of a policy, at least one, in DER. A block of another kind is
/// refused: it is there by accident.
///
/// # Errors
///
/// [`CrlError::TooLarge`] before anything is decoded, else
/// [`CrlError::Malformed`].
pub fn lists(text: &[u8]) -> Result<Vec<Vec<u8>>, CrlError> {
    check_len(text, MAX_PEM)?;
    let mut lists = Vec::new();
    for block in <(SectionKind, Vec<u8>)>::pem_slice_iter(text) {
        let (kind, der) = block.map_err(malformed("PEM that cannot be decoded"))?;
        if kind != SectionKind::Crl {
            return Err(CrlError::Malformed(
                "a PEM block of another kind than X509 CRL",
            ));
        }
        if lists.len() == MAX_LISTS {
            return Err(CrlError::TooLarge {
                what: "lists in one text",
                found: MAX_LISTS + 1,
                max: MAX_LISTS,
            });
        }
        lists.push(der);
    }
    if lists.is_empty() {
        return Err(CrlError::Malformed("no PEM block of the kind X509 CRL"));
    }
    Ok(lists)
}

/// The one list of these bytes.
pub(super) fn single(text: &[u8]) -> Result<Vec<u8>, CrlError> {
    check_len(text, MAX_SERVED_PEM)?;
    let mut lists = lists(text)?;
    match (lists.pop(), lists.is_empty()) {
        (Some(list), true) => Ok(list),
        _ => Err(CrlError::Malformed("more than one list in PEM")),
    }
}

fn check_len(text: &[u8], max: usize) -> Result<(), CrlError> {
    match text.len() {
        found if found > max => Err(CrlError::TooLarge {
            what: "bytes of PEM",
            found,
            max,
        }),
        _ => Ok(()),
    }
}
