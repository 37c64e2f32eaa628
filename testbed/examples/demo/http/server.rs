//! A server, and how Envoy is configured to speak with it.

use std::time::Duration;

use hopguard_testbed::TlsVersion;
use hopguard_testbed::config::UpstreamTls;
use hopguard_testbed::pki::{Authority, Issued};
use hopguard_testbed::upstream::{ClientAuth, Fault, Upstream, UpstreamBuilder};
use serde_json::json;

use crate::pki::HOST;

/// A server, and how Envoy is configured to speak with it.
pub struct Server {
    /// `None`: it does not run.
    pub upstream: Option<UpstreamBuilder>,
    pub tls: Option<UpstreamTls>,
    pub connect_timeout: Option<Duration>,
}

impl Server {
    pub fn plaintext() -> Self {
        Self {
            upstream: Some(Upstream::plaintext()),
            tls: None,
            connect_timeout: None,
        }
    }

    /// Presents this certificate. Envoy is told to verify nothing, its default.
    pub fn tls(certificate: &Issued) -> Self {
        Self {
            upstream: Some(Upstream::tls(certificate)),
            ..Self::plaintext().expecting_tls()
        }
    }

    /// The same with these versions, which only `openssl` still speaks.
    pub fn openssl(certificate: &Issued, min: TlsVersion, max: TlsVersion) -> Self {
        Self {
            upstream: Some(Upstream::openssl(certificate).tls_versions(min, max)),
            ..Self::plaintext().expecting_tls()
        }
        .envoy_speaks(min, TlsVersion::V1_3)
    }

    /// Does not run.
    pub fn nobody() -> Self {
        Self {
            upstream: None,
            ..Self::plaintext().expecting_tls()
        }
    }

    /// Envoy speaks TLS with it, whatever it speaks itself.
    pub fn expecting_tls(mut self) -> Self {
        self.tls = Some(UpstreamTls::new().sni(HOST));
        self
    }

    pub fn demands(self, client_auth: ClientAuth) -> Self {
        self.upstream(|upstream| upstream.client_auth(client_auth))
    }

    pub fn breaks_off(self, fault: Fault) -> Self {
        self.upstream(|upstream| upstream.fault(fault))
    }

    pub fn speaks_only(self, version: TlsVersion) -> Self {
        self.upstream(|upstream| upstream.tls_versions(version, version))
    }

    pub fn presenting(self, certificate: &Issued) -> Self {
        self.envoy(|tls| tls.certificate(certificate))
    }

    pub fn envoy_speaks(self, min: TlsVersion, max: TlsVersion) -> Self {
        self.envoy(|tls| tls.tls_versions(min, max))
    }

    pub fn envoy_trusts(self, authority: &Authority) -> Self {
        self.envoy(|tls| tls.trusted_ca(authority))
    }

    /// Envoy verifies that the certificate has this name.
    pub fn envoy_wants(self, name: &str) -> Self {
        let name = json!({ "san_type": "DNS", "matcher": { "exact": name } });
        self.envoy(|tls| {
            tls.merge(json!({ "common_tls_context": { "validation_context": {
                "match_typed_subject_alt_names": [name],
            }}}))
        })
    }

    pub fn envoy_waits(mut self, connect_timeout: Duration) -> Self {
        self.connect_timeout = Some(connect_timeout);
        self
    }

    fn upstream(mut self, change: impl FnOnce(UpstreamBuilder) -> UpstreamBuilder) -> Self {
        self.upstream = self.upstream.map(change);
        self
    }

    fn envoy(mut self, change: impl FnOnce(UpstreamTls) -> UpstreamTls) -> Self {
        self.tls = self.tls.map(change);
        self
    }
}
