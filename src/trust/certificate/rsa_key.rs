//! `RSAPublicKey` (RFC 8017 appendix A.1.1) and the bounds on it.

use crate::trust::der::{self, NotDer, Reader, tag};

/// Bounds within which a signature is checked at all. Below 1,024 bits a key is
/// no evidence; above 8,192 the check costs more than a peer may cause.
pub(crate) const MODULUS_BITS: std::ops::RangeInclusive<u32> = 1024..=8192;

/// BoringSSL and RustCrypto both stop at 33 bits ("RSADoS"), and 1 is no
/// encryption.
pub(crate) const EXPONENT: std::ops::RangeInclusive<u64> = 3..=(1 << 33) - 1;

/// Modulus and exponent, borrowed, as big-endian magnitudes.
#[derive(Clone, Copy)]
pub(crate) struct RsaKey<'a> {
    pub(crate) modulus: &'a [u8],
    pub(crate) exponent: &'a [u8],
}

impl<'a> RsaKey<'a> {
    pub(crate) fn parse(der: &'a [u8]) -> Result<Self, NotDer> {
        let mut key = Reader::new(der::single(der, tag::SEQUENCE)?);
        let modulus = key.unsigned()?;
        let exponent = key.unsigned()?;
        key.end()?;
        Ok(Self { modulus, exponent })
    }

    pub(crate) fn bits(&self) -> u32 {
        let Some(first) = self.modulus.first() else {
            return 0;
        };
        u32::try_from(self.modulus.len())
            .unwrap_or(u32::MAX)
            .saturating_mul(8)
            .saturating_sub(first.leading_zeros())
    }

    /// `u64::MAX` for anything wider.
    pub(crate) fn exponent(&self) -> u64 {
        if self.exponent.len() > 8 {
            return u64::MAX;
        }
        self.exponent
            .iter()
            .fold(0, |value, octet| (value << 8) | u64::from(*octet))
    }

    /// A product of two odd primes is odd, and so is what has an inverse modulo
    /// their predecessors.
    pub(crate) fn is_odd(&self) -> bool {
        [self.modulus, self.exponent]
            .iter()
            .all(|number| number.last().is_some_and(|octet| octet & 1 == 1))
    }

    /// Whether a signature under this key is looked at.
    pub(crate) fn is_acceptable(&self) -> bool {
        MODULUS_BITS.contains(&self.bits()) && EXPONENT.contains(&self.exponent()) && self.is_odd()
    }
}
