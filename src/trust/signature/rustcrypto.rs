//! The in-process way of checking a signature, and the strict form of keys and
//! signatures that both ways share.

use ed25519_dalek::{Signature as Ed25519Signature, VerifyingKey as Ed25519Key};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rsa::{BoxedUint, Pkcs1v15Sign, Pss, PublicKey};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::scheme::SignatureScheme;
use crate::trust::certificate::algorithm::Digest;
use crate::trust::certificate::rsa_key::RsaKey;

/// A key and a signature of the right form for a scheme: whether they belong
/// together is all that is left to find out.
pub(crate) struct Checkable<'a> {
    scheme: SignatureScheme,
    form: Form<'a>,
}

enum Form<'a> {
    Rsa {
        key: RsaKey<'a>,
        signature: &'a [u8],
    },
    P256 {
        point: &'a [u8],
        signature: p256::ecdsa::Signature,
    },
    P384 {
        point: &'a [u8],
        signature: Box<p384::ecdsa::Signature>,
    },
    Ed25519 {
        key: &'a [u8; 32],
        signature: &'a [u8; 64],
    },
}

impl<'a> Checkable<'a> {
    /// `None` for anything that one implementation might take and another not:
    ///
    /// - RSA: modulus and exponent within [`rsa_key`](crate::trust::certificate::rsa_key)'s bounds
    ///   and odd, and a signature as long as the modulus (RFC 8017
    ///   section 8.2.2 step 1);
    /// - ECDSA: an uncompressed point (see [`key`](crate::trust::certificate::key)), a signature in
    ///   DER with r and s in 1..n (RFC 3279 section 2.2.3, X9.62);
    /// - Ed25519: 32 and 64 octets.
    pub(crate) fn new(
        scheme: SignatureScheme,
        key_bits: &'a [u8],
        signature: &'a [u8],
    ) -> Option<Self> {
        use SignatureScheme as S;
        let form = match scheme {
            S::RsaPkcs1Sha256
            | S::RsaPkcs1Sha384
            | S::RsaPkcs1Sha512
            | S::RsaPssSha256
            | S::RsaPssSha384
            | S::RsaPssSha512 => {
                let key = RsaKey::parse(key_bits).ok()?;
                if !key.is_acceptable() || signature.len() != key.modulus.len() {
                    return None;
                }
                Form::Rsa { key, signature }
            }
            S::EcdsaP256Sha256 | S::EcdsaP256Sha384 | S::EcdsaP256Sha512 => Form::P256 {
                point: uncompressed(key_bits, 65)?,
                signature: p256::ecdsa::Signature::from_der(signature).ok()?,
            },
            S::EcdsaP384Sha256 | S::EcdsaP384Sha384 | S::EcdsaP384Sha512 => Form::P384 {
                point: uncompressed(key_bits, 97)?,
                signature: Box::new(p384::ecdsa::Signature::from_der(signature).ok()?),
            },
            S::Ed25519 => Form::Ed25519 {
                key: key_bits.try_into().ok()?,
                signature: signature.try_into().ok()?,
            },
        };
        Some(Self { scheme, form })
    }

    /// Whether the signature over `message` was made by the key.
    pub(crate) fn verify(&self, message: &[u8]) -> bool {
        match &self.form {
            Form::Rsa { key, signature } => self.rsa(key, message, signature),
            Form::P256 { point, signature } => p256::ecdsa::VerifyingKey::from_sec1_bytes(point)
                .is_ok_and(|key| key.verify_prehash(&self.digest(message), signature).is_ok()),
            Form::P384 { point, signature } => p384::ecdsa::VerifyingKey::from_sec1_bytes(point)
                .is_ok_and(|key| {
                    key.verify_prehash(&self.digest(message), signature.as_ref())
                        .is_ok()
                }),
            // Strict: neither key nor R of small order, so that a signature
            // binds to one key and one message (RFC 8032 section 8.4).
            Form::Ed25519 { key, signature } => Ed25519Key::from_bytes(key).is_ok_and(|key| {
                key.verify_strict(message, &Ed25519Signature::from_bytes(signature))
                    .is_ok()
            }),
        }
    }

    fn rsa(&self, key: &RsaKey<'_>, message: &[u8], signature: &[u8]) -> bool {
        let n = BoxedUint::from_be_slice_vartime(key.modulus);
        let e = BoxedUint::from_be_slice_vartime(key.exponent);
        let Ok(key) = PublicKey::new(n, e) else {
            return false;
        };
        let Some(digest) = self.scheme.digest() else {
            return false;
        };
        let hash = self.digest(message);
        let verified = if self.scheme.is_pss() {
            match digest {
                Digest::Sha256 => key.verify(Pss::<Sha256>::new(), &hash, signature),
                Digest::Sha384 => key.verify(Pss::<Sha384>::new(), &hash, signature),
                Digest::Sha512 => key.verify(Pss::<Sha512>::new(), &hash, signature),
                Digest::Md5 | Digest::Sha1 => return false,
            }
        } else {
            let Some(prefix) = digest_info(digest) else {
                return false;
            };
            let padding = Pkcs1v15Sign {
                hash_len: Some(digest.len()),
                prefix: prefix.into(),
            };
            key.verify(padding, &hash, signature)
        };
        verified.is_ok()
    }

    fn digest(&self, message: &[u8]) -> Vec<u8> {
        match self.scheme.digest() {
            Some(Digest::Sha256) => Sha256::digest(message).to_vec(),
            Some(Digest::Sha384) => Sha384::digest(message).to_vec(),
            Some(Digest::Sha512) => Sha512::digest(message).to_vec(),
            Some(Digest::Md5 | Digest::Sha1) | None => Vec::new(),
        }
    }
}

/// SEC 1 section 2.3.3, the form of RFC 5480 section 2.2 that everybody must
/// support.
fn uncompressed(point: &[u8], len: usize) -> Option<&[u8]> {
    (point.len() == len && point.first() == Some(&4)).then_some(point)
}

/// `DigestInfo` up to the digest (RFC 8017 section 9.2 note 1).
fn digest_info(digest: Digest) -> Option<&'static [u8]> {
    Some(match digest {
        Digest::Sha256 => &[
            0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
            0x01, 0x05, 0x00, 0x04, 0x20,
        ],
        Digest::Sha384 => &[
            0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
            0x02, 0x05, 0x00, 0x04, 0x30,
        ],
        Digest::Sha512 => &[
            0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
            0x03, 0x05, 0x00, 0x04, 0x40,
        ],
        Digest::Md5 | Digest::Sha1 => return None,
    })
}
