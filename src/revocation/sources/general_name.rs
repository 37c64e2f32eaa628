//! `GeneralName` (RFC 5280 section 4.2.1.6), as far as distribution points need.

use super::{MAX_NAME, MAX_NAMES};
use crate::trust::der::{self, NotDer, Reader, tag};

const URI: u8 = tag::context(6);
const DIRECTORY_NAME: u8 = tag::context_constructed(4);
const SET: u8 = 0x31;

/// A name of a distribution point: compared octet by octet, which is stricter
/// than RFC 5280 section 7.4 by the case of a URL's host, and errs towards "this
/// list does not speak of that certificate".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneralName {
    tag: u8,
    content: Vec<u8>,
}

impl GeneralName {
    pub(crate) fn new(tag: u8, content: &[u8]) -> Result<Self, NotDer> {
        if content.len() > MAX_NAME {
            return Err(NotDer);
        }
        Ok(Self {
            tag,
            content: content.to_vec(),
        })
    }

    /// A DER `Name`.
    pub(crate) fn directory(name: &[u8]) -> Result<Self, NotDer> {
        Self::new(DIRECTORY_NAME, name)
    }

    /// The URI, if it is one of printable ASCII (IA5String, RFC 3986).
    pub fn uri(&self) -> Option<&str> {
        if self.tag != URI || !self.content.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        std::str::from_utf8(&self.content).ok()
    }
}

/// The content of a `GeneralNames`.
fn general_names(content: &[u8]) -> Result<Vec<GeneralName>, NotDer> {
    let mut reader = Reader::new(content);
    let mut names = Vec::new();
    while !reader.is_empty() {
        if names.len() == MAX_NAMES {
            return Err(NotDer);
        }
        let (tag, content) = reader.any()?;
        names.push(GeneralName::new(tag, content)?);
    }
    // SEQUENCE SIZE (1..MAX)
    if names.is_empty() {
        return Err(NotDer);
    }
    Ok(names)
}

/// A `DistributionPointName`. What is relative to the issuer is made whole, so
/// that both forms compare.
pub(crate) fn distribution_point_name(
    choice: &[u8],
    issuer: &[u8],
) -> Result<Vec<GeneralName>, NotDer> {
    let mut choice = Reader::new(choice);
    let (form, content) = choice.any()?;
    choice.end()?;
    const FULL_NAME: u8 = tag::context_constructed(0);
    const RELATIVE_TO_ISSUER: u8 = tag::context_constructed(1);
    match form {
        FULL_NAME => general_names(content),
        RELATIVE_TO_ISSUER => {
            let mut parts = der::single(issuer, tag::SEQUENCE)?.to_vec();
            parts.extend(der::wrap(SET, content));
            let whole = der::wrap(tag::SEQUENCE, &parts);
            Ok(vec![GeneralName::directory(&whole)?])
        }
        _ => Err(NotDer),
    }
}
