//! What a connection is asked for: the facts that choose its rule, and the
//! evidence that it is judged on.

use crate::decision::{
    Cause, CertificateSource, ConnectionFacts, Direction, Evidence, LooksAt, TlsVersion, Transport,
    is_peers_own, sha256_from_hex,
};
use crate::host::attributes::{self as at, Path};
use crate::host::{Host, forwarded};

/// Text of the host, for patterns and events: what is not UTF-8 matches no
/// pattern but a wildcard, and stays visible as such.
pub fn text(host: &impl Host, path: Path) -> Option<String> {
    host.property(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The facts of a client's connection.
pub fn downstream_facts(host: &impl Host) -> ConnectionFacts {
    downstream_facts_of(host, LooksAt::ALL)
}

/// Those of them that rules look at: each costs a microsecond.
pub fn downstream_facts_of(host: &impl Host, looks_at: LooksAt) -> ConnectionFacts {
    let text = |asked: bool, path| asked.then(|| text(host, path)).flatten();
    ConnectionFacts {
        cluster: None,
        listener: text(looks_at.listener, at::DESTINATION_ADDRESS),
        filter_chain: text(looks_at.filter_chain, at::FILTER_CHAIN_NAME).filter(|n| !n.is_empty()),
        server_name: looks_at
            .server_name
            .then(|| server_name(host, at::CONNECTION_SERVER_NAME))
            .flatten(),
        peer_address: text(looks_at.peer_address, at::SOURCE_ADDRESS).filter(|a| is_peers_own(a)),
    }
}

/// What a client's connection shows. Only after the handshake.
///
/// # Errors
/// A cause and its detail, where a fact cannot be read or relied upon.
pub fn downstream_evidence(
    host: &impl Host,
    looks_at: LooksAt,
) -> Result<Evidence, (Cause, &'static str)> {
    // By default Envoy's idea of the client's address is what the client
    // says it is: no ground for a rule to choose on.
    if looks_at.peer_address && text(host, at::SOURCE_ADDRESS).is_some_and(|a| !is_peers_own(&a)) {
        let detail = "set use_remote_address in Envoy's HttpConnectionManager, or let no rule match addresses";
        return Err((Cause::AddressFromHeader, detail));
    }
    let transport = match host.property(at::CONNECTION_TLS_VERSION) {
        None => Transport::Plaintext,
        Some(version) => transport_of(&version),
    };
    Ok(Evidence {
        transport,
        peer_sha256: read_sha256(host.property(at::CONNECTION_PEER_SHA256))
            .map_err(|detail| (Cause::EvidenceUnreadable, detail))?,
        local_certificate: false,
    })
}

/// The facts of a connection to a server.
pub fn upstream_facts(host: &impl Host) -> ConnectionFacts {
    upstream_facts_of(host, LooksAt::ALL, true)
}

/// Those of them that rules look at. The cluster is always among them; without
/// TLS no server name is.
pub fn upstream_facts_of(host: &impl Host, looks_at: LooksAt, is_tls: bool) -> ConnectionFacts {
    ConnectionFacts {
        cluster: text(host, at::CLUSTER_NAME),
        listener: None,
        filter_chain: None,
        server_name: is_tls
            .then(|| server_name(host, at::UPSTREAM_SERVER_NAME))
            .flatten(),
        peer_address: looks_at
            .peer_address
            .then(|| text(host, at::UPSTREAM_ADDRESS))
            .flatten(),
    }
}

/// What a connection to a server shows, of which the TLS version is known
/// already. Only once it is established.
///
/// # Errors
/// A detail, where a fact cannot be read.
pub fn upstream_evidence(
    host: &impl Host,
    looks_at: LooksAt,
    tls_version: Option<&[u8]>,
) -> Result<Evidence, &'static str> {
    let has_cluster = !looks_at.cluster || host.property(at::CLUSTER_NAME).is_some();
    upstream_evidence_of(host, looks_at, tls_version, has_cluster)
}

/// The same where it is known whether the host names the cluster.
///
/// # Errors
/// As above.
pub fn upstream_evidence_of(
    host: &impl Host,
    looks_at: LooksAt,
    tls_version: Option<&[u8]>,
    has_cluster: bool,
) -> Result<Evidence, &'static str> {
    // A connection to an upstream always has a cluster: that the host does
    // not name it must not mean that no rule about it fits.
    if looks_at.cluster && !has_cluster {
        return Err("rules look at the cluster, and the host does not name it");
    }
    let Some(version) = tls_version else {
        return Ok(Evidence {
            transport: Transport::Plaintext,
            peer_sha256: None,
            local_certificate: false,
        });
    };
    Ok(Evidence {
        transport: transport_of(version),
        peer_sha256: read_sha256(host.property(at::UPSTREAM_PEER_SHA256))?,
        // The dearest of all: only where a rule asks for it.
        local_certificate: looks_at.local_certificate && has_local_certificate(host),
    })
}

/// Whether Envoy has a certificate of its own for the connection to the server.
/// It has a subject or a SAN; a SPIFFE certificate has an empty subject.
pub fn has_local_certificate(host: &impl Host) -> bool {
    [
        at::UPSTREAM_LOCAL_SUBJECT,
        at::UPSTREAM_LOCAL_URI_SAN,
        at::UPSTREAM_LOCAL_DNS_SAN,
    ]
    .into_iter()
    .any(|path| host.property(path).is_some_and(|v| !v.is_empty()))
}

/// Which attempt this is, of a request or of a TCP connection.
pub fn attempt(host: &impl Host) -> Option<u64> {
    let bytes = host.property(at::UPSTREAM_ATTEMPT)?;
    <[u8; 8]>::try_from(bytes).ok().map(u64::from_le_bytes)
}

/// The id of the client's connection.
pub fn connection_id(host: &impl Host) -> Option<u64> {
    let bytes = host.property(at::CONNECTION_ID_IN_LOGS)?;
    <[u8; 8]>::try_from(bytes).ok().map(u64::from_le_bytes)
}

fn server_name(host: &impl Host, path: Path) -> Option<String> {
    text(host, path)
        .filter(|n| !n.is_empty())
        .map(|n| n.to_ascii_lowercase())
}

/// A digest attribute: absent, or 64 hexadecimal digits.
fn read_sha256(property: Option<Vec<u8>>) -> Result<Option<[u8; 32]>, &'static str> {
    match property {
        None => Ok(None),
        Some(hex) if hex.is_empty() => Ok(None),
        Some(hex) => sha256_from_hex(&hex)
            .map(Some)
            .ok_or("the certificate's digest is not 64 hexadecimal digits"),
    }
}

/// The transport that a TLS version attribute tells of.
fn transport_of(tls_version: &[u8]) -> Transport {
    TlsVersion::from_envoy(tls_version).map_or(Transport::TlsUnknown, Transport::Tls)
}

/// The peer's certificate, read from the host when a verdict needs it.
pub struct HostCertificate<'a, H> {
    /// The proxy.
    pub host: &'a H,
    /// Which side the peer is on.
    pub direction: Direction,
}

impl<H: Host> CertificateSource for HostCertificate<'_, H> {
    fn certificate(&mut self, may_be_forwarded: bool) -> Option<Vec<u8>> {
        let path = match self.direction {
            Direction::Downstream => at::CONNECTION_PEER_CERTIFICATE,
            Direction::Upstream => at::UPSTREAM_PEER_CERTIFICATE,
        };
        self.host
            .property(path)
            .filter(|pem| !pem.is_empty())
            .or_else(|| {
                let header = self
                    .host
                    .request_header("x-forwarded-client-cert")
                    .filter(|_| may_be_forwarded)?;
                forwarded::certificate(&header)
            })
    }
}
