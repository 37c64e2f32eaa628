//! A finished certificate with its chain and key.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::der::Tbs;
use super::{hex, sha256};
use crate::error::{Error, Result};

/// A certificate, the intermediates that are sent after it, and its private key.
#[derive(Clone)]
pub struct Issued {
    der: Vec<u8>,
    chain: Vec<Vec<u8>>,
    key_pem: String,
}

impl Issued {
    /// From parts made elsewhere: certificate and chain as DER, key as PKCS #8 PEM.
    pub fn new(der: Vec<u8>, chain: Vec<Vec<u8>>, key_pem: String) -> Self {
        Self {
            der,
            chain,
            key_pem,
        }
    }

    /// The same certificate, sent with these certificates after it; empty for the leaf alone.
    pub fn with_chain<C: AsRef<[u8]>>(&self, chain: impl IntoIterator<Item = C>) -> Self {
        let chain = chain.into_iter().map(|der| der.as_ref().to_vec()).collect();
        Self {
            chain,
            ..self.clone()
        }
    }

    /// The same certificate with one bit of its signature turned over.
    pub fn with_broken_signature(&self) -> Self {
        let mut broken = self.clone();
        // The signature is the last field; its last byte is never a length or a tag.
        if let Some(last) = broken.der.last_mut() {
            *last ^= 1;
        }
        broken
    }

    /// The leaf.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// What is sent after the leaf.
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// The leaf as PEM.
    pub fn pem(&self) -> String {
        pem("CERTIFICATE", &self.der)
    }

    /// The leaf and what is sent after it, as PEM.
    pub fn chain_pem(&self) -> String {
        let chain = self.chain.iter().map(|der| pem("CERTIFICATE", der));
        std::iter::once(self.pem()).chain(chain).collect()
    }

    /// The private key, PKCS #8.
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// SHA-256 of the leaf, in lower-case hex.
    pub fn sha256_hex(&self) -> String {
        hex(&sha256(&self.der))
    }

    /// SHA-256 of the leaf's SubjectPublicKeyInfo, in lower-case hex.
    pub fn spki_sha256_hex(&self) -> String {
        hex(&sha256(self.tbs().spki()))
    }

    /// The serial number, in lower-case hex.
    pub fn serial_hex(&self) -> String {
        hex(self.tbs().serial())
    }

    /// The content of the serial number.
    pub(crate) fn serial(&self) -> &[u8] {
        self.tbs().serial()
    }

    /// Writes `<name>.pem` (with the chain) and `<name>.key` into `directory`.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn write_to(&self, directory: &Path, name: &str) -> Result<CertificateFiles> {
        CertificateFiles::write(directory, name, &self.chain_pem(), &self.key_pem)
    }

    fn tbs(&self) -> Tbs<'_> {
        Tbs::of_certificate(&self.der).unwrap_or_else(|error| panic!("not a certificate: {error}"))
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued")
            .field("sha256", &self.sha256_hex())
            .field("chain", &self.chain.len())
            .finish_non_exhaustive()
    }
}

/// Where a certificate and its key were written.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// The certificate, followed by its chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl CertificateFiles {
    pub(super) fn write(directory: &Path, name: &str, chain: &str, key: &str) -> Result<Self> {
        let files = Self {
            certificate: directory.join(format!("{name}.pem")),
            key: directory.join(format!("{name}.key")),
        };
        for (path, content) in [(&files.certificate, chain), (&files.key, key)] {
            fs::write(path, content).map_err(Error::io(format!("writing {}", path.display())))?;
        }
        Ok(files)
    }
}

pub(super) fn pem(label: &str, der: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut body = String::new();
    for group in der.chunks(3) {
        let bits = group
            .iter()
            .fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte));
        let bits = bits << (8 * (3 - group.len()));
        for digit in 0..4 {
            if digit <= group.len() {
                let index = bits >> (18 - 6 * digit) & 0x3f;
                body.push(char::from(ALPHABET[index as usize]));
            } else {
                body.push('=');
            }
        }
    }
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in body.as_bytes().chunks(64) {
        out.extend(line.iter().copied().map(char::from));
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}
