//! The public key of a certificate (RFC 3279 section 2.3, RFC 5480, RFC 8410).

use std::fmt;

use super::rsa_key::RsaKey;
use crate::trust::der::{self, NotDer, Reader, tag};

const ID_RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const ID_RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const ID_DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];
const ID_EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ID_ED25519: &[u8] = &[0x2b, 0x65, 0x70];

const ID_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const ID_P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const ID_P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];

/// A named curve of NIST SP 800-186 (RFC 5480 section 2.1.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Curve {
    /// secp256r1.
    P256,
    /// secp384r1.
    P384,
    /// secp521r1.
    P521,
}

impl Curve {
    /// Octets of an uncompressed point (SEC 1 section 2.3.3).
    fn point_len(self) -> usize {
        match self {
            Self::P256 => 65,
            Self::P384 => 97,
            Self::P521 => 133,
        }
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        })
    }
}

/// What kind of key a certificate carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// `rsaEncryption`.
    Rsa {
        /// Bits of the modulus.
        bits: u32,
        /// The public exponent; one of more than 64 bits is told as `u64::MAX`.
        exponent: u64,
        /// Whether modulus and exponent are both odd, as in any real key.
        odd: bool,
    },
    /// `id-ecPublicKey` on a named curve.
    Ec(Curve),
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// Anything else, named for the log: DSA, other curves, explicit
    /// parameters, `id-RSASSA-PSS` (which BoringSSL has no TLS support for).
    Other(String),
}

impl PublicKey {
    /// Reads the algorithm and key bits of a `SubjectPublicKeyInfo`.
    pub(crate) fn from_spki(spki_der: &[u8]) -> Result<Self, NotDer> {
        let mut spki = Reader::new(der::single(spki_der, tag::SEQUENCE)?);
        let mut algorithm = Reader::new(spki.expect(tag::SEQUENCE)?);
        let bits = match spki.expect(tag::BIT_STRING)? {
            [0, bits @ ..] => bits,
            _ => return Err(NotDer),
        };
        spki.end()?;
        match algorithm.expect(tag::OID)? {
            ID_RSA_ENCRYPTION => {
                // RFC 3279 section 2.3.1: the parameters are NULL.
                if !algorithm.expect(tag::NULL)?.is_empty() {
                    return Err(NotDer);
                }
                algorithm.end()?;
                let key = RsaKey::parse(bits)?;
                Ok(Self::Rsa {
                    bits: key.bits(),
                    exponent: key.exponent(),
                    odd: key.is_odd(),
                })
            }
            ID_EC_PUBLIC_KEY => Self::ec(algorithm, bits),
            ID_ED25519 => {
                algorithm.end()?;
                if bits.len() == 32 {
                    Ok(Self::Ed25519)
                } else {
                    Err(NotDer)
                }
            }
            ID_DSA => Ok(Self::Other("DSA".into())),
            ID_RSASSA_PSS => Ok(Self::Other("RSASSA-PSS".into())),
            other => Ok(Self::Other(der::dotted(other))),
        }
    }

    fn ec(mut parameters: Reader<'_>, point: &[u8]) -> Result<Self, NotDer> {
        let curve = match parameters.any()? {
            (tag::OID, ID_P256) => Curve::P256,
            (tag::OID, ID_P384) => Curve::P384,
            (tag::OID, ID_P521) => Curve::P521,
            (tag::OID, other) => return Ok(Self::Other(format!("EC {}", der::dotted(other)))),
            // RFC 5480 section 2.1.1: specifiedCurve MUST NOT be used
            // (CVE-2020-0601 was a verifier that trusted its generator).
            _ => return Ok(Self::Other("EC with explicit parameters".into())),
        };
        parameters.end()?;
        // RFC 5480 section 2.2: uncompressed is what everybody must support.
        // ring refuses compressed points, BoringSSL takes them: refused here,
        // so that the verdict does not depend on who checks.
        if point.len() == curve.point_len() && point.first() == Some(&4) {
            Ok(Self::Ec(curve))
        } else {
            Ok(Self::Other(format!(
                "{curve} with a point that is not uncompressed"
            )))
        }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits, .. } => write!(f, "RSA {bits}"),
            Self::Ec(curve) => write!(f, "{curve}"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Other(name) => f.write_str(name),
        }
    }
}
