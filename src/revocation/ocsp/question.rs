//! Which certificate an answer is wanted for: `CertID` (RFC 6960
//! section 4.1.1).

use std::fmt::{self, Write as _};

use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::encoding::tag;
use crate::trust::der::{self, NotDer, Reader};
use crate::trust::{Certificate, Digest, VerifiedChain};

/// "Is this certificate revoked?", for the one who may answer: its issuer.
#[derive(Clone, Copy, Debug)]
pub struct Question<'c> {
    /// The certificate asked about.
    pub leaf: &'c Certificate,
    /// The certificate of the CA that issued it, from a verified path: nothing
    /// here finds out whether it did.
    pub issuer: &'c Certificate,
}

impl<'c> Question<'c> {
    /// The question about a trusted leaf. `None` for a pinned one: nobody but
    /// the operator, who pinned it, can say anything about it.
    pub fn of(leaf: &'c Certificate, chain: &'c VerifiedChain) -> Option<Self> {
        let issuer = chain.issuer()?;
        Some(Self { leaf, issuer })
    }

    /// The same for the same certificate of the same issuer.
    pub fn cache_key(&self) -> CacheKey {
        CacheKey {
            issuer_name: Sha256::digest(self.issuer_name()).into(),
            issuer_key: Sha256::digest(key_bits(self.issuer)).into(),
            serial: self.leaf.serial().to_vec(),
        }
    }

    /// "The hash shall be calculated over the DER encoding of the issuer's name
    /// field in the certificate being checked."
    fn issuer_name(&self) -> &'c [u8] {
        self.leaf.issuer_der()
    }

    /// The content of a `CertID`.
    pub(super) fn cert_id(&self, hash: CertIdHash) -> Vec<u8> {
        let algorithm = hash.digest();
        let mut content = der::wrap(tag::SEQUENCE, hash.algorithm());
        for hashed in [self.issuer_name(), key_bits(self.issuer)] {
            content.extend(der::wrap(tag::OCTET_STRING, &digest(algorithm, hashed)));
        }
        content.extend(der::wrap(tag::INTEGER, self.leaf.serial()));
        content
    }

    /// Whether a `CertID`, hashed as it says, means this certificate. One whose
    /// hash is unknown here means nothing.
    pub(super) fn is_about(&self, cert_id: &CertId<'_>) -> bool {
        let Some(algorithm) = cert_id.algorithm else {
            return false;
        };
        // The serial number first: it costs nothing.
        cert_id.serial == self.leaf.serial()
            && cert_id.issuer_name_hash == digest(algorithm, self.issuer_name())
            && cert_id.issuer_key_hash == digest(algorithm, key_bits(self.issuer))
    }
}

/// The hash of a question's `CertID`. It keeps no secret and proves nothing: it
/// is how the responder looks the issuer up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CertIdHash {
    /// What every responder knows: RFC 5019 section 2.1.1 demands it, and
    /// answers signed beforehand are filed under it. That collisions can be made
    /// does not matter: the issuer's name and key come from a verified path.
    #[default]
    Sha1,
    /// For responders that have done away with SHA-1.
    Sha256,
}

impl CertIdHash {
    fn digest(self) -> Digest {
        match self {
            Self::Sha1 => Digest::Sha1,
            Self::Sha256 => Digest::Sha256,
        }
    }

    /// The content of the `AlgorithmIdentifier`, with the NULL that OpenSSL and
    /// Go write: responders with answers signed beforehand compare octets.
    fn algorithm(self) -> &'static [u8] {
        match self {
            Self::Sha1 => &[0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00],
            Self::Sha256 => &[
                0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
            ],
        }
    }
}

/// A `CertID` as a responder wrote it.
#[derive(Clone, Copy)]
pub(super) struct CertId<'a> {
    algorithm: Option<Digest>,
    issuer_name_hash: &'a [u8],
    issuer_key_hash: &'a [u8],
    serial: &'a [u8],
}

impl<'a> CertId<'a> {
    /// Reads the content of a `CertID`.
    pub(super) fn parse(content: &'a [u8]) -> Result<Self, NotDer> {
        let mut fields = Reader::new(content);
        let read = Self {
            algorithm: hash_algorithm(fields.expect(tag::SEQUENCE)?)?,
            issuer_name_hash: fields.expect(tag::OCTET_STRING)?,
            issuer_key_hash: fields.expect(tag::OCTET_STRING)?,
            serial: fields.expect(tag::INTEGER)?,
        };
        fields.end()?;
        Ok(read)
    }
}

/// `None` is a well-formed one that is unknown here. RFC 5754 section 2 has no
/// parameters, practice has NULL: "implementations MUST accept" both.
fn hash_algorithm(content: &[u8]) -> Result<Option<Digest>, NotDer> {
    let mut fields = Reader::new(content);
    let algorithm = match fields.expect(tag::OID)? {
        [0x2b, 0x0e, 0x03, 0x02, 0x1a] => Digest::Sha1,
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last] => match last {
            1 => Digest::Sha256,
            2 => Digest::Sha384,
            3 => Digest::Sha512,
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    match fields.optional(tag::NULL)? {
        None | Some([]) => fields.end().map(|()| Some(algorithm)),
        Some(_) => Err(NotDer),
    }
}

/// Who is asked about whom, in a form that stays the same from one process to
/// the next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheKey {
    issuer_name: [u8; 32],
    issuer_key: [u8; 32],
    serial: Vec<u8>,
}

impl fmt::Display for CacheKey {
    /// `NAME.KEY.SERIAL` in hexadecimal, for stores that want text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in [&self.issuer_name[..], &self.issuer_key, &self.serial]
            .into_iter()
            .enumerate()
        {
            if index > 0 {
                f.write_char('.')?;
            }
            for octet in part {
                write!(f, "{octet:02x}")?;
            }
        }
        Ok(())
    }
}

/// SHA-1 over a key, as `KeyHash` has it (RFC 6960 section 4.2.1).
pub(super) fn key_hash(certificate: &Certificate) -> [u8; 20] {
    Sha1::digest(key_bits(certificate)).into()
}

/// The `subjectPublicKey` "excluding the tag, length, and number of unused
/// bits".
fn key_bits(certificate: &Certificate) -> &[u8] {
    let bits = || {
        let mut spki = Reader::new(der::single(certificate.spki(), tag::SEQUENCE)?);
        spki.expect(tag::SEQUENCE)?;
        match spki.expect(tag::BIT_STRING)? {
            [0, bits @ ..] => Ok(bits),
            _ => Err(NotDer),
        }
    };
    // A certificate with another form of key is not parsed.
    bits().unwrap_or_default()
}

fn digest(algorithm: Digest, bytes: &[u8]) -> Vec<u8> {
    match algorithm {
        // No CertID with MD5 is ever read as one.
        Digest::Md5 => Vec::new(),
        Digest::Sha1 => Sha1::digest(bytes).to_vec(),
        Digest::Sha256 => Sha256::digest(bytes).to_vec(),
        Digest::Sha384 => Sha384::digest(bytes).to_vec(),
        Digest::Sha512 => Sha512::digest(bytes).to_vec(),
    }
}
