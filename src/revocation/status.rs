//! What is known of a certificate's revocation, and from where.

/// Where evidence comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An OCSP response that was fetched.
    Ocsp,
    /// A CRL of the policy.
    Crl,
}

impl Source {
    /// The name used in events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ocsp => "ocsp",
            Self::Crl => "crl",
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
    Unknown,
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
