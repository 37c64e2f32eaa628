//! `ReasonFlags` (RFC 5280 section 4.2.1.13).

use crate::trust::der::NotDer;

/// A set of reasons for which a list may revoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reasons(u16);

impl Reasons {
    /// No reason.
    pub const NONE: Self = Self(0);

    /// keyCompromise (1) to aACompromise (8), which RFC 5280 section 6.3.1 calls
    /// all-reasons. Bit 0 is unused.
    pub const ALL: Self = Self(0x7f80);

    /// The content of a `BIT STRING`, named bits: bit 0 is the most significant.
    pub(crate) fn from_bit_string(content: &[u8]) -> Result<Self, NotDer> {
        match content {
            [0..=7, first] => Ok(Self(u16::from(*first) << 8).intersection(Self::ALL)),
            [0..=7, first, second] => {
                let bits = u16::from_be_bytes([*first, *second]);
                Ok(Self(bits).intersection(Self::ALL))
            }
            // No bits at all, or more than are defined.
            _ => Err(NotDer),
        }
    }

    /// Both sets.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What of all reasons is not in the set.
    #[must_use]
    pub fn missing(self) -> Self {
        Self(!self.0 & Self::ALL.0)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}
