//! Certificates in PEM (RFC 7468).

use rustls_pki_types::pem::{PemObject, SectionKind};

use super::certificate::MAX_DER;
use super::error::TrustError;

/// PEM of the largest certificate: four characters for three bytes, a line feed
/// every 64, the two boundary lines.
const MAX_PEM: usize = MAX_DER / 3 * 4 + MAX_DER / 48 + 128;

const BEGIN: &str = "-----BEGIN ";
const BEGIN_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";
const END_CERTIFICATE: &str = "-----END CERTIFICATE-----";

/// The one certificate that a peer presented.
///
/// Envoy documents its peer certificate attribute as URL-encoded PEM, and 1.40
/// gives plain PEM: both are read, nothing around the block is.
///
/// # Errors
///
/// [`TrustError::TooLarge`] before anything is decoded, else
/// [`TrustError::Malformed`].
pub fn single_certificate(text: &[u8]) -> Result<Vec<u8>, TrustError> {
    // Every character of URL-encoded text may take three.
    let encoded = text.contains(&b'%');
    let max = if encoded { MAX_PEM * 3 } else { MAX_PEM };
    if text.len() > max {
        return Err(TrustError::TooLarge {
            bytes: text.len(),
            max,
        });
    }
    let plain;
    let bytes = if encoded {
        plain = percent_decoded(text)?;
        plain.as_slice()
    } else {
        text
    };
    let text = std::str::from_utf8(bytes)
        .map_err(|_| TrustError::Malformed("PEM that is not text".into()))?
        .trim();
    if !text.starts_with(BEGIN_CERTIFICATE) || !text.ends_with(END_CERTIFICATE) {
        return Err(TrustError::Malformed("not a PEM certificate".into()));
    }
    if text.matches(BEGIN).count() != 1 {
        return Err(TrustError::Malformed("more than one PEM block".into()));
    }
    let mut blocks = blocks(text)?;
    match (blocks.pop(), blocks.is_empty()) {
        (Some(der), true) => Ok(der),
        _ => Err(TrustError::Malformed("not a PEM certificate".into())),
    }
}

/// The certificates of a policy, at least one. Text between blocks is ignored,
/// as RFC 7468 section 5.2 asks; a block of another kind is refused by name,
/// because a private key in a policy is an accident to be told at once.
///
/// # Errors
///
/// [`TrustError::Malformed`], with a sentence that names the unexpected block.
pub fn certificates(text: &str) -> Result<Vec<Vec<u8>>, TrustError> {
    for line in text.lines() {
        if let Some((_, label)) = line.split_once(BEGIN) {
            let label = label.trim_end().trim_end_matches('-');
            if label != "CERTIFICATE" {
                let label: String = label.chars().take(32).collect();
                return Err(TrustError::Malformed(
                    format!("a PEM block of kind {label:?} where CERTIFICATE is expected").into(),
                ));
            }
        }
    }
    let certificates = blocks(text)?;
    if certificates.is_empty() {
        return Err(TrustError::Malformed("no PEM certificate".into()));
    }
    Ok(certificates)
}

fn blocks(text: &str) -> Result<Vec<Vec<u8>>, TrustError> {
    <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes())
        .map(|block| match block {
            Ok((SectionKind::Certificate, der)) => Ok(der),
            // The decoder's own words quote the input, however long it is.
            _ => Err(TrustError::Malformed("PEM that cannot be decoded".into())),
        })
        .collect()
}

/// RFC 3986 section 2.1. A plus sign is itself: it is part of base64, and
/// Envoy's encoding is not that of forms.
fn percent_decoded(text: &[u8]) -> Result<Vec<u8>, TrustError> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(&byte) = rest.next() {
        if byte != b'%' {
            plain.push(byte);
            continue;
        }
        let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
        match (digit(rest.next()), digit(rest.next())) {
            (Some(high), Some(low)) => {
                plain.push(u8::try_from(high << 4 | low).unwrap_or_default());
            }
            _ => return Err(TrustError::Malformed("a bad percent escape in PEM".into())),
        }
    }
    Ok(plain)
}
