//! The hellos of a TLS connection that Envoy passes on unopened: what shows of it
//! in the clear (RFC 8446, section 4.1).
//!
//! Of our own, since the crates that parse them bring more than twenty others
//! along, or do not tell the versions that a client offers.

use super::facts::host_of;
use super::tls::TlsVersion;
use super::tls_record::{FirstMessage, Reader, first_message};

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const SERVER_NAME: u16 = 0;
const SUPPORTED_VERSIONS: u16 = 43;
/// Extensions that are looked at; a real hello has about twenty.
const MAX_EXTENSIONS: usize = 256;

/// What the first bytes of a side are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening<H> {
    /// A hello as far as it goes; more bytes are needed.
    Incomplete,
    /// A whole, well-formed hello.
    Hello(H),
    /// So many alerts alone, of a server: no hello yet, and perhaps never one.
    Alerts(usize),
    /// Something else, and why it is no hello.
    Other(&'static str),
}

/// What a client says in the clear. None of it is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// The server name (RFC 6066), lower case, where there is one.
    pub server_name: Option<String>,
    /// The newest version that it offers; `None`: older than TLS 1.0.
    pub newest: Option<TlsVersion>,
}

/// What a server answers in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerHello {
    /// The version that it chose; `None`: older than TLS 1.0, or not known.
    pub version: Option<TlsVersion>,
}

/// Reads the first bytes of a client.
pub fn read_client_hello(bytes: &[u8]) -> Opening<ClientHello> {
    read(first_message(bytes, CLIENT_HELLO, false), client_hello)
}

/// Reads the first bytes of a server, which may send alerts before or instead.
pub fn read_server_hello(bytes: &[u8]) -> Opening<ServerHello> {
    read(first_message(bytes, SERVER_HELLO, true), server_hello)
}

fn read<H>(message: FirstMessage, parse: fn(&mut Reader<'_>) -> Option<H>) -> Opening<H> {
    match message {
        FirstMessage::Incomplete => Opening::Incomplete,
        FirstMessage::Alerts(count) => Opening::Alerts(count),
        FirstMessage::Other(reason) => Opening::Other(reason),
        FirstMessage::Body(body) => parse(&mut Reader(&body))
            .map_or(Opening::Other("its hello is malformed"), Opening::Hello),
    }
}

fn client_hello(body: &mut Reader<'_>) -> Option<ClientHello> {
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
    let mut hello = ClientHello {
        server_name: None,
        newest: version(legacy_version.min(0x0303)),
    };
    for (kind, content) in extensions(body)? {
        match kind {
            SERVER_NAME => hello.server_name = Some(host_name(content)?),
            SUPPORTED_VERSIONS => hello.newest = newest_of(content)?,
            _ => {}
        }
    }
    Some(hello)
}

fn server_hello(body: &mut Reader<'_>) -> Option<ServerHello> {
    let legacy_version = body.u16()?;
    body.take(32)?;
    let session = body.prefixed_by_u8()?;
    body.take(3)?;
    if session.len() > 32 {
        return None;
    }
    let mut chosen = legacy_version;
    for (kind, content) in extensions(body)? {
        if kind == SUPPORTED_VERSIONS {
            chosen = u16::from_be_bytes(<[u8; 2]>::try_from(content).ok()?);
        }
    }
    Some(ServerHello {
        version: version(chosen),
    })
}

/// The extensions, up to the end of the message; `None` where they are
/// malformed, or two are of one type (RFC 8446, section 4.2).
fn extensions<'a>(body: &mut Reader<'a>) -> Option<Vec<(u16, &'a [u8])>> {
    let mut found: Vec<(u16, &[u8])> = Vec::new();
    if body.0.is_empty() {
        return Some(found);
    }
    let mut list = Reader(body.prefixed_by_u16()?);
    if !body.0.is_empty() {
        return None;
    }
    while !list.0.is_empty() {
        let kind = list.u16()?;
        let content = list.prefixed_by_u16()?;
        if found.len() == MAX_EXTENSIONS || found.iter().any(|(other, _)| *other == kind) {
            return None;
        }
        found.push((kind, content));
    }
    Some(found)
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

/// The newest of a client's list. GREASE (RFC 8701) and drafts are no version
/// that a server will choose.
fn newest_of(content: &[u8]) -> Option<Option<TlsVersion>> {
    let mut content = Reader(content);
    let list = content.prefixed_by_u8()?;
    if !content.0.is_empty() || list.is_empty() || !list.len().is_multiple_of(2) {
        return None;
    }
    list.chunks_exact(2)
        .filter_map(|pair| <[u8; 2]>::try_from(pair).ok())
        .map(u16::from_be_bytes)
        .filter(|v| *v <= 0x0304)
        .map(version)
        .max()
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

#[cfg(test)]
#[path = "tests/hello.rs"]
mod tests;
