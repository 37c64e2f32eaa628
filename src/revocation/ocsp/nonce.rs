//! Binding an answer to a question: the nonce (RFC 9654, which obsoletes
//! RFC 8954 and replaces RFC 6960 section 4.4.1).

use super::encoding::tag;
use crate::trust::der::{self, NotDer};

/// id-pkix-ocsp-nonce.
pub(super) const ID_NONCE: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02];

/// Octets of a nonce that a response may hold (RFC 9654 section 2.1).
const LENGTHS: std::ops::RangeInclusive<usize> = 1..=128;

/// The nonce of a question. RFC 9654 section 2.1 wants 32 octets of every newer
/// client, which is also as long as RFC 8954 let one be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce([u8; 32]);

impl Nonce {
    /// `random` must be new and from a source that nobody can predict.
    pub fn new(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// The extension that asks for it.
    pub(super) fn extension(&self) -> Vec<u8> {
        let value = der::wrap(tag::OCTET_STRING, &self.0);
        let mut extension = der::wrap(tag::OID, ID_NONCE);
        extension.extend(der::wrap(tag::OCTET_STRING, &value));
        der::wrap(tag::SEQUENCE, &extension)
    }
}

/// What is expected of an answer's nonce.
///
/// Responders that sign beforehand, as RFC 5019 has it, cannot know any: a
/// demand for one is for an own responder that is known to sign on demand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NonceDemand {
    /// None was sent. One that comes all the same was another's, and the answer
    /// is as good as one without.
    #[default]
    NotSent,
    /// This one was sent. None may come back, but no other.
    IfPresent(Nonce),
    /// This one was sent and must come back.
    Required(Nonce),
}

impl NonceDemand {
    /// The nonce to send.
    pub fn nonce(&self) -> Option<&Nonce> {
        match self {
            Self::NotSent => None,
            Self::IfPresent(nonce) | Self::Required(nonce) => Some(nonce),
        }
    }
}

/// Reads the value of a response's nonce extension.
pub(super) fn parse(value: &[u8]) -> Result<&[u8], NotDer> {
    let nonce = der::single(value, tag::OCTET_STRING)?;
    if LENGTHS.contains(&nonce.len()) {
        Ok(nonce)
    } else {
        Err(NotDer)
    }
}

/// Whether an answer's nonce is the expected one.
pub(super) fn check(demand: &NonceDemand, present: Option<&[u8]>) -> Result<(), NonceFault> {
    match (demand, present) {
        (NonceDemand::NotSent, _) | (NonceDemand::IfPresent(_), None) => Ok(()),
        (NonceDemand::Required(_), None) => Err(NonceFault::Missing),
        (NonceDemand::IfPresent(sent) | NonceDemand::Required(sent), Some(present)) => {
            if sent.0.as_slice() == present {
                Ok(())
            } else {
                Err(NonceFault::Other)
            }
        }
    }
}

/// What is wrong with an answer's nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceFault {
    /// One is required, none is there.
    Missing,
    /// Not the one that was sent: an answer to another question.
    Other,
}
