//! Signatures over a digest that was made in steps.
//!
//! [`signature::check`] digests a message in one go, which for a long one takes
//! longer than a proxy may stand still.

use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rsa::{BoxedUint, Pkcs1v15Sign, Pss, PublicKey};
use rustls_pki_types::SignatureVerificationAlgorithm as _;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::trust::certificate::rsa_key::RsaKey;
use crate::trust::der::{self, NotDer, Reader, tag};
use crate::trust::{Digest, NoHost, SignatureAlgorithm, SignatureScheme, TrustError, signature};

/// A digest in the making.
#[derive(Clone, Debug)]
pub(super) enum Hasher {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Hasher {
    /// For the digest of this algorithm; `None` where there is none that could
    /// be made beforehand (Ed25519, RFC 8032 section 5.1.7).
    ///
    /// # Errors
    ///
    /// [`TrustError::SignatureAlgorithmWeak`] or
    /// [`TrustError::SignatureAlgorithmUnsupported`].
    pub(super) fn for_algorithm(algorithm: &[u8]) -> Result<Option<Self>, TrustError> {
        let named = named(algorithm)?;
        let digest = match &named {
            SignatureAlgorithm::RsaPkcs1(digest)
            | SignatureAlgorithm::RsaPss { digest, .. }
            | SignatureAlgorithm::Ecdsa(digest) => *digest,
            SignatureAlgorithm::Ed25519 => return Ok(None),
            SignatureAlgorithm::Dsa | SignatureAlgorithm::Other(_) => {
                return Err(unsupported(&named));
            }
        };
        match digest {
            Digest::Sha256 => Ok(Some(Self::Sha256(Sha256::new()))),
            Digest::Sha384 => Ok(Some(Self::Sha384(Sha384::new()))),
            Digest::Sha512 => Ok(Some(Self::Sha512(Sha512::new()))),
            Digest::Md5 | Digest::Sha1 => {
                Err(TrustError::SignatureAlgorithmWeak(named.to_string().into()))
            }
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha384(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha256(hasher) => hasher.finalize().to_vec(),
            Self::Sha384(hasher) => hasher.finalize().to_vec(),
            Self::Sha512(hasher) => hasher.finalize().to_vec(),
        }
    }
}

/// As [`signature::check`], for a message of which the algorithm's digest is
/// known. The same keys and signatures are taken.
///
/// # Errors
///
/// Those of [`signature::check`].
pub(super) fn check(
    spki: &[u8],
    algorithm: &[u8],
    digest: &[u8],
    signature: &[u8],
) -> Result<(), TrustError> {
    let named = named(algorithm)?;
    let identifier = der::single(algorithm, tag::SEQUENCE).map_err(malformed)?;
    let (key_algorithm, key) = split_spki(spki).map_err(malformed)?;
    let scheme = signature::all(&NoHost)
        .into_iter()
        .find(|known| {
            known.signature_alg_id().as_ref() == identifier
                && known.public_key_alg_id().as_ref() == key_algorithm
        })
        .map(|known| known.scheme())
        .ok_or_else(|| unsupported(&named))?;
    if accepts(scheme, key, digest, signature).is_some_and(|accepted| accepted) {
        Ok(())
    } else {
        Err(TrustError::SignatureInvalid)
    }
}

/// `None` for a key or a signature of the wrong form.
fn accepts(scheme: SignatureScheme, key: &[u8], digest: &[u8], signature: &[u8]) -> Option<bool> {
    use SignatureScheme as S;
    match scheme {
        S::RsaPkcs1Sha256
        | S::RsaPkcs1Sha384
        | S::RsaPkcs1Sha512
        | S::RsaPssSha256
        | S::RsaPssSha384
        | S::RsaPssSha512 => rsa(scheme, key, digest, signature),
        S::EcdsaP256Sha256 | S::EcdsaP256Sha384 | S::EcdsaP256Sha512 => {
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(uncompressed(key, 65)?).ok()?;
            let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
            Some(key.verify_prehash(digest, &signature).is_ok())
        }
        S::EcdsaP384Sha256 | S::EcdsaP384Sha384 | S::EcdsaP384Sha512 => {
            let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(uncompressed(key, 97)?).ok()?;
            let signature = p384::ecdsa::Signature::from_der(signature).ok()?;
            Some(key.verify_prehash(digest, &signature).is_ok())
        }
        S::Ed25519 => None,
    }
}

fn rsa(scheme: SignatureScheme, key: &[u8], digest: &[u8], signature: &[u8]) -> Option<bool> {
    let key = RsaKey::parse(key).ok()?;
    // RFC 8017 section 8.2.2 step 1.
    if !key.is_acceptable() || signature.len() != key.modulus.len() {
        return None;
    }
    let n = BoxedUint::from_be_slice_vartime(key.modulus);
    let e = BoxedUint::from_be_slice_vartime(key.exponent);
    let key = PublicKey::new(n, e).ok()?;
    let kind = scheme.digest()?;
    let verified = match (scheme.is_pss(), kind) {
        (true, Digest::Sha256) => key.verify(Pss::<Sha256>::new(), digest, signature),
        (true, Digest::Sha384) => key.verify(Pss::<Sha384>::new(), digest, signature),
        (true, Digest::Sha512) => key.verify(Pss::<Sha512>::new(), digest, signature),
        (false, kind) => {
            let padding = Pkcs1v15Sign {
                hash_len: Some(kind.len()),
                prefix: digest_info(kind)?.into(),
            };
            key.verify(padding, digest, signature)
        }
        (true, Digest::Md5 | Digest::Sha1) => return None,
    };
    Some(verified.is_ok())
}

/// `DigestInfo` up to the digest (RFC 8017 section 9.2 note 1).
fn digest_info(digest: Digest) -> Option<[u8; 19]> {
    let (last, len) = match digest {
        Digest::Sha256 => (1, 0x20),
        Digest::Sha384 => (2, 0x30),
        Digest::Sha512 => (3, 0x40),
        Digest::Md5 | Digest::Sha1 => return None,
    };
    Some([
        0x30,
        0x11 + len,
        0x30,
        0x0d,
        0x06,
        0x09,
        0x60,
        0x86,
        0x48,
        0x01,
        0x65,
        0x03,
        0x04,
        0x02,
        last,
        0x05,
        0x00,
        0x04,
        len,
    ])
}

/// RFC 5480 section 2.2, the form that everybody must support.
fn uncompressed(point: &[u8], len: usize) -> Option<&[u8]> {
    (point.len() == len && point.first() == Some(&4)).then_some(point)
}

fn split_spki(spki: &[u8]) -> Result<(&[u8], &[u8]), NotDer> {
    let mut fields = Reader::new(der::single(spki, tag::SEQUENCE)?);
    let algorithm = fields.expect(tag::SEQUENCE)?;
    match fields.expect(tag::BIT_STRING)? {
        [0, key @ ..] => fields.end().map(|()| (algorithm, key)),
        _ => Err(NotDer),
    }
}

fn named(algorithm: &[u8]) -> Result<SignatureAlgorithm, TrustError> {
    SignatureAlgorithm::from_der(algorithm).map_err(malformed)
}

fn malformed(_: NotDer) -> TrustError {
    TrustError::Malformed("signature algorithm or key".into())
}

fn unsupported(named: &SignatureAlgorithm) -> TrustError {
    TrustError::SignatureAlgorithmUnsupported(named.to_string().into())
}
