//! TLS versions, in the names that rustls, `openssl` and Envoy have for them.

use rustls::SupportedProtocolVersion;

use crate::error::{Error, Result};

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// RFC 2246; spoken by Envoy and by `openssl`, not by rustls.
    V1_0,
    /// RFC 4346; spoken by Envoy and by `openssl`, not by rustls.
    V1_1,
    /// RFC 5246.
    V1_2,
    /// RFC 8446.
    V1_3,
}

impl TlsVersion {
    /// The enumerator of `extensions.transport_sockets.tls.v3.TlsParameters`.
    pub fn envoy(self) -> &'static str {
        match self {
            Self::V1_0 => "TLSv1_0",
            Self::V1_1 => "TLSv1_1",
            Self::V1_2 => "TLSv1_2",
            Self::V1_3 => "TLSv1_3",
        }
    }

    /// How Envoy, BoringSSL and OpenSSL print the version: `TLSv1.2`.
    pub fn name(self) -> &'static str {
        match self {
            Self::V1_0 => "TLSv1",
            Self::V1_1 => "TLSv1.1",
            Self::V1_2 => "TLSv1.2",
            Self::V1_3 => "TLSv1.3",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::V1_0, Self::V1_1, Self::V1_2, Self::V1_3]
            .into_iter()
            .find(|version| version.name() == name)
    }

    pub(crate) fn from_rustls(version: rustls::ProtocolVersion) -> Option<Self> {
        match version {
            rustls::ProtocolVersion::TLSv1_2 => Some(Self::V1_2),
            rustls::ProtocolVersion::TLSv1_3 => Some(Self::V1_3),
            _ => None,
        }
    }
}

/// The lowest and the highest version that a peer speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsVersions {
    /// The lowest.
    pub min: TlsVersion,
    /// The highest.
    pub max: TlsVersion,
}

impl Default for TlsVersions {
    fn default() -> Self {
        Self {
            min: TlsVersion::V1_2,
            max: TlsVersion::V1_3,
        }
    }
}

impl TlsVersions {
    pub(crate) fn rustls(self) -> Result<Vec<&'static SupportedProtocolVersion>> {
        let spoken = [
            (TlsVersion::V1_2, &rustls::version::TLS12),
            (TlsVersion::V1_3, &rustls::version::TLS13),
        ];
        let chosen: Vec<_> = spoken
            .into_iter()
            .filter(|(version, _)| (self.min..=self.max).contains(version))
            .map(|(_, rustls)| rustls)
            .collect();
        if self.min < TlsVersion::V1_2 || chosen.is_empty() {
            return Err(Error::Tls(format!(
                "rustls speaks TLS 1.2 and 1.3 only, not {} to {}; use `openssl()`",
                self.min.name(),
                self.max.name(),
            )));
        }
        Ok(chosen)
    }
}
