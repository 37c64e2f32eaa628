//! The protocol versions of TLS that a connection can have negotiated.

use std::fmt;

/// A negotiated or demanded protocol version, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.0 (RFC 2246), deprecated by RFC 8996.
    Tls10,
    /// TLS 1.1 (RFC 4346), deprecated by RFC 8996.
    Tls11,
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl TlsVersion {
    /// The version as policies and events write it (`tls.protocol.version`).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls10 => "1.0",
            Self::Tls11 => "1.1",
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        }
    }

    /// Reads the version of a policy: `1.0` to `1.3`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13]
            .into_iter()
            .find(|v| v.as_str() == text)
    }

    /// Reads what Envoy's `tls_version` attributes say.
    ///
    /// Envoy prints BoringSSL's `SSL_get_version`: `TLSv1`, `TLSv1.1`,
    /// `TLSv1.2`, `TLSv1.3` (and `TLSv1.3` for QUIC).
    pub fn from_envoy(text: &[u8]) -> Option<Self> {
        match text {
            b"TLSv1" => Some(Self::Tls10),
            b"TLSv1.1" => Some(Self::Tls11),
            b"TLSv1.2" => Some(Self::Tls12),
            b"TLSv1.3" => Some(Self::Tls13),
            _ => None,
        }
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_envoy_prints_and_nothing_else() {
        assert_eq!(TlsVersion::from_envoy(b"TLSv1"), Some(TlsVersion::Tls10));
        assert_eq!(TlsVersion::from_envoy(b"TLSv1.3"), Some(TlsVersion::Tls13));
        assert_eq!(TlsVersion::from_envoy(b"SSLv3"), None);
        assert_eq!(TlsVersion::from_envoy(b""), None);
        assert_eq!(TlsVersion::from_envoy(b"TLSv1.30"), None);
    }

    #[test]
    fn versions_are_ordered() {
        assert!(TlsVersion::Tls10 < TlsVersion::Tls11);
        assert!(TlsVersion::Tls12 < TlsVersion::Tls13);
    }
}
