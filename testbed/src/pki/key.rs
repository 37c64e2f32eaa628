//! Keys: made by ring where it can, by `openssl` where it cannot.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{KeyPair, PublicKeyData, SigningKey};

use super::openssl;
use super::signature::Signature;
use crate::error::{Error, Result};

/// A kind of key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// ECDSA on P-256.
    #[default]
    P256,
    /// ECDSA on P-384.
    P384,
    /// ECDSA on P-521; rustls with ring can neither serve nor verify it.
    P521,
    /// Ed25519; Envoy does not offer it in its handshakes.
    Ed25519,
    /// RSA with 1024 bits: too weak for rustls with ring to serve.
    Rsa1024,
    /// RSA with 2048 bits.
    Rsa2048,
    /// RSA with 3072 bits.
    Rsa3072,
    /// RSA with 4096 bits: takes seconds to make.
    Rsa4096,
    /// DSA with 1024 bits: no TLS stack of today serves it.
    Dsa1024,
}

impl KeyKind {
    pub(super) fn is_rsa(self) -> bool {
        self.rsa_bits().is_some()
    }

    fn rsa_bits(self) -> Option<&'static str> {
        match self {
            Self::Rsa1024 => Some("1024"),
            Self::Rsa2048 => Some("2048"),
            Self::Rsa3072 => Some("3072"),
            Self::Rsa4096 => Some("4096"),
            Self::P256 | Self::P384 | Self::P521 | Self::Ed25519 | Self::Dsa1024 => None,
        }
    }
}

/// Who a key is for. RSA keys are shared within a process by kind and owner, since
/// they are slow to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum KeyOwner {
    Authority,
    Leaf,
    /// Not shared with anyone.
    Alone,
}

type SharedKeys = HashMap<(KeyKind, KeyOwner), Arc<Key>>;

/// A private key.
pub(super) struct Key {
    pub(super) kind: KeyKind,
    /// PKCS #8.
    pub(super) pem: String,
    /// The SubjectPublicKeyInfo.
    pub(super) spki: Vec<u8>,
    /// Where ring can sign with it.
    pub(super) native: Option<KeyPair>,
}

impl Key {
    pub(super) fn generate(kind: KeyKind, owner: KeyOwner) -> Result<Arc<Self>> {
        static SHARED: Mutex<Option<SharedKeys>> = Mutex::new(None);

        if !kind.is_rsa() || owner == KeyOwner::Alone {
            return Ok(Arc::new(Self::fresh(kind)?));
        }
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = shared.get_or_insert_default();
        if let Some(key) = shared.get(&(kind, owner)) {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(Self::fresh(kind)?);
        shared.insert((kind, owner), Arc::clone(&key));
        Ok(key)
    }

    fn fresh(kind: KeyKind) -> Result<Self> {
        match kind {
            KeyKind::P256 => {
                Self::native(kind, KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256))
            }
            KeyKind::P384 => {
                Self::native(kind, KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384))
            }
            // ring writes PKCS #8 version 2 (RFC 5958), which OpenSSL 3.0 does not read.
            KeyKind::Ed25519 => {
                let pem = text(openssl::run(&["genpkey", "-algorithm", "ED25519"], b"")?)?;
                Self::native(kind, KeyPair::from_pem(&pem))
            }
            KeyKind::Rsa1024 => Self::foreign(kind, generate_rsa(kind)?),
            KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => {
                Self::native(kind, KeyPair::from_pem(&generate_rsa(kind)?))
            }
            KeyKind::P521 => {
                let curve = "ec_paramgen_curve:P-521";
                let pem = openssl::run(&["genpkey", "-algorithm", "EC", "-pkeyopt", curve], b"")?;
                Self::foreign(kind, text(pem)?)
            }
            KeyKind::Dsa1024 => {
                let parameters = openssl::run(&["dsaparam", "1024"], b"")?;
                let file = openssl::temporary(&parameters)?;
                let path = file.path().to_string_lossy().into_owned();
                Self::foreign(
                    kind,
                    text(openssl::run(&["genpkey", "-paramfile", &path], b"")?)?,
                )
            }
        }
    }

    fn native(kind: KeyKind, pair: Result<KeyPair, rcgen::Error>) -> Result<Self> {
        let pair = pair.map_err(|error| Error::Certificate(format!("{kind:?} key: {error}")))?;
        Ok(Self {
            kind,
            pem: pair.serialize_pem(),
            spki: pair.subject_public_key_info(),
            native: Some(pair),
        })
    }

    fn foreign(kind: KeyKind, pem: String) -> Result<Self> {
        let spki = openssl::run(&["pkey", "-pubout", "-outform", "DER"], pem.as_bytes())?;
        Ok(Self {
            kind,
            pem,
            spki,
            native: None,
        })
    }

    /// Signs `message`; the signature is as an X.509 BIT STRING carries it.
    pub(super) fn sign(&self, signature: Signature, message: &[u8]) -> Result<Vec<u8>> {
        if let (Some(pair), true) = (&self.native, signature == Signature::usual_for(self.kind)) {
            return pair.sign(message).map_err(|error| {
                Error::Certificate(format!("{:?} signature: {error}", self.kind))
            });
        }
        let key = openssl::temporary(self.pem.as_bytes())?;
        let path = key.path().to_string_lossy().into_owned();
        let mut arguments = vec!["dgst", signature.digest_option(), "-sign", &path];
        if signature.is_pss() {
            // The salt is as long as the digest, RFC 4055 section 3.1.
            arguments.extend([
                "-sigopt",
                "rsa_padding_mode:pss",
                "-sigopt",
                "rsa_pss_saltlen:digest",
            ]);
        }
        openssl::run(&arguments, message)
    }
}

fn generate_rsa(kind: KeyKind) -> Result<String> {
    let bits = kind.rsa_bits().unwrap_or("2048");
    let option = format!("rsa_keygen_bits:{bits}");
    text(openssl::run(
        &["genpkey", "-algorithm", "RSA", "-pkeyopt", &option],
        b"",
    )?)
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes)
        .map_err(|_| Error::Certificate("openssl wrote a key that is not PEM".into()))
}
