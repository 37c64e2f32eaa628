//! The TLS posture of the proxy itself, as its admin interface shows it: which
//! certificates it has, when they end, and whether they carry OCSP staples.
//! Pure: answers and a time come in, what has changed goes out.

mod condition;
mod counters;
mod fold;
mod judge;
mod listing;
mod timestamp;
mod watch;

#[cfg(test)]
mod tests;

use std::fmt;

pub use condition::{Aspect, Condition, News, Subject};
pub use counters::Counters;
pub use judge::Judge;
pub use listing::{Key, Listed, Listing, Staple, Use};
pub use watch::Watch;

/// The largest answer that is read, in bytes.
///
/// From Envoy 1.40 on, `/certs` has each CA of a bundle once for each TLS context
/// that trusts it: 150 CAs (a public bundle) of 400 bytes in 256 contexts are
/// 15 MiB. Of a list only what differs is kept.
pub const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// The most certificates that are told apart, and the most listeners.
///
/// As many as one worker remembers of its peers' (`decision::certificates`): with
/// 1 KiB each (a certificate of 20 names), 4 MiB.
pub const MAX_CERTIFICATES: usize = 4_096;

/// A page of the admin interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Page {
    /// The certificates.
    Certificates,
    /// The counters of staples.
    Counters,
}

impl Page {
    /// Its path, with the query.
    ///
    /// Of the counters only those that ever counted (`usedonly`): what is left out
    /// is zero. The characters need no escaping, so that a route can compare them.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Certificates => "/certs",
            Self::Counters => "/stats?filter=listener.*ssl.ocsp_staple_&format=json&usedonly",
        }
    }
}

/// Why an answer cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// Larger than [`MAX_ANSWER`].
    TooLarge,
    /// Not the JSON that Envoy gives; where, and what was expected.
    Form(String),
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "more than {MAX_ANSWER} bytes"),
            Self::Form(why) => f.write_str(why),
        }
    }
}

/// Reads an answer of this type, and nothing after it.
fn read<'a, T: serde::Deserialize<'a>>(json: &'a [u8]) -> Result<T, AnswerError> {
    if json.len() > MAX_ANSWER {
        return Err(AnswerError::TooLarge);
    }
    serde_json::from_slice(json).map_err(|error| AnswerError::Form(error.to_string()))
}

/// The first so many bytes of a text, as far as they are whole characters.
fn cut(text: &str, max: usize) -> Box<str> {
    let end = text.floor_char_boundary(max);
    Box::from(text.get(..end).unwrap_or_default())
}
