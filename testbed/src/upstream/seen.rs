//! What an upstream saw of its peers.

use std::fmt;
use std::net::SocketAddr;

use crate::pki::{hex, sha256, subject_common_name};
use crate::tls::TlsVersion;

/// All that happened so far.
#[derive(Clone, Default)]
pub struct Seen {
    /// Every TCP connection accepted, in order.
    pub connections: Vec<SeenConnection>,
    /// Every HTTP request read to its end, in order.
    pub requests: Vec<SeenRequest>,
    /// How many requests; also where they are not kept (see `counting_only`).
    pub request_count: u64,
}

/// One TCP connection.
#[derive(Clone, Debug)]
pub struct SeenConnection {
    /// The peer's address.
    pub peer: SocketAddr,
    /// Bytes read off the socket.
    pub raw: Vec<u8>,
    /// Bytes of the application: decrypted, or `raw` again without TLS.
    pub application: Vec<u8>,
    /// How many application bytes; also where they are not kept.
    pub application_count: u64,
    /// The TLS handshake, once it is complete.
    pub handshake: Option<Handshake>,
    /// Why the handshake failed, where it did.
    pub handshake_error: Option<String>,
    /// Whether the connection is over.
    pub closed: bool,
}

/// A completed TLS handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handshake {
    /// The version agreed upon.
    pub version: Option<TlsVersion>,
    /// The server name that the client asked for.
    pub sni: Option<String>,
    /// The protocol agreed upon by ALPN.
    pub alpn: Option<String>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// What the client presented.
    pub client_certificate: Option<ClientCertificate>,
}

/// A client's certificate, accepted whatever it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The leaf.
    pub der: Vec<u8>,
    /// `commonName` of its subject.
    pub common_name: Option<String>,
    /// SHA-256 of the leaf, in lower-case hex.
    pub sha256_hex: String,
}

impl ClientCertificate {
    pub(super) fn new(der: &[u8]) -> Self {
        Self {
            der: der.to_vec(),
            common_name: subject_common_name(der),
            sha256_hex: hex(&sha256(der)),
        }
    }
}

/// One HTTP request.
#[derive(Clone, Debug)]
pub struct SeenRequest {
    /// The connection it came on: an index into [`Seen::connections`].
    pub connection: usize,
    /// Its method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// `Host` or `:authority`.
    pub authority: String,
    /// Its headers, in order; names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl SeenRequest {
    /// The first header of that name, as text.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }
}

impl Seen {
    /// Bytes off the sockets of all connections, one after the other.
    pub fn raw(&self) -> Vec<u8> {
        self.connections
            .iter()
            .flat_map(|c| c.raw.clone())
            .collect()
    }

    /// Application bytes of all connections, one after the other.
    pub fn application(&self) -> Vec<u8> {
        self.connections
            .iter()
            .flat_map(|c| c.application.clone())
            .collect()
    }

    /// Completed TLS handshakes.
    pub fn handshakes(&self) -> Vec<&Handshake> {
        self.connections
            .iter()
            .filter_map(|c| c.handshake.as_ref())
            .collect()
    }

    /// Client certificates, one for each connection that presented one.
    pub fn client_certificates(&self) -> Vec<&ClientCertificate> {
        self.connections
            .iter()
            .filter_map(|c| c.handshake.as_ref()?.client_certificate.as_ref())
            .collect()
    }

    /// Connections that are not over.
    pub fn open_connections(&self) -> usize {
        self.connections.iter().filter(|c| !c.closed).count()
    }
}

/// Counts and short texts: what a failed test needs to see, without the bytes.
impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |bytes: fn(&SeenConnection) -> usize| -> Vec<usize> {
            self.connections.iter().map(bytes).collect()
        };
        let errors: Vec<_> = self
            .connections
            .iter()
            .filter_map(|c| c.handshake_error.as_deref())
            .collect();
        f.debug_struct("Seen")
            .field("connections", &self.connections.len())
            .field("open", &self.open_connections())
            .field("raw_bytes", &count(|c| c.raw.len()))
            .field("application_bytes", &count(|c| c.application.len()))
            .field("handshakes", &self.handshakes().len())
            .field("handshake_errors", &errors)
            .field("requests", &self.request_count)
            .finish()
    }
}
