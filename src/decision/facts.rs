//! What a connection shows: the facts a rule is chosen by, and the evidence
//! it is judged on.

use std::net::IpAddr;

use super::tls::TlsVersion;

/// Which side of the proxy a connection is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// A client connected to the proxy.
    Downstream,
    /// The proxy connected to a server.
    Upstream,
}

impl Direction {
    /// The name used in policies, events and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Downstream => "downstream",
            Self::Upstream => "upstream",
        }
    }
}

/// The connection-level facts that select a rule. Same for all requests of a
/// connection; a fact that the host did not give is `None` and matches no
/// pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionFacts {
    /// Upstream only: the cluster's name (`xds.cluster_name`).
    pub cluster: Option<String>,
    /// Downstream only: the address of the proxy that the client reached,
    /// `ip:port` (`destination.address`).
    pub listener: Option<String>,
    /// Downstream only: `xds.filter_chain_name`.
    pub filter_chain: Option<String>,
    /// The server name of the handshake: asked for by the client
    /// (`connection.requested_server_name`), or sent by the proxy
    /// (`upstream.server_name`, Envoy 1.39 and later).
    pub server_name: Option<String>,
    /// The peer's address, `ip:port` or a pipe's path.
    pub peer_address: Option<String>,
}

impl ConnectionFacts {
    /// The peer's IP address, where it has one.
    pub fn peer_ip(&self) -> Option<IpAddr> {
        self.peer_address.as_deref().and_then(ip_of)
    }
}

/// Whether an address of Envoy's is one that a TCP or UDP peer can have. One
/// that Envoy took from `x-forwarded-for` (its default, `use_remote_address:
/// false`) has port 0: a client wrote it.
pub fn is_peers_own(address: &str) -> bool {
    address
        .parse::<std::net::SocketAddr>()
        .map_or(true, |a| a.port() != 0)
}

/// The IP address in Envoy's `ip:port` (`[ip]:port` for IPv6).
pub fn ip_of(address: &str) -> Option<IpAddr> {
    address
        .parse::<std::net::SocketAddr>()
        .map(|a| a.ip())
        .or_else(|_| address.parse::<IpAddr>())
        .ok()
        .map(|ip| ip.to_canonical())
}

/// The facts of one HTTP request, needed only where a rule looks at them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestFacts {
    /// `:authority` without the port, lower case.
    pub host: Option<String>,
    /// `:path` without query and fragment.
    pub path: Option<String>,
    /// Which of the credential headers that some rule of the policy names are
    /// in the request, lower case. The values are never read.
    pub headers: Vec<String>,
}

/// The transport of a connection, as the host shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Connected, and without TLS.
    Plaintext,
    /// Connected over TLS.
    Tls(TlsVersion),
    /// Connected over something that the host calls TLS in a version that we
    /// do not know.
    TlsUnknown,
    /// TLS between the client and the server, which the proxy passes on
    /// unopened, of this version: the newest that the client offers, until the
    /// server has chosen. `None`: older than TLS 1.0, or not known.
    Passthrough(Option<TlsVersion>),
}

impl Transport {
    /// The name used in events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Tls(_) | Self::TlsUnknown => "tls",
            Self::Passthrough(_) => "passthrough",
        }
    }
}

/// What a connection shows of itself, apart from the certificate's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Evidence {
    /// TLS or not, and its version.
    pub transport: Transport,
    /// SHA-256 of the peer's certificate (DER), by the host; `None` where the
    /// peer presented none.
    pub peer_sha256: Option<[u8; 32]>,
    /// Upstream only: the proxy has a client certificate configured for this
    /// connection. Whether the server asked for it is not visible.
    pub local_certificate: bool,
}

/// Hands out the peer's certificate when a verdict needs its content: reading
/// it from the host is dear, and a certificate judged before is not read.
pub trait CertificateSource {
    /// The certificate as PEM, plain or percent-encoded; `None` where nothing
    /// exposes it. With `forwarded`, the `x-forwarded-client-cert` header that
    /// this Envoy sets may be used where the host itself does not expose it.
    fn certificate(&mut self, forwarded: bool) -> Option<Vec<u8>>;
}

/// Reads the 64 hexadecimal digits of Envoy's `sha256_peer_certificate_digest`.
pub fn sha256_from_hex(text: &[u8]) -> Option<[u8; 32]> {
    if text.len() != 64 {
        return None;
    }
    let mut out = [0u8; 32];
    for (byte, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = hex_digit(*high)? << 4 | hex_digit(*low)?;
    }
    Some(out)
}

const fn hex_digit(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        b'A'..=b'F' => Some(c - b'A' + 10),
        _ => None,
    }
}

/// The host of an `:authority`: without the port, lower case, without the
/// brackets of an IPv6 literal and without a trailing dot.
pub fn host_of(authority: &str) -> String {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => match authority.rsplit_once(':') {
            // More than one colon without brackets: a bare IPv6 literal.
            Some((host, _)) if !host.contains(':') => host,
            _ => authority,
        },
    };
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_64_hex_digits() {
        let hex = "00ff".repeat(16);
        assert_eq!(sha256_from_hex(hex.as_bytes()).unwrap()[..2], [0, 255]);
        assert_eq!(sha256_from_hex(&hex.as_bytes()[..63]), None);
        assert_eq!(sha256_from_hex(&[b'g'; 64]), None);
    }

    #[test]
    fn hosts_lose_port_brackets_case_and_root_dot() {
        for (authority, host) in [
            ("API.example:8443", "api.example"),
            ("api.example.", "api.example"),
            ("api.example.:80", "api.example"),
            ("[2001:DB8::1]:443", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("", ""),
            ("[", ""),
        ] {
            assert_eq!(host_of(authority), host, "{authority}");
        }
    }

    #[test]
    fn an_address_from_a_header_is_told_by_its_port() {
        assert!(is_peers_own("10.0.0.1:80"));
        assert!(is_peers_own("[::1]:1"));
        assert!(is_peers_own("/var/run/x.sock"));
        assert!(!is_peers_own("10.0.0.1:0"));
        assert!(!is_peers_own("[::1]:0"));
    }

    #[test]
    fn addresses_of_envoy_are_read() {
        assert_eq!(ip_of("10.0.0.1:80").unwrap().to_string(), "10.0.0.1");
        assert_eq!(ip_of("[::1]:80").unwrap().to_string(), "::1");
        assert_eq!(
            ip_of("[::ffff:10.0.0.1]:80").unwrap().to_string(),
            "10.0.0.1"
        );
        assert_eq!(ip_of("/var/run/x.sock"), None);
    }
}
