//! `CRLNumber` (RFC 5280 section 5.2.3).

use std::fmt;

use crate::trust::der::{NotDer, Reader};

/// "CRL verifiers MUST be able to handle CRLNumber values up to 20 octets.
/// Conforming CRL issuers MUST NOT use CRLNumber values longer than 20 octets."
const MAX_OCTETS: usize = 20;

/// The number of a list: it never goes backwards.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CrlNumber([u8; MAX_OCTETS]);

impl CrlNumber {
    pub(super) fn from_der(value: &[u8]) -> Result<Self, NotDer> {
        let mut reader = Reader::new(value);
        let magnitude = reader.unsigned()?;
        reader.end()?;
        let mut octets = [0; MAX_OCTETS];
        let start = MAX_OCTETS.checked_sub(magnitude.len()).ok_or(NotDer)?;
        octets
            .get_mut(start..)
            .ok_or(NotDer)?
            .copy_from_slice(magnitude);
        Ok(Self(octets))
    }

    /// The number as an octet string, without leading zeros.
    fn magnitude(&self) -> impl Iterator<Item = u8> {
        self.0.into_iter().skip_while(|octet| *octet == 0)
    }
}

impl From<u64> for CrlNumber {
    fn from(number: u64) -> Self {
        let mut octets = [0; MAX_OCTETS];
        for (octet, digit) in octets
            .iter_mut()
            .rev()
            .zip(number.to_be_bytes().iter().rev())
        {
            *octet = *digit;
        }
        Self(octets)
    }
}

impl fmt::Display for CrlNumber {
    /// Hexadecimal, as OpenSSL prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        if self.magnitude().next().is_none() {
            return f.write_str("00");
        }
        self.magnitude()
            .try_for_each(|octet| write!(f, "{octet:02X}"))
    }
}

impl fmt::Debug for CrlNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CrlNumber({self})")
    }
}
