//! The signature algorithm that a certificate names (RFC 4055, RFC 5758,
//! RFC 8410).

use std::fmt;

use crate::trust::der::{self, NotDer, Reader, tag};

/// A digest that a signature is made over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Digest {
    /// MD5: collisions since 2004, a forged CA in 2008.
    Md5,
    /// SHA-1: collisions since 2017, chosen-prefix since 2020.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Digest {
    /// Octets of the digest.
    pub fn len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Never: there is no digest of no octets.
    pub fn is_empty(self) -> bool {
        false
    }

    /// Whether collisions can be made.
    pub fn is_broken(self) -> bool {
        matches!(self, Self::Md5 | Self::Sha1)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}

/// How a certificate says it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2).
    RsaPkcs1(Digest),
    /// RSASSA-PSS (RFC 8017 section 8.1).
    RsaPss {
        /// Digest of the message.
        digest: Digest,
        /// Digest of the mask generation function.
        mgf_digest: Digest,
        /// Octets of salt.
        salt_len: u32,
    },
    /// ECDSA (RFC 5758 section 3.2).
    Ecdsa(Digest),
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// DSA (RFC 3279 section 2.2.2, RFC 5758 section 3.1).
    Dsa,
    /// Another object identifier, or parameters that could not be read.
    Other(String),
}

impl SignatureAlgorithm {
    /// Reads an `AlgorithmIdentifier`, tag and length included.
    pub(crate) fn from_der(identifier: &[u8]) -> Result<Self, NotDer> {
        let mut fields = Reader::new(der::single(identifier, tag::SEQUENCE)?);
        let oid = fields.expect(tag::OID)?;
        Ok(match oid {
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last] => match last {
                4 => Self::RsaPkcs1(Digest::Md5),
                5 => Self::RsaPkcs1(Digest::Sha1),
                10 => pss(fields).unwrap_or_else(|_| Self::Other("RSASSA-PSS".into())),
                11 => Self::RsaPkcs1(Digest::Sha256),
                12 => Self::RsaPkcs1(Digest::Sha384),
                13 => Self::RsaPkcs1(Digest::Sha512),
                _ => Self::Other(der::dotted(oid)),
            },
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01] => Self::Ecdsa(Digest::Sha1),
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, last] => match last {
                2 => Self::Ecdsa(Digest::Sha256),
                3 => Self::Ecdsa(Digest::Sha384),
                4 => Self::Ecdsa(Digest::Sha512),
                _ => Self::Other(der::dotted(oid)),
            },
            [0x2b, 0x65, 0x70] => Self::Ed25519,
            [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03]
            | [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 1..=4] => Self::Dsa,
            _ => Self::Other(der::dotted(oid)),
        })
    }

    /// Whether such signatures can be checked here, see
    /// [`signature`](crate::trust::signature).
    pub fn is_supported(&self) -> bool {
        match self {
            Self::RsaPkcs1(digest) | Self::Ecdsa(digest) => !digest.is_broken(),
            Self::RsaPss {
                digest,
                mgf_digest,
                salt_len,
            } => {
                !digest.is_broken()
                    && mgf_digest == digest
                    && usize::try_from(*salt_len) == Ok(digest.len())
            }
            Self::Ed25519 => true,
            Self::Dsa | Self::Other(_) => false,
        }
    }

    /// The broken digest it relies on, if it does.
    pub fn broken_digest(&self) -> Option<Digest> {
        match self {
            Self::RsaPkcs1(digest) | Self::Ecdsa(digest) | Self::RsaPss { digest, .. }
                if digest.is_broken() =>
            {
                Some(*digest)
            }
            _ => None,
        }
    }
}

/// `RSASSA-PSS-params` (RFC 4055 section 3.1): every field has a default, and
/// the defaults are SHA-1.
fn pss(mut fields: Reader<'_>) -> Result<SignatureAlgorithm, NotDer> {
    let mut params = Reader::new(fields.expect(tag::SEQUENCE)?);
    fields.end()?;
    let digest = match params.optional(tag::context_constructed(0))? {
        None => Digest::Sha1,
        Some(explicit) => digest(der::single(explicit, tag::SEQUENCE)?)?,
    };
    let mgf_digest = match params.optional(tag::context_constructed(1))? {
        None => Digest::Sha1,
        Some(explicit) => {
            let mut mgf = Reader::new(der::single(explicit, tag::SEQUENCE)?);
            // id-mgf1
            if mgf.expect(tag::OID)? != [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08] {
                return Err(NotDer);
            }
            let inner = mgf.expect(tag::SEQUENCE)?;
            mgf.end()?;
            self::digest(inner)?
        }
    };
    let salt_len = match params.optional(tag::context_constructed(2))? {
        None => 20,
        Some(explicit) => {
            let mut number = Reader::new(explicit);
            let magnitude = number.unsigned()?;
            number.end()?;
            if magnitude.len() > 2 {
                return Err(NotDer);
            }
            magnitude
                .iter()
                .fold(0, |value, octet| (value << 8) | u32::from(*octet))
        }
    };
    // trailerField [3]: only 1 exists, which is the default and thus absent.
    params.end()?;
    Ok(SignatureAlgorithm::RsaPss {
        digest,
        mgf_digest,
        salt_len,
    })
}

fn digest(algorithm: &[u8]) -> Result<Digest, NotDer> {
    let mut fields = Reader::new(algorithm);
    let digest = match fields.expect(tag::OID)? {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05] => Digest::Md5,
        [0x2b, 0x0e, 0x03, 0x02, 0x1a] => Digest::Sha1,
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01] => Digest::Sha256,
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02] => Digest::Sha384,
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03] => Digest::Sha512,
        _ => return Err(NotDer),
    };
    // RFC 4055 section 2.1: NULL or absent, and both must be accepted.
    match fields.optional(tag::NULL)? {
        None | Some([]) => fields.end().map(|()| digest),
        Some(_) => Err(NotDer),
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RsaPkcs1(digest) => write!(f, "RSA with {digest}"),
            Self::RsaPss {
                digest,
                mgf_digest,
                salt_len,
            } => write!(
                f,
                "RSASSA-PSS with {digest}, MGF1 with {mgf_digest}, {salt_len} octets of salt"
            ),
            Self::Ecdsa(digest) => write!(f, "ECDSA with {digest}"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Dsa => f.write_str("DSA"),
            Self::Other(name) => f.write_str(name),
        }
    }
}
