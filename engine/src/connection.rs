//! What a connection shows, as somebody writes it down, and whether one can show all of it.

use std::fmt;

use hopguard::decision::{
    CertificateSource, ConnectionFacts, Direction, Evidence, RequestFacts, Transport, host_of,
    is_peers_own, path_of,
};
use hopguard::revocation::ocsp::MAX_RESPONSE;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::text::pem;

/// The most bytes of all names, addresses, the path and the headers' names together.
///
/// 256 KiB: a request's headers are 60 KiB at most by Envoy's default, and a server name 64 KiB
/// by the form of the handshake (RFC 6066, section 3).
pub const MAX_TEXT: usize = 256 * 1024;

/// A connection, and the request on it.
#[derive(Debug)]
pub struct Connection {
    /// Which side of the proxy it is on.
    pub direction: Direction,
    /// TLS or not, and its version.
    pub transport: Transport,
    /// Upstream: the cluster's name.
    pub cluster: Option<String>,
    /// Downstream: the address that the client reached, `ip:port`.
    pub listener: Option<String>,
    /// Downstream: the filter chain's name.
    pub filter_chain: Option<String>,
    /// The server name of the handshake.
    pub server_name: Option<String>,
    /// The peer's address, `ip:port` or a pipe's path.
    pub peer_address: Option<String>,
    /// The peer's certificate, or its digest.
    pub presented: Presented,
    /// Upstream: whether the proxy has a client certificate for the connection.
    pub client_certificate: Option<bool>,
    /// The request, where there is one.
    pub request: Option<Request>,
    /// The OCSP response that the peer stapled, DER.
    pub staple: Option<Vec<u8>>,
    /// What those said who are to be asked whether a certificate is revoked.
    pub answer: Option<Answer>,
}

/// An HTTP request.
#[derive(Debug, Default)]
pub struct Request {
    /// `:authority`.
    pub authority: Option<String>,
    /// `:path`.
    pub path: Option<String>,
    /// The names of its headers.
    pub headers: Vec<String>,
}

/// What those say who are to be asked whether a certificate is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is not.
    Good,
    /// It is.
    Revoked,
    /// The responder does not know it.
    Unknown,
    /// Nobody answered.
    Unreachable,
    /// What came does not hold.
    Invalid,
    /// What came is of the past.
    Stale,
}

/// What is seen of the peer's certificate.
#[derive(Debug, Default)]
pub struct Presented {
    /// SHA-256 of the certificate that the connection has; `None` where the peer presented none.
    sha256: Option<[u8; 32]>,
    shown: Shown,
}

impl Presented {
    /// No certificate.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Nothing but the digest of its DER.
    pub const fn digest(sha256: [u8; 32]) -> Self {
        Self {
            sha256: Some(sha256),
            shown: Shown(None),
        }
    }

    /// The certificate itself, DER, which the core may refuse to read.
    pub fn certificate(der: &[u8]) -> Self {
        Self::of_digest(Sha256::digest(der).into(), der)
    }

    /// A certificate from elsewhere than the connection, whose own has this digest.
    pub fn of_digest(sha256: [u8; 32], der: &[u8]) -> Self {
        Self {
            sha256: Some(sha256),
            shown: Shown(Some(pem("CERTIFICATE", der).into_bytes())),
        }
    }
}

/// The certificate that the proxy shows: PEM, or nothing but its digest.
#[derive(Debug, Default)]
pub struct Shown(Option<Vec<u8>>);

impl CertificateSource for Shown {
    fn certificate(&mut self, _forwarded: bool) -> Option<Vec<u8>> {
        self.0.clone()
    }
}

/// What the plugin would see.
#[derive(Debug)]
pub struct Facts {
    /// Which side of the proxy.
    pub direction: Direction,
    /// What selects the rule.
    pub connection: ConnectionFacts,
    /// The request, as far as a rule may look at it.
    pub request: RequestFacts,
    /// What is judged.
    pub evidence: Evidence,
    /// The peer's certificate.
    pub certificate: Shown,
    /// An OCSP response.
    pub staple: Option<Vec<u8>>,
    /// What those said who were asked.
    pub answer: Option<Answer>,
}

/// No connection shows this, or nobody could judge it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impossible {
    /// The name of what is wrong, as in a file of facts.
    pub field: &'static str,
    /// One sentence.
    pub message: String,
}

impl Impossible {
    fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self {
            field,
            message: message.into(),
        }
    }
}

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl std::error::Error for Impossible {}

impl Connection {
    /// The facts, in the form in which the core compares them.
    ///
    /// # Errors
    /// No connection can show all of this at once, or it is too large.
    pub fn facts(self) -> Result<Facts, Impossible> {
        self.check()?;
        let request = self.request.unwrap_or_default();
        let lower = |text: String| text.to_ascii_lowercase();
        Ok(Facts {
            direction: self.direction,
            evidence: Evidence {
                transport: self.transport,
                peer_sha256: self.presented.sha256,
                local_certificate: self.client_certificate.unwrap_or(false),
            },
            connection: ConnectionFacts {
                cluster: self.cluster,
                listener: self.listener,
                filter_chain: self.filter_chain,
                server_name: self.server_name.map(lower),
                peer_address: self.peer_address,
            },
            request: RequestFacts {
                host: request.authority.as_deref().map(host_of),
                path: request.path.as_deref().map(|path| path_of(path).to_owned()),
                headers: request.headers.into_iter().map(lower).collect(),
            },
            certificate: self.presented.shown,
            staple: self.staple,
            answer: self.answer,
        })
    }

    fn check(&self) -> Result<(), Impossible> {
        let only = |is_given: bool, field, whose: &str| match is_given {
            true => Err(Impossible::new(field, format!("only {whose} shows one"))),
            false => Ok(()),
        };
        let is_upstream = self.direction == Direction::Upstream;
        let to_a_server = "a connection to a server (direction: upstream)";
        let of_a_client = "a connection of a client (direction: downstream)";
        let of_tls = "TLS that begins or ends at the proxy (transport: tls)";
        let is_tls = matches!(self.transport, Transport::Tls(_) | Transport::TlsUnknown);
        let is_plaintext = self.transport == Transport::Plaintext;
        let (listener, chain) = (self.listener.is_some(), self.filter_chain.is_some());
        let has_certificate = self.client_certificate.is_some();
        let is_named = self.server_name.is_some();
        only(
            self.cluster.is_some() && !is_upstream,
            "cluster",
            to_a_server,
        )?;
        only(
            has_certificate && !is_upstream,
            "client_certificate",
            to_a_server,
        )?;
        only(listener && is_upstream, "listener", of_a_client)?;
        only(chain && is_upstream, "filter_chain", of_a_client)?;
        only(
            self.presented.sha256.is_some() && !is_tls,
            "peer_certificate",
            of_tls,
        )?;
        only(
            is_named && is_upstream && is_plaintext,
            "server_name",
            "TLS",
        )?;
        let address = self.peer_address.as_deref();
        if !is_upstream && !address.is_none_or(is_peers_own) {
            return Err(Impossible::new(
                "peer_address",
                "port 0 is of an address that Envoy took from x-forwarded-for; where a rule matches addresses, the plugin denies with address_from_header",
            ));
        }
        self.check_size()
    }

    fn check_size(&self) -> Result<(), Impossible> {
        let staple = self.staple.as_ref().map_or(0, Vec::len);
        if staple > MAX_RESPONSE {
            let message = format!("it has more than {MAX_RESPONSE} bytes");
            return Err(Impossible::new("stapled_ocsp_response", message));
        }
        let request = self.request.as_ref();
        let texts = [
            &self.cluster,
            &self.listener,
            &self.filter_chain,
            &self.server_name,
            &self.peer_address,
        ];
        let of_request = request.map(|request| [&request.authority, &request.path]);
        let headers = request.map(|request| request.headers.iter());
        let texts = texts.into_iter().chain(of_request.into_iter().flatten());
        let lengths = texts.map(|text| text.as_ref().map_or(0, String::len));
        // A name costs memory of its own, however short it is.
        let headers = headers.into_iter().flatten().map(|name| name.len() + 32);
        if lengths.chain(headers).sum::<usize>() > MAX_TEXT {
            let message = format!("all texts together have more than {MAX_TEXT} bytes");
            return Err(Impossible::new("request", message));
        }
        Ok(())
    }
}
