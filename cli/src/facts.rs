//! What a connection shows, as an operator writes it down.

use std::path::{Path, PathBuf};

use hopguard::decision::{
    CertificateSource, ConnectionFacts, Direction, Evidence, RequestFacts, TlsVersion, Transport,
    host_of, is_peers_own, path_of, sha256_from_hex,
};
use hopguard::revocation::ocsp::MAX_RESPONSE;
use serde::{Deserialize, Serialize};

use crate::certificate::Peer;
use crate::moment;
use crate::policy::{read_bounded, read_text};
use crate::reply::Failure;

/// The largest file of facts that is read, in bytes: a request's headers are 60 KiB
/// at most by Envoy's default.
const MAX_FILE: u64 = 256 * 1024;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    direction: Side,
    transport: Kind,
    tls_version: Option<String>,
    cluster: Option<String>,
    listener: Option<String>,
    filter_chain: Option<String>,
    server_name: Option<String>,
    peer_address: Option<String>,
    peer_certificate: Option<PathBuf>,
    peer_certificate_sha256: Option<String>,
    client_certificate: Option<bool>,
    request: Option<Request>,
    stapled_ocsp_response: Option<PathBuf>,
    revocation_answer: Option<Answer>,
    time: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Side {
    Downstream,
    Upstream,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Plaintext,
    Tls,
    Passthrough,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    authority: Option<String>,
    path: Option<String>,
    #[serde(default)]
    headers: Vec<String>,
}

/// What those say who are to be asked whether a certificate is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Good,
    Revoked,
    Unknown,
    Unreachable,
    Invalid,
    Stale,
}

/// What the plugin would see.
#[derive(Debug)]
pub struct Facts {
    pub direction: Direction,
    pub connection: ConnectionFacts,
    pub request: RequestFacts,
    pub evidence: Evidence,
    pub certificate: Shown,
    /// An OCSP response.
    pub staple: Option<Vec<u8>>,
    pub answer: Option<Answer>,
    /// Seconds since the Unix epoch.
    pub time: Option<i64>,
}

/// The certificate that the proxy shows: PEM, or nothing but its digest.
#[derive(Debug)]
pub struct Shown(Option<Vec<u8>>);

impl CertificateSource for Shown {
    fn certificate(&mut self, _forwarded: bool) -> Option<Vec<u8>> {
        self.0.clone()
    }
}

impl Facts {
    /// Reads YAML or JSON; files in it are relative to it.
    ///
    /// # Errors
    /// A sentence: a file cannot be read, or no connection shows this.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = read_text(path, MAX_FILE)?;
        let options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
        let file: File = serde_saphyr::from_str_with_options(&text, options)
            .map_err(|error| Failure(format!("{}: {error}", path.display())))?;
        let base = path.parent().unwrap_or(Path::new(""));
        file.facts(base)
            .map_err(|Failure(reason)| Failure(format!("{}: {reason}", path.display())))
    }
}

impl File {
    fn facts(self, base: &Path) -> Result<Facts, Failure> {
        self.check()?;
        let (peer_sha256, certificate) = self.peer(base)?;
        let direction = match self.direction {
            Side::Downstream => Direction::Downstream,
            Side::Upstream => Direction::Upstream,
        };
        let staple = self.stapled_ocsp_response.as_deref();
        let staple = staple.map(|file| staple_of(&base.join(file))).transpose()?;
        let time = self.time.as_deref().map(moment::parse).transpose();
        let request = self.request.unwrap_or_default();
        let lower = |text: String| text.to_ascii_lowercase();
        Ok(Facts {
            direction,
            evidence: Evidence {
                transport: transport(self.transport, self.tls_version.as_deref())?,
                peer_sha256,
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
            certificate,
            staple,
            answer: self.revocation_answer,
            time: time.map_err(|reason| Failure(format!("time: {reason}")))?,
        })
    }

    /// That a connection can show all of this at once.
    fn check(&self) -> Result<(), Failure> {
        let only = |given: bool, field: &str, whose: &str| {
            let sentence = format!("{field}: only {whose} shows one");
            if given {
                Err(Failure(sentence))
            } else {
                Ok(())
            }
        };
        let is_upstream = matches!(self.direction, Side::Upstream);
        let of_a_server = "a connection to a server (direction: upstream)";
        only(
            self.cluster.is_some() && !is_upstream,
            "cluster",
            of_a_server,
        )?;
        only(
            self.client_certificate.is_some() && !is_upstream,
            "client_certificate",
            of_a_server,
        )?;
        let of_a_client = "a connection of a client (direction: downstream)";
        only(
            self.listener.is_some() && is_upstream,
            "listener",
            of_a_client,
        )?;
        only(
            self.filter_chain.is_some() && is_upstream,
            "filter_chain",
            of_a_client,
        )?;
        let has_peer = self.peer_certificate.is_some() || self.peer_certificate_sha256.is_some();
        let of_tls = "TLS that begins or ends at the proxy (transport: tls)";
        only(
            has_peer && self.transport != Kind::Tls,
            "peer_certificate",
            of_tls,
        )?;
        only(
            self.tls_version.is_some() && self.transport == Kind::Plaintext,
            "tls_version",
            "TLS",
        )?;
        only(
            self.server_name.is_some() && is_upstream && self.transport == Kind::Plaintext,
            "server_name",
            "TLS",
        )?;
        if !is_upstream
            && self
                .peer_address
                .as_deref()
                .is_some_and(|a| !is_peers_own(a))
        {
            return Err(Failure(
                "peer_address: port 0 is of an address that Envoy took from x-forwarded-for; where a rule matches addresses, the plugin denies with address_from_header".to_owned(),
            ));
        }
        Ok(())
    }

    /// The digest of the peer's certificate and, where it is shown, its PEM.
    fn peer(&self, base: &Path) -> Result<(Option<[u8; 32]>, Shown), Failure> {
        match (&self.peer_certificate, &self.peer_certificate_sha256) {
            (None, None) => Ok((None, Shown(None))),
            (Some(_), Some(_)) => Err(Failure(
                "peer_certificate_sha256: it is peer_certificate's; leave one out".to_owned(),
            )),
            (None, Some(hex)) => {
                let plain: String = hex.chars().filter(|c| *c != ':').collect();
                let sha256 = sha256_from_hex(plain.as_bytes()).ok_or_else(|| {
                    Failure(format!(
                        "peer_certificate_sha256: {hex:?} is no SHA-256 in hexadecimal"
                    ))
                })?;
                Ok((Some(sha256), Shown(None)))
            }
            (Some(file), None) => {
                let (sha256, pem) = Peer::presented(&base.join(file))?;
                Ok((Some(sha256), Shown(Some(pem))))
            }
        }
    }
}

fn transport(kind: Kind, version: Option<&str>) -> Result<Transport, Failure> {
    let version = version
        .map(|text| {
            TlsVersion::parse(text).ok_or_else(|| {
                let sentence = r#"use "1.0", "1.1", "1.2" or "1.3""#;
                Failure(format!("tls_version: {text:?} is no version; {sentence}"))
            })
        })
        .transpose()?;
    Ok(match kind {
        Kind::Plaintext => Transport::Plaintext,
        Kind::Tls => version.map_or(Transport::TlsUnknown, Transport::Tls),
        Kind::Passthrough => Transport::Passthrough(version),
    })
}

fn staple_of(file: &Path) -> Result<Vec<u8>, Failure> {
    let max = u64::try_from(MAX_RESPONSE).unwrap_or(u64::MAX);
    read_bounded(file, max).map_err(|reason| Failure(format!("{}: {reason}", file.display())))
}
