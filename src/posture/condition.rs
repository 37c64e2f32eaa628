//! Something that is wrong with the proxy's posture.

use super::Page;
use super::listing::{Key, Staple};
use crate::decision::Cause;

/// What of a subject is wrong; of one aspect there is one condition at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// The admin interface's answer.
    Answer,
    /// Handshakes that a listener refused.
    Failed,
    /// Staples that a listener did not send.
    Omitted,
    /// When a certificate ends.
    Validity,
    /// A certificate's staple.
    Staple,
}

/// What a condition is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A page of the admin interface.
    Page(Page),
    /// A listener, by its name in the stats.
    Listener(Box<str>),
    /// A certificate.
    Certificate(Key),
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What of the subject.
    pub aspect: Aspect,
    /// Whose.
    pub subject: Subject,
    /// The stable code.
    pub cause: Cause,
    /// The compared values, in one sentence.
    pub detail: String,
    /// The first few names of the certificate.
    pub names: Vec<Box<str>>,
    /// The certificate's staple.
    pub staple: Option<Staple>,
    /// Handshakes.
    pub count: Option<u64>,
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// This began, or took the place of another cause.
    Began(Condition),
    /// This is over: why.
    Ended(Condition, &'static str),
}
