//! The TLS side of an upstream: any certificate to serve, any certificate to accept.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{
    ClientHello, ResolvesServerCert, ServerSessionMemoryCache, StoresServerSessions,
};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};

use crate::error::{Error, Result};
use crate::pki::Issued;
use crate::tls::TlsVersions;

/// Whether a server asks its clients for a certificate, and what it makes of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// It does not ask.
    #[default]
    None,
    /// It asks, and goes on with any or none.
    Optional,
    /// It asks, takes any, and fails the handshake without.
    Required,
    /// It asks, and fails the handshake with whatever comes: with the alert unknown_ca (48)
    /// for a certificate. In TLS 1.3 the client has by then completed its own side.
    Refused,
}

/// Everything but the certificate.
#[derive(Clone, Debug)]
pub(super) struct TlsSettings {
    pub(super) versions: TlsVersions,
    pub(super) client_auth: ClientAuth,
    pub(super) alpn: Vec<Vec<u8>>,
    pub(super) staple: Option<Vec<u8>>,
    pub(super) resumption: bool,
    pub(super) ciphers: Option<String>,
}

/// Where sessions are kept for resumption.
pub(super) type Sessions = Arc<dyn StoresServerSessions>;

pub(super) fn new_sessions() -> Sessions {
    ServerSessionMemoryCache::new(256)
}

impl TlsSettings {
    pub(super) fn server_config(&self, cert: &Issued, sessions: Sessions) -> Result<ServerConfig> {
        let key = certified_key(cert, self.staple.clone())?;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&self.versions.rustls()?)
            .map_err(|error| Error::Tls(error.to_string()))?;
        let builder = match self.client_auth {
            ClientAuth::None => builder.with_no_client_auth(),
            asked => builder.with_client_cert_verifier(Arc::new(AnyClient(asked))),
        };
        let mut config = builder.with_cert_resolver(Arc::new(Always(Arc::new(key))));
        config.alpn_protocols = self.alpn.clone();
        if self.resumption {
            config.session_storage = sessions;
        } else {
            config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(config)
    }
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Certificate and key without any check that they are fit for use.
pub(crate) fn certified_key(cert: &Issued, staple: Option<Vec<u8>>) -> Result<CertifiedKey> {
    let unusable = |error: &dyn std::fmt::Display| {
        Error::Tls(format!(
            "rustls cannot use this key ({error}); use `openssl()`"
        ))
    };
    let key = PrivateKeyDer::from_pem_slice(cert.key_pem().as_bytes())
        .map_err(|error| unusable(&error))?;
    let key = rustls::crypto::ring::sign::any_supported_type(&key).map_err(|e| unusable(&e))?;
    let chain = std::iter::once(cert.der())
        .chain(cert.chain().iter().map(Vec::as_slice))
        .map(|der| CertificateDer::from(der.to_vec()))
        .collect();
    let mut certified = CertifiedKey::new(chain, key);
    certified.ocsp = staple;
    Ok(certified)
}

/// Serves the same certificate whatever the client asks for.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// Takes every client certificate, to record it, or none.
#[derive(Debug)]
struct AnyClient(ClientAuth);

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        self.0 != ClientAuth::Optional
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        match self.0 {
            ClientAuth::Refused => Err(rustls::CertificateError::UnknownIssuer.into()),
            _ => Ok(ClientCertVerified::assertion()),
        }
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

/// All that a peer may sign with; the signature itself is not looked at.
pub(crate) fn every_scheme() -> Vec<SignatureScheme> {
    vec![
        SignatureScheme::ECDSA_NISTP256_SHA256,
        SignatureScheme::ECDSA_NISTP384_SHA384,
        SignatureScheme::ECDSA_NISTP521_SHA512,
        SignatureScheme::ED25519,
        SignatureScheme::RSA_PSS_SHA256,
        SignatureScheme::RSA_PSS_SHA384,
        SignatureScheme::RSA_PSS_SHA512,
        SignatureScheme::RSA_PKCS1_SHA256,
        SignatureScheme::RSA_PKCS1_SHA384,
        SignatureScheme::RSA_PKCS1_SHA512,
    ]
}
