//! What should come of a case.

use std::fmt;

/// The verdict where hopguard let go, and Envoy could not deliver or connect.
pub const BY_ENVOY: &str = "by Envoy";

/// What the client got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Of HTTP.
    Status(u16),
    /// What the server has to say, over TCP.
    Answered,
    /// The end of the connection, and before it no word of the server.
    Closed,
    /// So many bytes, and they are not what the server should say.
    Bytes(usize),
}

/// What should come of a case.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    pub answer: Answer,
    pub verdict: &'static str,
    /// Whether what the client says reaches the server.
    pub arrives: bool,
    pub cause: Option<&'static str>,
}

impl Expected {
    /// It arrives, and nothing is said of it.
    pub const fn allowed(answer: Answer) -> Self {
        Self {
            answer,
            verdict: "permit",
            arrives: true,
            cause: None,
        }
    }

    /// The server gets not a byte.
    pub const fn denied(answer: Answer, cause: &'static str) -> Self {
        Self {
            answer,
            verdict: "deny",
            arrives: false,
            cause: Some(cause),
        }
    }

    /// It arrives, and the event says that it would not have.
    pub const fn reported(answer: Answer, cause: &'static str) -> Self {
        Self {
            verdict: "would_deny",
            cause: Some(cause),
            ..Self::allowed(answer)
        }
    }

    /// It arrives by a waiver.
    pub const fn waived(answer: Answer) -> Self {
        Self {
            verdict: "waived",
            ..Self::allowed(answer)
        }
    }

    /// Envoy itself finds no way, and an event says so.
    pub const fn failed(answer: Answer, cause: &'static str) -> Self {
        Self {
            verdict: BY_ENVOY,
            ..Self::denied(answer, cause)
        }
    }

    /// An event says this besides.
    pub const fn with_event(self, cause: &'static str) -> Self {
        Self {
            cause: Some(cause),
            ..self
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::Answered => f.write_str("answered"),
            Self::Closed => f.write_str("closed"),
            Self::Bytes(count) => write!(f, "{count} bytes"),
        }
    }
}
