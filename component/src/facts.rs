//! From what a host says of a connection to the engine's facts.

use hopguard::decision::{Direction, TlsVersion, Transport};
use hopguard_engine::certificate::first;
use hopguard_engine::connection::{Answer, Connection, Facts, Impossible, Presented, Request};

use crate::bindings::exports::hopguard::decision::types;

/// The facts, if a connection can show them.
pub fn facts(given: types::Connection) -> Result<Facts, types::ImpossibleFacts> {
    let presented = presented(given.peer_certificate, given.peer_certificate_sha256);
    presented
        .and_then(|presented| {
            let direction = direction(given.direction);
            let is_upstream = direction == Direction::Upstream;
            let connection = Connection {
                direction,
                transport: transport(given.transport),
                cluster: given.cluster,
                listener: given.listener,
                filter_chain: given.filter_chain,
                server_name: given.server_name,
                peer_address: given.peer_address,
                presented,
                // Where it makes no sense, saying that there is none is no mistake.
                client_certificate: (is_upstream || given.client_certificate)
                    .then_some(given.client_certificate),
                request: given.request.map(|request| Request {
                    authority: request.authority,
                    path: request.path,
                    headers: request.headers,
                }),
                staple: given.stapled_ocsp_response,
                answer: given.revocation_answer.map(answer),
            };
            connection.facts()
        })
        .map_err(|Impossible { field, message }| types::ImpossibleFacts {
            // As the record in wit/ has it.
            field: field.replace('_', "-"),
            message,
        })
}

/// What is seen of the peer's certificate.
fn presented(
    certificate: Option<Vec<u8>>,
    sha256: Option<Vec<u8>>,
) -> Result<Presented, Impossible> {
    let impossible = |field, message| Impossible { field, message };
    let sha256 = sha256
        .map(<[u8; 32]>::try_from)
        .transpose()
        .map_err(|sha256| {
            let message = format!("it has {} bytes, and a SHA-256 has 32", sha256.len());
            impossible("peer_certificate_sha256", message)
        })?;
    let certificate = certificate.map(first).transpose();
    let certificate = certificate.map_err(|reason| impossible("peer_certificate", reason))?;
    Ok(match (certificate, sha256) {
        (None, None) => Presented::nothing(),
        (None, Some(sha256)) => Presented::digest(sha256),
        (Some((der, _)), None) => Presented::certificate(&der),
        (Some((der, _)), Some(sha256)) => Presented::of_digest(sha256, &der),
    })
}

/// The side of the host.
pub const fn direction(direction: types::Direction) -> Direction {
    match direction {
        types::Direction::Downstream => Direction::Downstream,
        types::Direction::Upstream => Direction::Upstream,
    }
}

fn transport(transport: types::Transport) -> Transport {
    match transport {
        types::Transport::Plaintext => Transport::Plaintext,
        types::Transport::Tls(version) => {
            version.map_or(Transport::TlsUnknown, |v| Transport::Tls(tls_version(v)))
        }
        types::Transport::Passthrough(version) => Transport::Passthrough(version.map(tls_version)),
    }
}

const fn tls_version(version: types::TlsVersion) -> TlsVersion {
    match version {
        types::TlsVersion::Tls10 => TlsVersion::Tls10,
        types::TlsVersion::Tls11 => TlsVersion::Tls11,
        types::TlsVersion::Tls12 => TlsVersion::Tls12,
        types::TlsVersion::Tls13 => TlsVersion::Tls13,
    }
}

const fn answer(answer: types::RevocationAnswer) -> Answer {
    match answer {
        types::RevocationAnswer::Good => Answer::Good,
        types::RevocationAnswer::Revoked => Answer::Revoked,
        types::RevocationAnswer::Unknown => Answer::Unknown,
        types::RevocationAnswer::Unreachable => Answer::Unreachable,
        types::RevocationAnswer::Invalid => Answer::Invalid,
        types::RevocationAnswer::Stale => Answer::Stale,
    }
}
