//! What is signed, how, and the signature: the three fields that a certificate
//! (RFC 5280 section 4.1) and a basic response begin with.

use super::encoding::{self, tag};
use crate::trust::TrustError;
use crate::trust::der::{self, NotDer, Reader};

/// Whether the key in a `SubjectPublicKeyInfo` made a signature.
pub(super) type Check<'c> = &'c dyn Fn(&[u8], &Signed<'_>) -> Result<(), TrustError>;

/// A signed value.
#[derive(Clone, Copy)]
pub(super) struct Signed<'a> {
    /// The octets that the signature is over, as they came: header included.
    pub(super) message: &'a [u8],
    /// The same without the header.
    pub(super) content: &'a [u8],
    /// The whole `AlgorithmIdentifier`.
    pub(super) algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Reads the first three fields of `value`; the rest is to be read.
    pub(super) fn split(value: &'a [u8]) -> Result<(Self, Reader<'a>), NotDer> {
        let mut rest = der::single(value, tag::SEQUENCE)?;
        let message = encoding::whole(&mut rest)?;
        let content = der::single(message, tag::SEQUENCE)?;
        let algorithm = encoding::whole(&mut rest)?;
        der::single(algorithm, tag::SEQUENCE)?;
        let mut rest = Reader::new(rest);
        match rest.expect(tag::BIT_STRING)? {
            [0, signature @ ..] => {
                let signed = Self {
                    message,
                    content,
                    algorithm,
                    signature,
                };
                Ok((signed, rest))
            }
            _ => Err(NotDer),
        }
    }
}
