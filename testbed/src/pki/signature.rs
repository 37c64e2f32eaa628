//! Signature algorithms of certificates, strong and weak, and their encodings.

use super::der;
use super::key::KeyKind;
use crate::error::{Error, Result};

/// How an authority signs a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signature {
    /// MD5, RSA only: broken since 2008.
    Md5,
    /// SHA-1: collisions since 2017.
    Sha1,
    /// SHA-256; with RSA: PKCS #1 v1.5.
    Sha256,
    /// SHA-384; with RSA: PKCS #1 v1.5.
    Sha384,
    /// SHA-512; with RSA: PKCS #1 v1.5.
    Sha512,
    /// RSASSA-PSS with SHA-256.
    PssSha256,
    /// RSASSA-PSS with SHA-384.
    PssSha384,
    /// Ed25519 hashes by itself.
    Ed25519,
}

impl Signature {
    /// What an authority with such a key uses when nothing else is asked for.
    pub(super) fn usual_for(kind: KeyKind) -> Self {
        match kind {
            KeyKind::P384 => Self::Sha384,
            KeyKind::P521 => Self::Sha512,
            KeyKind::Ed25519 => Self::Ed25519,
            KeyKind::P256
            | KeyKind::Rsa1024
            | KeyKind::Rsa2048
            | KeyKind::Rsa3072
            | KeyKind::Rsa4096
            | KeyKind::Dsa1024 => Self::Sha256,
        }
    }

    pub(super) fn digest_option(self) -> &'static str {
        match self {
            Self::Md5 => "-md5",
            Self::Sha1 => "-sha1",
            Self::Sha256 | Self::PssSha256 => "-sha256",
            Self::Sha384 | Self::PssSha384 => "-sha384",
            Self::Sha512 | Self::Ed25519 => "-sha512",
        }
    }

    pub(super) fn is_pss(self) -> bool {
        matches!(self, Self::PssSha256 | Self::PssSha384)
    }

    /// The AlgorithmIdentifier of this signature by a key of that kind.
    pub(super) fn identifier(self, kind: KeyKind) -> Result<Vec<u8>> {
        const NULL: &[u8] = &[0x05, 0x00];
        let (oid, parameters): (&[u8], Vec<u8>) = match (kind, self) {
            (kind, Self::PssSha256) if kind.is_rsa() => (&RSASSA_PSS, pss(SHA256, 32)),
            (kind, Self::PssSha384) if kind.is_rsa() => (&RSASSA_PSS, pss(SHA384, 48)),
            (kind, Self::Md5) if kind.is_rsa() => (&pkcs1(4), NULL.to_vec()),
            (kind, Self::Sha1) if kind.is_rsa() => (&pkcs1(5), NULL.to_vec()),
            (kind, Self::Sha256) if kind.is_rsa() => (&pkcs1(11), NULL.to_vec()),
            (kind, Self::Sha384) if kind.is_rsa() => (&pkcs1(12), NULL.to_vec()),
            (kind, Self::Sha512) if kind.is_rsa() => (&pkcs1(13), NULL.to_vec()),
            (KeyKind::P256 | KeyKind::P384 | KeyKind::P521, hash) => (
                match hash {
                    Self::Sha1 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01],
                    Self::Sha256 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
                    Self::Sha384 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03],
                    Self::Sha512 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04],
                    _ => return Err(self.impossible(kind)),
                },
                Vec::new(),
            ),
            (KeyKind::Dsa1024, Self::Sha1) => {
                (&[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03], Vec::new())
            }
            (KeyKind::Dsa1024, Self::Sha256) => (
                &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x02],
                Vec::new(),
            ),
            (KeyKind::Ed25519, Self::Ed25519) => (&[0x2b, 0x65, 0x70], Vec::new()),
            _ => return Err(self.impossible(kind)),
        };
        Ok(der::encode(
            der::SEQUENCE,
            &[&der::encode(OBJECT_IDENTIFIER, &[oid]), &parameters],
        ))
    }

    fn impossible(self, kind: KeyKind) -> Error {
        Error::Certificate(format!("a key of kind {kind:?} cannot sign with {self:?}"))
    }
}

const OBJECT_IDENTIFIER: u8 = 0x06;
/// 1.2.840.113549.1.1.10, RFC 8017 appendix A.2.3.
const RSASSA_PSS: [u8; 9] = pkcs1(10);
/// 2.16.840.1.101.3.4.2.n, RFC 8017 appendix B.1.
const SHA256: u8 = 1;
const SHA384: u8 = 2;

/// 1.2.840.113549.1.1.`arc`, RFC 8017 appendix A.2.
const fn pkcs1(arc: u8) -> [u8; 9] {
    [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, arc]
}

/// RSASSA-PSS-params with MGF1 over the same hash, RFC 4055 section 3.1.
fn pss(hash: u8, salt: u8) -> Vec<u8> {
    let hash_oid = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, hash];
    let hash = der::encode(
        der::SEQUENCE,
        &[&der::encode(OBJECT_IDENTIFIER, &[&hash_oid]), &[0x05, 0x00]],
    );
    let mgf1 = der::encode(OBJECT_IDENTIFIER, &[&pkcs1(8)]);
    let mask = der::encode(der::SEQUENCE, &[&mgf1, &hash]);
    let salt = der::encode(der::INTEGER, &[&[salt]]);
    der::encode(
        der::SEQUENCE,
        &[
            &der::encode(0xa0, &[&hash]),
            &der::encode(0xa1, &[&mask]),
            &der::encode(0xa2, &[&salt]),
        ],
    )
}
