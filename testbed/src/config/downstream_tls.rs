//! `DownstreamTlsContext`.

use serde_json::{Value, json};

use super::patch::{Patches, patchable};
use super::tls::{common, inline, socket};
use super::type_url;
use crate::pki::{Authority, Issued};
use crate::tls::{TlsVersion, TlsVersions};

/// What Envoy demands of the certificates of its clients.
#[derive(Clone)]
enum ClientCertificates {
    NotAsked,
    /// Asked for; any is accepted, also none.
    AnyOrNone,
    /// Asked for; any is accepted, but there has to be one.
    Any,
    /// Verified against these authorities; `required`: there has to be one.
    Verified {
        pem: String,
        required: bool,
    },
}

/// TLS towards the clients of a listener.
#[derive(Clone)]
pub struct DownstreamTls {
    certificate: Issued,
    clients: ClientCertificates,
    versions: Option<TlsVersions>,
    alpn: Vec<String>,
    patches: Patches,
}

patchable!(DownstreamTls);

impl DownstreamTls {
    /// Serves this certificate and asks for none.
    pub fn new(certificate: &Issued) -> Self {
        Self {
            certificate: certificate.clone(),
            clients: ClientCertificates::NotAsked,
            versions: None,
            alpn: Vec::new(),
            patches: Patches::default(),
        }
    }

    /// Asks clients for a certificate and takes any, also none: `ACCEPT_UNTRUSTED`.
    pub fn accept_any_client(mut self) -> Self {
        self.clients = ClientCertificates::AnyOrNone;
        self
    }

    /// Asks clients for a certificate and takes any, but not none.
    ///
    /// `require_client_certificate` has no effect with `ACCEPT_UNTRUSTED` alone (Envoy 1.40):
    /// it takes a `trusted_ca`, whichever. This one names the listener's own certificate.
    pub fn require_any_client(mut self) -> Self {
        self.clients = ClientCertificates::Any;
        self
    }

    /// Asks clients for a certificate; Envoy itself verifies it, where there is one.
    pub fn verify_client(mut self, authority: &Authority) -> Self {
        self.clients = ClientCertificates::Verified {
            pem: authority.pem(),
            required: false,
        };
        self
    }

    /// Demands a certificate that Envoy itself verifies.
    pub fn require_client(mut self, authority: &Authority) -> Self {
        self.clients = ClientCertificates::Verified {
            pem: authority.pem(),
            required: true,
        };
        self
    }

    /// Lowest and highest version; Envoy's default towards clients is 1.2 to 1.3.
    pub fn tls_versions(mut self, min: TlsVersion, max: TlsVersion) -> Self {
        self.versions = Some(TlsVersions { min, max });
        self
    }

    /// The ALPN protocols that Envoy agrees to; none unless told.
    pub fn alpn(mut self, protocols: &[&str]) -> Self {
        self.alpn = protocols.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// The `transport_socket`.
    pub fn build(&self) -> Value {
        let untrusted = json!({ "trust_chain_verification": "ACCEPT_UNTRUSTED" });
        let (validation, required) = match &self.clients {
            ClientCertificates::NotAsked => (None, false),
            ClientCertificates::AnyOrNone => (Some(untrusted), false),
            ClientCertificates::Any => {
                let mut any = untrusted;
                any["trusted_ca"] = inline(&self.certificate.pem());
                (Some(any), true)
            }
            ClientCertificates::Verified { pem, required } => {
                (Some(json!({ "trusted_ca": inline(pem) })), *required)
            }
        };
        let common = common(
            Some(&self.certificate),
            self.versions,
            &self.alpn,
            validation,
        );
        socket(self.patches.apply(json!({
            "@type": type_url("extensions.transport_sockets.tls.v3.DownstreamTlsContext"),
            "common_tls_context": common,
            "require_client_certificate": required,
        })))
    }
}
