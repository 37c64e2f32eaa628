//! As much DER as it takes to exchange the key and the signature of a certificate.

use crate::error::{Error, Result};

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(crate) const SEQUENCE: u8 = 0x30;
/// The `version` of a TBSCertificate, RFC 5280 section 4.1.
const VERSION: u8 = 0xa0;

/// One element: its tag, its content and all its bytes.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(super) tag: u8,
    pub(crate) content: &'a [u8],
    pub(super) whole: &'a [u8],
}

/// Splits the elements of a sequence's content.
pub(crate) fn elements(mut input: &[u8]) -> Result<Vec<Element<'_>>> {
    let mut found = Vec::new();
    while !input.is_empty() {
        let (element, rest) = element(input)
            .ok_or_else(|| Error::Certificate("not a sequence of DER elements".into()))?;
        found.push(element);
        input = rest;
    }
    Ok(found)
}

fn element(input: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = input.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let length = if first < 0x80 {
        usize::from(first)
    } else {
        let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
        rest = after;
        digits.iter().try_fold(0_usize, |sum, &digit| {
            sum.checked_mul(256)?.checked_add(usize::from(digit))
        })?
    };
    let (content, rest) = rest.split_at_checked(length)?;
    let whole = &input[..input.len() - rest.len()];
    Some((
        Element {
            tag,
            content,
            whole,
        },
        rest,
    ))
}

/// Encodes an element with the concatenation of `parts` as its content.
pub(crate) fn encode(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let digits = length.to_be_bytes();
        let skip = digits.iter().take_while(|&&digit| digit == 0).count();
        out.push(0x80 | (digits.len() - skip) as u8);
        out.extend_from_slice(&digits[skip..]);
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// The fields of a TBSCertificate (RFC 5280 section 4.1), `version` split off.
pub(super) struct Tbs<'a> {
    version: &'a [u8],
    fields: Vec<Element<'a>>,
}

const SERIAL: usize = 0;
const ALGORITHM: usize = 1;
const SUBJECT: usize = 4;
const SPKI: usize = 5;

impl<'a> Tbs<'a> {
    /// Takes a certificate apart.
    pub(super) fn of_certificate(certificate: &'a [u8]) -> Result<Self> {
        let outer = elements(certificate)?;
        let parts = elements(only(&outer)?.content)?;
        let tbs = parts
            .first()
            .ok_or_else(|| Error::Certificate("empty certificate".into()))?;
        let mut fields = elements(tbs.content)?;
        let version = match fields.first() {
            Some(first) if first.tag == VERSION => fields.remove(0).whole,
            _ => &[],
        };
        if fields.len() <= SPKI {
            return Err(Error::Certificate("certificate with too few fields".into()));
        }
        Ok(Self { version, fields })
    }

    pub(super) fn serial(&self) -> &'a [u8] {
        self.fields[SERIAL].content
    }

    pub(super) fn subject(&self) -> &'a [u8] {
        self.fields[SUBJECT].whole
    }

    pub(super) fn spki(&self) -> &'a [u8] {
        self.fields[SPKI].whole
    }

    /// The content of the key's BIT STRING, without the count of its unused bits.
    pub(super) fn public_key(&self) -> Result<Vec<u8>> {
        let key = elements(self.fields[SPKI].content)?;
        let bits = key.last().and_then(|bits| bits.content.split_first());
        bits.map(|(_, key)| key.to_vec())
            .ok_or_else(|| Error::Certificate("a key without bits".into()))
    }

    /// The bytes to sign, with another signature algorithm and another key.
    pub(super) fn with(&self, algorithm: &[u8], spki: &[u8]) -> Vec<u8> {
        let mut parts: Vec<&[u8]> = vec![self.version];
        parts.extend(self.fields.iter().map(|field| field.whole));
        parts[1 + ALGORITHM] = algorithm;
        parts[1 + SPKI] = spki;
        encode(SEQUENCE, &parts)
    }
}

/// Puts a certificate together.
pub(super) fn certificate(tbs: &[u8], algorithm: &[u8], signature: &[u8]) -> Vec<u8> {
    let signature = encode(BIT_STRING, &[&[0], signature]);
    encode(SEQUENCE, &[tbs, algorithm, &signature])
}

/// The first common name (OID 2.5.4.3) of a distinguished name.
pub(super) fn common_name(name: &[u8]) -> Option<String> {
    const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
    let outer = elements(name).ok()?;
    for set in elements(only(&outer).ok()?.content).ok()? {
        for attribute in elements(set.content).ok()? {
            if let [oid, value] = elements(attribute.content).ok()?[..]
                && oid.content == COMMON_NAME
            {
                return Some(String::from_utf8_lossy(value.content).into_owned());
            }
        }
    }
    None
}

fn only<'e, 'a>(elements: &'e [Element<'a>]) -> Result<&'e Element<'a>> {
    match elements {
        [one] => Ok(one),
        _ => Err(Error::Certificate("expected one DER element".into())),
    }
}
