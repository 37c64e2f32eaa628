//! What a peer stapled, as the host or another filter shows it.

use data_encoding::BASE64;

use crate::host::Host;
use crate::revocation::ocsp::MAX_RESPONSE;

/// A staple that is read when it is first asked for.
#[derive(Debug)]
pub enum Stapled {
    /// Not asked for yet.
    NotRead,
    /// Asked for; `None` where there is none.
    Read(Option<Vec<u8>>),
}

impl Stapled {
    /// The staple in the property of this path.
    pub fn get(&mut self, host: &impl Host, path: &[u8]) -> Option<&[u8]> {
        if let Self::NotRead = self {
            *self = Self::Read(read(host, path));
        }
        match self {
            Self::Read(staple) => staple.as_deref(),
            Self::NotRead => None,
        }
    }
}

/// An OCSP response in DER or base64. What is neither stays as it is, to be refused
/// as what it is; an empty value is none.
pub fn read(host: &impl Host, path: &[u8]) -> Option<Vec<u8>> {
    /// `SEQUENCE`; in base64 a response begins with `M`.
    const DER: u8 = 0x30;
    let value = host.property_at(path).filter(|value| !value.is_empty())?;
    if value.first() == Some(&DER) || value.len() > MAX_RESPONSE * 2 {
        return Some(value);
    }
    let text: Vec<u8> = value
        .iter()
        .copied()
        .filter(|octet| !octet.is_ascii_whitespace())
        .collect();
    Some(BASE64.decode(&text).unwrap_or(value))
}
