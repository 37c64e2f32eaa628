//! What is known of a certificate's revocation, and from where.

/// Where evidence comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An OCSP response that was fetched.
    OcspResponder,
    /// An OCSP response that the peer stapled, as the host or a filter shows it.
    OcspStaple,
    /// An OCSP response of the policy.
    OcspPolicy,
    /// A CRL that was fetched.
    CrlFetched,
    /// A CRL of the policy.
    CrlPolicy,
}

impl Source {
    /// The name used in events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OcspResponder => "ocsp_responder",
            Self::OcspStaple => "ocsp_staple",
            Self::OcspPolicy => "ocsp_policy",
            Self::CrlFetched => "crl_fetched",
            Self::CrlPolicy => "crl_policy",
        }
    }
}

/// Why there is no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// Neither the certificate nor the policy names a source that may be used.
    NoSource,
    /// The source did not answer, or not in time.
    Unreachable,
    /// It gave an answer that does not hold.
    Invalid,
    /// It gave an answer of the past.
    Stale,
}

impl Trouble {
    /// The name used in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSource => "no_source",
            Self::Unreachable => "unreachable",
            Self::Invalid => "invalid",
            Self::Stale => "stale",
        }
    }

    /// A number for it, for whom [`from_code`](Self::from_code) reads.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::NoSource => 0,
            Self::Unreachable => 1,
            Self::Invalid => 2,
            Self::Stale => 3,
        }
    }

    pub(super) const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::NoSource),
            1 => Some(Self::Unreachable),
            2 => Some(Self::Invalid),
            3 => Some(Self::Stale),
            _ => None,
        }
    }
}

/// The status of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not revoked.
    Good {
        /// The first second at which to ask again.
        ask_again: i64,
        /// Who says so.
        source: Source,
    },
    /// Revoked, for whatever reason, on hold included.
    Revoked {
        /// Since when, in seconds since the Unix epoch; for people to read.
        since: i64,
        /// Who says so.
        source: Source,
    },
    /// The responder does not know it.
    Unknown {
        /// Who says so.
        source: Source,
    },
    /// There is no status.
    None {
        /// Why.
        trouble: Trouble,
        /// In one sentence; for the log only.
        detail: String,
    },
    /// It is being asked for.
    Pending,
}

/// What a stapled OCSP response is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Staple {
    /// There is none.
    Absent,
    /// It says something of the certificate.
    Holds,
    /// It is of no use, for this reason.
    Refused(Trouble, String),
}

/// A status, and the staple that came with the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// What all sources say.
    pub status: Status,
    /// What the staple was worth.
    pub staple: Staple,
}

impl Status {
    /// This or the other, which another source says of the same certificate at
    /// the same time: revoked wins, then good, then what is on its way.
    pub(super) fn or(self, other: Self, now: i64) -> Self {
        let (mut first, second) = if self.rank() <= other.rank() {
            (self, other)
        } else {
            (other, self)
        };
        if let Self::Good { ask_again, .. } = &mut first {
            // The other source may come to say otherwise.
            *ask_again = match second {
                Self::Good {
                    ask_again: other, ..
                } => (*ask_again).min(other),
                Self::Pending => now,
                Self::None {
                    trouble: Trouble::NoSource,
                    ..
                } => *ask_again,
                _ => (*ask_again).min(now.saturating_add(1)),
            };
        }
        first
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Revoked { .. } => 0,
            Self::Good { .. } => 1,
            Self::Pending => 2,
            Self::Unknown { .. } => 3,
            Self::None { trouble, .. } => match trouble {
                Trouble::Invalid => 4,
                Trouble::Stale => 5,
                Trouble::Unreachable => 6,
                Trouble::NoSource => 7,
            },
        }
    }
}
