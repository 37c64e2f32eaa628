//! What a connection shows, as an operator writes it down.

use std::path::{Path, PathBuf};

use hopguard::decision::{Direction, TlsVersion, Transport, sha256_from_hex};
use hopguard::revocation::ocsp::MAX_RESPONSE;
use hopguard_engine::connection::{Answer, Connection, Facts, Presented, Request};
use serde::Deserialize;

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
    request: Option<RequestOf>,
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
struct RequestOf {
    authority: Option<String>,
    path: Option<String>,
    #[serde(default)]
    headers: Vec<String>,
}

/// What a file says.
#[derive(Debug)]
pub struct Given {
    pub facts: Facts,
    /// Seconds since the Unix epoch.
    pub time: Option<i64>,
}

impl Given {
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
        file.given(base)
            .map_err(|Failure(reason)| Failure(format!("{}: {reason}", path.display())))
    }
}

impl File {
    fn given(self, base: &Path) -> Result<Given, Failure> {
        let has_version = self.tls_version.is_some() && self.transport == Kind::Plaintext;
        let presented = self.peer(base)?;
        let staple = self.stapled_ocsp_response.as_deref();
        let staple = staple.map(|file| staple_of(&base.join(file))).transpose()?;
        let time = self.time.as_deref().map(moment::parse).transpose();
        let connection = Connection {
            direction: match self.direction {
                Side::Downstream => Direction::Downstream,
                Side::Upstream => Direction::Upstream,
            },
            transport: transport(self.transport, self.tls_version.as_deref())?,
            cluster: self.cluster,
            listener: self.listener,
            filter_chain: self.filter_chain,
            server_name: self.server_name,
            peer_address: self.peer_address,
            presented,
            client_certificate: self.client_certificate,
            request: self.request.map(|request| Request {
                authority: request.authority,
                path: request.path,
                headers: request.headers,
            }),
            staple,
            answer: self.revocation_answer,
        };
        let facts = connection.facts();
        let facts = facts.map_err(|impossible| Failure(impossible.to_string()))?;
        if has_version {
            return Err(Failure("tls_version: only TLS shows one".to_owned()));
        }
        Ok(Given {
            facts,
            time: time.map_err(|reason| Failure(format!("time: {reason}")))?,
        })
    }

    /// The peer's certificate, or its digest.
    fn peer(&self, base: &Path) -> Result<Presented, Failure> {
        match (&self.peer_certificate, &self.peer_certificate_sha256) {
            (None, None) => Ok(Presented::nothing()),
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
                Ok(Presented::digest(sha256))
            }
            (Some(file), None) => Peer::presented(&base.join(file)),
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
