//! The first message of TLS, as a connection shows it that Envoy passes on
//! unopened: the ClientHello (RFC 8446, section 4.1.2), in one or more records.
//!
//! Of our own, since the crates that parse it bring more than twenty others
//! along, or do not tell the versions that it offers.

use super::facts::host_of;
use super::tls::TlsVersion;

/// The longest opening that is read, in bytes, record headers included: a
/// message of 16 KiB, the most that BoringSSL takes of a ClientHello
/// (`kMaxMessageLen`), in records of 64 bytes or more.
pub const MAX_OPENING: usize = 16 * 1024 + 16 * 1024 / 64 * RECORD_HEADER;
const MAX_MESSAGE: usize = 16 * 1024;
const RECORD_HEADER: usize = 5;
const MAX_RECORD: usize = 1 << 14;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0;
const SUPPORTED_VERSIONS: u16 = 43;
/// Extensions that are looked at; a real ClientHello has about twenty.
const MAX_EXTENSIONS: usize = 256;

/// What the first bytes of a connection are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A ClientHello as far as it goes; more bytes are needed.
    Incomplete,
    /// A whole, well-formed ClientHello.
    ClientHello(ClientHello),
    /// Something else, and why it is no ClientHello.
    Other(&'static str),
}

/// What a client says in the clear. None of it is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// The server name (RFC 6066), lower case, where there is one.
    pub server_name: Option<String>,
    /// The versions.
    pub versions: OfferedVersions,
}

/// The protocol versions that a client offers. `None` stands for a version that
/// is older than TLS 1.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OfferedVersions {
    /// The oldest that it names. A client of TLS 1.2 or before names only its
    /// newest: then it is that one.
    pub oldest: Option<TlsVersion>,
    /// The newest.
    pub newest: Option<TlsVersion>,
}

/// Reads the first bytes of a connection. Plaintext is told by the first byte
/// that cannot be TLS, without waiting for more.
pub fn read_opening(bytes: &[u8]) -> Opening {
    let mut message = Vec::new();
    let mut rest = bytes;
    loop {
        match take_record(rest) {
            Record::Partial(payload) => {
                message.extend_from_slice(payload);
                return match whole_message(&message) {
                    Err(reason) => Opening::Other(reason),
                    Ok(Some(body)) => parse(body),
                    Ok(None) if bytes.len() >= MAX_OPENING => {
                        Opening::Other("its records are too many")
                    }
                    Ok(None) => Opening::Incomplete,
                };
            }
            Record::Whole(payload, after) => {
                message.extend_from_slice(payload);
                match whole_message(&message) {
                    Err(reason) => return Opening::Other(reason),
                    Ok(Some(body)) => return parse(body),
                    Ok(None) => rest = after,
                }
            }
            Record::Other(reason) => return Opening::Other(reason),
        }
    }
}

enum Record<'a> {
    /// As much of the payload as there is.
    Partial(&'a [u8]),
    Whole(&'a [u8], &'a [u8]),
    Other(&'static str),
}

fn take_record(bytes: &[u8]) -> Record<'_> {
    if bytes.first().is_some_and(|kind| *kind != HANDSHAKE) {
        return Record::Other("it begins with no TLS handshake record");
    }
    if bytes.get(1).is_some_and(|major| *major != 3) {
        return Record::Other("its record is of no version of TLS");
    }
    let (Some(high), Some(low)) = (bytes.get(3), bytes.get(4)) else {
        return Record::Partial(&[]);
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if length == 0 || length > MAX_RECORD {
        return Record::Other("its record is empty or too long");
    }
    let payload = bytes.get(RECORD_HEADER..).unwrap_or_default();
    match payload.split_at_checked(length) {
        Some((payload, after)) => Record::Whole(payload, after),
        None => Record::Partial(payload),
    }
}

/// The body of the message, once it is whole.
fn whole_message(message: &[u8]) -> Result<Option<&[u8]>, &'static str> {
    if message.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
        return Err("its first message is no ClientHello");
    }
    let Some([_, a, b, c]) = message.first_chunk() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes([0, *a, *b, *c]);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > MAX_MESSAGE {
        return Err("its ClientHello is too long");
    }
    Ok(message.get(4..4 + length))
}

fn parse(body: &[u8]) -> Opening {
    parse_hello(&mut Reader(body)).map_or(
        Opening::Other("its ClientHello is malformed"),
        Opening::ClientHello,
    )
}

fn parse_hello(body: &mut Reader<'_>) -> Option<ClientHello> {
    let legacy_version = body.u16()?;
    body.take(32)?;
    let session = body.prefixed_by_u8()?;
    let ciphers = body.prefixed_by_u16()?;
    let compressions = body.prefixed_by_u8()?;
    if session.len() > 32
        || ciphers.is_empty()
        || !ciphers.len().is_multiple_of(2)
        || !compressions.contains(&0)
    {
        return None;
    }
    let legacy = version(legacy_version.min(0x0303));
    let mut hello = ClientHello {
        server_name: None,
        versions: OfferedVersions {
            oldest: legacy,
            newest: legacy,
        },
    };
    if body.0.is_empty() {
        return Some(hello);
    }
    let mut extensions = Reader(body.prefixed_by_u16()?);
    if !body.0.is_empty() {
        return None;
    }
    let mut seen = Vec::new();
    while !extensions.0.is_empty() {
        let kind = extensions.u16()?;
        let content = extensions.prefixed_by_u16()?;
        // RFC 8446, section 4.2: no two of one type.
        if seen.contains(&kind) || seen.len() == MAX_EXTENSIONS {
            return None;
        }
        seen.push(kind);
        match kind {
            SERVER_NAME => hello.server_name = Some(host_name(content)?),
            SUPPORTED_VERSIONS => hello.versions = supported_versions(content)?,
            _ => {}
        }
    }
    Some(hello)
}

/// RFC 6066, section 3: a list with room for other types, of which none was ever
/// defined; one name of type `host_name` is what there is.
fn host_name(content: &[u8]) -> Option<String> {
    let mut content = Reader(content);
    let mut list = Reader(content.prefixed_by_u16()?);
    let kind = list.take(1)?;
    let name = list.prefixed_by_u16()?;
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
    let well_formed = content.0.is_empty()
        && list.0.is_empty()
        && kind == [0]
        && (1..=255).contains(&name.len())
        && name.iter().all(plain);
    well_formed.then(|| host_of(&String::from_utf8_lossy(name)))
}

fn supported_versions(content: &[u8]) -> Option<OfferedVersions> {
    let mut content = Reader(content);
    let list = content.prefixed_by_u8()?;
    if !content.0.is_empty() || list.is_empty() || !list.len().is_multiple_of(2) {
        return None;
    }
    let named = list
        .chunks_exact(2)
        .filter_map(|pair| <[u8; 2]>::try_from(pair).ok())
        .map(u16::from_be_bytes)
        // GREASE (RFC 8701) and drafts are no version that a server will choose.
        .filter(|v| *v <= 0x0304)
        .map(version);
    Some(OfferedVersions {
        oldest: named.clone().min()?,
        newest: named.max()?,
    })
}

const fn version(wire: u16) -> Option<TlsVersion> {
    match wire {
        0x0301 => Some(TlsVersion::Tls10),
        0x0302 => Some(TlsVersion::Tls11),
        0x0303 => Some(TlsVersion::Tls12),
        0x0304 => Some(TlsVersion::Tls13),
        _ => None,
    }
}

/// Reads from the front; `None` where too little is left.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        let bytes = self.take(2)?;
        <[u8; 2]>::try_from(bytes).ok().map(u16::from_be_bytes)
    }

    fn prefixed_by_u8(&mut self) -> Option<&'a [u8]> {
        let length = *self.take(1)?.first()?;
        self.take(usize::from(length))
    }

    fn prefixed_by_u16(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }
}

#[cfg(test)]
#[path = "tests/client_hello.rs"]
mod tests;
