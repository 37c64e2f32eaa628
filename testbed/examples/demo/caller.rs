//! How a client speaks: in the demo, and on a command line.

use std::net::SocketAddr;

use hopguard_testbed::TlsVersion;
use hopguard_testbed::client::Client;
use hopguard_testbed::pki::Issued;

/// How a client speaks.
pub enum Caller {
    Plaintext,
    /// TLS 1.2 or 1.3.
    Tls,
    /// The same, asking for this server name.
    ServerName(&'static str),
    /// The same, presenting this certificate; it has a name for its files.
    Certificate(&'static str, Issued),
    /// Asking for this server name, in TLS from this version to that one.
    Versions(&'static str, TlsVersion, TlsVersion),
}

impl Caller {
    pub fn client(&self, listener: SocketAddr) -> Client {
        match self {
            Self::Plaintext => Client::plaintext(listener),
            Self::Tls => Client::tls(listener),
            Self::ServerName(name) => Client::tls(listener).sni(name),
            Self::Certificate(_, certificate) => Client::tls(listener).certificate(certificate),
            // rustls does not speak them.
            Self::Versions(name, min, max) if *min < TlsVersion::V1_2 => {
                Client::openssl(listener).sni(name).tls_versions(*min, *max)
            }
            Self::Versions(name, min, max) => {
                Client::tls(listener).sni(name).tls_versions(*min, *max)
            }
        }
    }

    pub fn speaks_tls(&self) -> bool {
        !matches!(self, Self::Plaintext)
    }
}
