//! Certificate authorities.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rcgen::CertificateParams;

use super::authority_builder::AuthorityBuilder;
use super::der::Tbs;
use super::issued::{CertificateFiles, pem};
use super::key::Key;
use super::leaf::LeafBuilder;
use super::signature::Signature;
use super::template::{Signed, Signer};
use super::{hex, sha256};
use crate::error::Result;

/// A certificate authority: it issues leaves and other authorities. Cheap to clone.
#[derive(Clone)]
pub struct Authority(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    key: Arc<Key>,
    params: CertificateParams,
    issuer: Option<Authority>,
}

impl Authority {
    /// Starts a self-signed authority: a root.
    pub fn root(common_name: &str) -> AuthorityBuilder {
        AuthorityBuilder::new(common_name, Signer::Itself)
    }

    /// Starts an authority below this one.
    pub fn intermediate(&self, common_name: &str) -> AuthorityBuilder {
        AuthorityBuilder::new(common_name, Signer::Authority(self.clone()))
    }

    /// Starts a leaf for a server, signed by this authority.
    pub fn server(&self, dns_name: &str) -> LeafBuilder {
        LeafBuilder::server(self, dns_name)
    }

    /// Starts a leaf for a client, signed by this authority.
    pub fn client(&self, common_name: &str) -> LeafBuilder {
        LeafBuilder::client(self, common_name)
    }

    /// The certificate.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The certificate as PEM.
    pub fn pem(&self) -> String {
        pem("CERTIFICATE", &self.0.der)
    }

    /// The private key, PKCS #8.
    pub fn key_pem(&self) -> &str {
        &self.0.key.pem
    }

    /// SHA-256 of the certificate, in lower-case hex.
    pub fn sha256_hex(&self) -> String {
        hex(&sha256(&self.0.der))
    }

    /// SHA-256 of the SubjectPublicKeyInfo, in lower-case hex.
    pub fn spki_sha256_hex(&self) -> String {
        hex(&sha256(&self.0.key.spki))
    }

    /// Who signed it; `None` for a root.
    pub fn issuer(&self) -> Option<&Authority> {
        self.0.issuer.as_ref()
    }

    /// This certificate and those above it, roots left out: what a server sends after its leaf.
    pub fn chain(&self) -> Vec<Vec<u8>> {
        let mut chain = Vec::new();
        let mut next = Some(self);
        while let Some(authority) = next {
            if authority.issuer().is_some() {
                chain.push(authority.der().to_vec());
            }
            next = authority.issuer();
        }
        chain
    }

    /// Writes `<name>.pem` and `<name>.key` into `directory`.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn write_to(&self, directory: &Path, name: &str) -> Result<CertificateFiles> {
        CertificateFiles::write(directory, name, &self.pem(), self.key_pem())
    }

    pub(super) fn new(signed: Signed, issuer: Option<Authority>) -> Self {
        let Signed { der, key, params } = signed;
        Self(Arc::new(Inner {
            der,
            key,
            params,
            issuer,
        }))
    }

    /// The subject, as DER.
    pub(crate) fn subject_der(&self) -> Result<Vec<u8>> {
        Ok(Tbs::of_certificate(&self.0.der)?.subject().to_vec())
    }

    /// The public key itself: the content of `subjectPublicKey`, without its unused bits.
    pub(crate) fn public_key(&self) -> Result<Vec<u8>> {
        Tbs::of_certificate(&self.0.der)?.public_key()
    }

    /// Signs a message as it signs certificates: AlgorithmIdentifier and signature.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
        let key = self.key();
        let signature = Signature::usual_for(key.kind);
        Ok((
            signature.identifier(key.kind)?,
            key.sign(signature, message)?,
        ))
    }

    pub(super) fn params(&self) -> &CertificateParams {
        &self.0.params
    }

    pub(super) fn key(&self) -> &Arc<Key> {
        &self.0.key
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Authority")
            .field(&self.0.params.distinguished_name)
            .finish()
    }
}
