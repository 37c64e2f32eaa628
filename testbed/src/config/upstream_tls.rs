//! `UpstreamTlsContext`.

use serde_json::{Value, json};

use super::patch::{Patches, patchable};
use super::tls::{common, inline, socket};
use super::type_url;
use crate::pki::{Authority, Issued};
use crate::tls::{TlsVersion, TlsVersions};

/// What BoringSSL verifies by default, and the last two.
const EVERY_SIGNATURE: [&str; 11] = [
    "ecdsa_secp256r1_sha256",
    "rsa_pss_rsae_sha256",
    "rsa_pkcs1_sha256",
    "ecdsa_secp384r1_sha384",
    "rsa_pss_rsae_sha384",
    "rsa_pkcs1_sha384",
    "rsa_pss_rsae_sha512",
    "rsa_pkcs1_sha512",
    "rsa_pkcs1_sha1",
    "ecdsa_secp521r1_sha512",
    "ed25519",
];

/// TLS towards an upstream. Verifies nothing unless told: that is Envoy's default.
#[derive(Clone, Default)]
pub struct UpstreamTls {
    sni: Option<String>,
    trusted_ca: Option<String>,
    certificate: Option<Issued>,
    versions: Option<TlsVersions>,
    alpn: Vec<String>,
    session_keys: Option<u32>,
    every_key: bool,
    patches: Patches,
}

patchable!(UpstreamTls);

impl UpstreamTls {
    /// With Envoy's defaults: no SNI, nothing verified.
    pub fn new() -> Self {
        Self::default()
    }

    /// The server name that Envoy asks for.
    pub fn sni(mut self, name: &str) -> Self {
        self.sni = Some(name.to_owned());
        self
    }

    /// Envoy itself verifies the server's chain against this authority.
    pub fn trusted_ca(self, authority: &Authority) -> Self {
        self.trusted_ca_pem(&authority.pem())
    }

    /// Envoy itself verifies the server's chain against these certificates.
    pub fn trusted_ca_pem(mut self, pem: &str) -> Self {
        self.trusted_ca = Some(pem.to_owned());
        self
    }

    /// Presented where the server asks for one.
    pub fn certificate(mut self, certificate: &Issued) -> Self {
        self.certificate = Some(certificate.clone());
        self
    }

    /// Lowest and highest version; Envoy's default towards upstreams is 1.2 to 1.2.
    pub fn tls_versions(mut self, min: TlsVersion, max: TlsVersion) -> Self {
        self.versions = Some(TlsVersions { min, max });
        self
    }

    /// The ALPN protocols that Envoy offers; none unless told.
    pub fn alpn(mut self, protocols: &[&str]) -> Self {
        self.alpn = protocols.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// Every connection does a full handshake.
    pub fn no_resumption(mut self) -> Self {
        self.session_keys = Some(0);
        self
    }

    /// Agrees to every key that BoringSSL can verify. By default Envoy (1.36 to 1.40) fails
    /// handshakes with a P-384 key in TLS 1.2, and with P-521 and Ed25519 keys in any version.
    pub fn every_key(mut self) -> Self {
        self.every_key = true;
        self
    }

    /// The `transport_socket`.
    pub fn build(&self) -> Value {
        let validation = self
            .trusted_ca
            .as_ref()
            .map(|pem| json!({ "trusted_ca": inline(pem) }));
        let mut common = common(
            self.certificate.as_ref(),
            self.versions,
            &self.alpn,
            validation,
        );
        if self.every_key {
            common["tls_params"]["ecdh_curves"] = json!(["X25519", "P-256", "P-384", "P-521"]);
            common["tls_params"]["signature_algorithms"] = json!(EVERY_SIGNATURE);
        }
        let mut context = json!({
            "@type": type_url("extensions.transport_sockets.tls.v3.UpstreamTlsContext"),
            "common_tls_context": common,
        });
        if let Some(sni) = &self.sni {
            context["sni"] = json!(sni);
        }
        if let Some(count) = self.session_keys {
            context["max_session_keys"] = json!(count);
        }
        socket(self.patches.apply(context))
    }
}
