//! The TLS side of a client: it trusts every server and presents what it is told to.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};

use crate::error::{Error, Result};
use crate::pki::Issued;
use crate::tls::TlsVersions;
use crate::upstream::tls::{certified_key, every_scheme, provider};

/// What a client wants of TLS.
#[derive(Clone, Debug)]
pub(super) struct ClientTls {
    pub(super) versions: TlsVersions,
    pub(super) sni: Option<String>,
    pub(super) certificate: Option<Issued>,
    pub(super) alpn: Option<Vec<Vec<u8>>>,
    pub(super) resumption: bool,
}

impl ClientTls {
    pub(super) fn config(&self, http2: bool) -> Result<Arc<ClientConfig>> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&self.versions.rustls()?)
            .map_err(|error| Error::Tls(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(TrustAll));
        let mut config = match &self.certificate {
            None => builder.with_no_client_auth(),
            Some(certificate) => {
                let key = Arc::new(certified_key(certificate, None)?);
                builder.with_client_cert_resolver(Arc::new(Always(key)))
            }
        };
        config.alpn_protocols = self.alpn_protocols(http2);
        config.enable_sni = self.sni.is_some();
        if !self.resumption {
            config.resumption = Resumption::disabled();
        }
        Ok(Arc::new(config))
    }

    pub(super) fn alpn_protocols(&self, http2: bool) -> Vec<Vec<u8>> {
        self.alpn.clone().unwrap_or_else(|| {
            let usual: &[u8] = if http2 { b"h2" } else { b"http/1.1" };
            vec![usual.to_vec()]
        })
    }

    pub(super) fn server_name(&self) -> Result<ServerName<'static>> {
        // Not sent when there is none; rustls wants a name all the same.
        let name = self
            .sni
            .clone()
            .unwrap_or_else(|| "unnamed.test".to_owned());
        ServerName::try_from(name).map_err(|error| Error::Tls(format!("SNI: {error}")))
    }
}

/// Presents the same certificate whatever the server asks for.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesClientCert for Always {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Takes every server certificate: the testbed's client judges nothing.
#[derive(Debug)]
struct TrustAll;

impl ServerCertVerifier for TrustAll {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        every_scheme()
    }
}
