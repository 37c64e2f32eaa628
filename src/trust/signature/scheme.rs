//! Signature schemes and the algorithm identifiers that stand for them.

use rustls_pki_types::{AlgorithmIdentifier, alg_id};

use crate::trust::certificate::algorithm::Digest;

/// Signature schemes that can be checked: algorithm, key and digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each name is its own definition")]
pub enum SignatureScheme {
    RsaPkcs1Sha256,
    RsaPkcs1Sha384,
    RsaPkcs1Sha512,
    RsaPssSha256,
    RsaPssSha384,
    RsaPssSha512,
    EcdsaP256Sha256,
    EcdsaP256Sha384,
    EcdsaP256Sha512,
    EcdsaP384Sha256,
    EcdsaP384Sha384,
    EcdsaP384Sha512,
    Ed25519,
}

impl SignatureScheme {
    /// The digest of the message; Ed25519 takes the message itself.
    pub fn digest(self) -> Option<Digest> {
        Some(match self {
            Self::RsaPkcs1Sha256
            | Self::RsaPssSha256
            | Self::EcdsaP256Sha256
            | Self::EcdsaP384Sha256 => Digest::Sha256,
            Self::RsaPkcs1Sha384
            | Self::RsaPssSha384
            | Self::EcdsaP256Sha384
            | Self::EcdsaP384Sha384 => Digest::Sha384,
            Self::RsaPkcs1Sha512
            | Self::RsaPssSha512
            | Self::EcdsaP256Sha512
            | Self::EcdsaP384Sha512 => Digest::Sha512,
            Self::Ed25519 => return None,
        })
    }

    /// Whether the padding is RSASSA-PSS.
    pub fn is_pss(self) -> bool {
        matches!(
            self,
            Self::RsaPssSha256 | Self::RsaPssSha384 | Self::RsaPssSha512
        )
    }
}

/// One scheme and the algorithm identifiers that stand for it in a
/// `SubjectPublicKeyInfo` and beside a signature.
pub(super) struct Entry {
    pub(super) scheme: SignatureScheme,
    pub(super) key: AlgorithmIdentifier,
    pub(super) signature: AlgorithmIdentifier,
}

/// RFC 4055 section 5: the parameters MUST be NULL, and "implementations MUST
/// accept the parameters being absent as well as present".
const RSA_SHA256_NO_PARAMETERS: AlgorithmIdentifier = pkcs1_without_parameters(&[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b,
]);
const RSA_SHA384_NO_PARAMETERS: AlgorithmIdentifier = pkcs1_without_parameters(&[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c,
]);
const RSA_SHA512_NO_PARAMETERS: AlgorithmIdentifier = pkcs1_without_parameters(&[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d,
]);

const fn pkcs1_without_parameters(der: &'static [u8; 11]) -> AlgorithmIdentifier {
    AlgorithmIdentifier::from_slice(der)
}

const fn entry(
    scheme: SignatureScheme,
    key: AlgorithmIdentifier,
    signature: AlgorithmIdentifier,
) -> Entry {
    Entry {
        scheme,
        key,
        signature,
    }
}

/// Number of algorithm identifier pairs that are known.
pub const COUNT: usize = 16;

/// The common ones first: the list is searched in order. RSASSA-PSS is listed
/// with salts as long as the digest and MGF1 over the same digest, which is all
/// that TLS 1.3 and public CAs use; other parameters are other identifiers and
/// so unsupported.
pub(super) static ENTRIES: [Entry; COUNT] = {
    use SignatureScheme as S;
    use alg_id as id;
    [
        entry(S::EcdsaP256Sha256, id::ECDSA_P256, id::ECDSA_SHA256),
        entry(S::EcdsaP384Sha384, id::ECDSA_P384, id::ECDSA_SHA384),
        entry(S::RsaPkcs1Sha256, id::RSA_ENCRYPTION, id::RSA_PKCS1_SHA256),
        entry(S::RsaPkcs1Sha384, id::RSA_ENCRYPTION, id::RSA_PKCS1_SHA384),
        entry(S::RsaPkcs1Sha512, id::RSA_ENCRYPTION, id::RSA_PKCS1_SHA512),
        entry(S::EcdsaP256Sha384, id::ECDSA_P256, id::ECDSA_SHA384),
        entry(S::EcdsaP256Sha512, id::ECDSA_P256, id::ECDSA_SHA512),
        entry(S::EcdsaP384Sha256, id::ECDSA_P384, id::ECDSA_SHA256),
        entry(S::EcdsaP384Sha512, id::ECDSA_P384, id::ECDSA_SHA512),
        entry(S::Ed25519, id::ED25519, id::ED25519),
        entry(S::RsaPssSha256, id::RSA_ENCRYPTION, id::RSA_PSS_SHA256),
        entry(S::RsaPssSha384, id::RSA_ENCRYPTION, id::RSA_PSS_SHA384),
        entry(S::RsaPssSha512, id::RSA_ENCRYPTION, id::RSA_PSS_SHA512),
        entry(
            S::RsaPkcs1Sha256,
            id::RSA_ENCRYPTION,
            RSA_SHA256_NO_PARAMETERS,
        ),
        entry(
            S::RsaPkcs1Sha384,
            id::RSA_ENCRYPTION,
            RSA_SHA384_NO_PARAMETERS,
        ),
        entry(
            S::RsaPkcs1Sha512,
            id::RSA_ENCRYPTION,
            RSA_SHA512_NO_PARAMETERS,
        ),
    ]
};
