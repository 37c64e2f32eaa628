//! The controls of OWASP ASVS 4.0 V9.2 that a finding can name.

use std::fmt;

/// A control of OWASP ASVS 4.0, section V9.2 (Server Communication Security).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Requirement {
    /// Peers use certificates we trust; all else is rejected (CWE-295).
    V9_2_1,
    /// TLS on every connection, no fall-back to plaintext (CWE-319).
    V9_2_2,
    /// Encrypted connections to external systems are authenticated (CWE-287).
    V9_2_3,
    /// Revocation is enabled and works (CWE-299).
    V9_2_4,
    /// Every backend TLS failure is logged (CWE-544).
    V9_2_5,
}

impl Requirement {
    /// All controls, in the standard's order.
    pub const ALL: [Self; 5] = [
        Self::V9_2_1,
        Self::V9_2_2,
        Self::V9_2_3,
        Self::V9_2_4,
        Self::V9_2_5,
    ];

    /// The control's number as the standard writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V9_2_1 => "V9.2.1",
            Self::V9_2_2 => "V9.2.2",
            Self::V9_2_3 => "V9.2.3",
            Self::V9_2_4 => "V9.2.4",
            Self::V9_2_5 => "V9.2.5",
        }
    }

    /// The weakness the standard assigns to the control.
    pub const fn cwe(self) -> &'static str {
        match self {
            Self::V9_2_1 => "CWE-295",
            Self::V9_2_2 => "CWE-319",
            Self::V9_2_3 => "CWE-287",
            Self::V9_2_4 => "CWE-299",
            Self::V9_2_5 => "CWE-544",
        }
    }

    /// The control with this number.
    pub fn parse(number: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == number)
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
