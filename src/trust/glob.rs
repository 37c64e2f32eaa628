//! Patterns with `*` and `**`, matched in time linear in the text.
//!
//! A policy's pattern meets text that a peer chose (paths, URIs), so a matcher
//! that backtracks would be a lever: `**a**a**a…` against `aaaa…` takes it
//! exponential or at least quadratic time. Here the pattern is a row of at most
//! 257 states held as bits (the Shift-And method of Baeza-Yates and Gonnet), and
//! each byte of the text costs the same few operations whatever the pattern is.

mod cover;

use std::fmt;
use std::str::FromStr;

/// Bytes of a pattern: longer than any name it is meant for.
pub const MAX_LEN: usize = 256;

/// Wildcards of a pattern; the matcher does not need this bound, readers do.
pub const MAX_WILDCARDS: usize = 16;

/// 257 states.
const WORDS: usize = MAX_LEN / 64 + 1;

/// Why a pattern is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlobError {
    /// An empty pattern matches nothing worth naming.
    Empty,
    /// More than [`MAX_LEN`] bytes.
    TooLong,
    /// More than [`MAX_WILDCARDS`] wildcards.
    TooManyWildcards,
    /// Three asterisks in a row, or two where segments do not matter.
    Asterisks,
}

impl fmt::Display for GlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a pattern must not be empty"),
            Self::TooLong => write!(f, "a pattern has at most {MAX_LEN} bytes"),
            Self::TooManyWildcards => {
                write!(f, "a pattern has at most {MAX_WILDCARDS} wildcards")
            }
            Self::Asterisks => f.write_str("too many asterisks in a row in a pattern"),
        }
    }
}

impl std::error::Error for GlobError {}

/// A set of states, the lowest bit of the first word being the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct States([u64; WORDS]);

impl States {
    fn single(state: usize) -> Self {
        let mut set = Self::default();
        if let Some(word) = set.0.get_mut(state / 64) {
            *word = 1 << (state % 64);
        }
        set
    }

    fn and(self, other: &Self) -> Self {
        let mut set = self;
        for (word, other) in set.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
        set
    }

    fn or(self, other: &Self) -> Self {
        let mut set = self;
        for (word, other) in set.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
        set
    }

    /// Every state moves on by one.
    fn advanced(self) -> Self {
        let mut set = self;
        let mut carry = 0;
        for word in &mut set.0 {
            let out = *word >> 63;
            *word = (*word << 1) | carry;
            carry = out;
        }
        set
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }
}

/// A parsed pattern.
///
/// There is no escape: `*` is always a wildcard, every other byte is itself.
///
/// ```
/// use hopguard::trust::glob::Glob;
///
/// let glob = Glob::parse("/ns/*/sa/**")?;
/// assert!(glob.matches("/ns/web/sa/front/end"));
/// assert!(!glob.matches("/ns/web/x/sa/front"));
/// # Ok::<(), hopguard::trust::glob::GlobError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Glob {
    pattern: String,
    /// `None`: no wildcard, compare bytes.
    states: Option<Box<Automaton>>,
}

#[derive(Clone, PartialEq, Eq)]
struct Automaton {
    /// For each byte that occurs literally, the states that it moves on.
    literals: Vec<(u8, States)>,
    /// States that stay on any byte but `/`.
    within: States,
    /// States that stay on any byte.
    across: States,
    accept: States,
}

impl Glob {
    /// A pattern over `/`-separated segments: `*` is any text without `/`
    /// (none included), `**` any text.
    ///
    /// # Errors
    ///
    /// [`GlobError`] says which bound or form is violated.
    pub fn parse(pattern: &str) -> Result<Self, GlobError> {
        Self::compile(pattern, false)
    }

    /// A pattern over a name without segments, such as a cluster's: `*` is any
    /// text, `**` is refused.
    ///
    /// # Errors
    ///
    /// [`GlobError`] says which bound or form is violated.
    pub fn parse_flat(pattern: &str) -> Result<Self, GlobError> {
        Self::compile(pattern, true)
    }

    fn compile(pattern: &str, flat: bool) -> Result<Self, GlobError> {
        if pattern.is_empty() {
            return Err(GlobError::Empty);
        }
        if pattern.len() > MAX_LEN {
            return Err(GlobError::TooLong);
        }
        if !pattern.contains('*') {
            return Ok(Self {
                pattern: pattern.to_owned(),
                states: None,
            });
        }
        if pattern.contains("***") || (flat && pattern.contains("**")) {
            return Err(GlobError::Asterisks);
        }
        let mut automaton = Automaton {
            literals: Vec::new(),
            within: States::default(),
            across: States::default(),
            accept: States::default(),
        };
        let mut state = 0_usize;
        let mut wildcards = 0_usize;
        let mut bytes = pattern.bytes().peekable();
        while let Some(byte) = bytes.next() {
            let here = States::single(state);
            if byte == b'*' {
                wildcards = wildcards.saturating_add(1);
                if bytes.next_if_eq(&b'*').is_some() || flat {
                    automaton.across = automaton.across.or(&here);
                } else {
                    automaton.within = automaton.within.or(&here);
                }
            } else if let Some((_, states)) =
                automaton.literals.iter_mut().find(|(b, _)| *b == byte)
            {
                *states = states.or(&here);
            } else {
                automaton.literals.push((byte, here));
            }
            state = state.saturating_add(1);
        }
        if wildcards > MAX_WILDCARDS {
            return Err(GlobError::TooManyWildcards);
        }
        automaton.accept = States::single(state);
        Ok(Self {
            pattern: pattern.to_owned(),
            states: Some(Box::new(automaton)),
        })
    }

    /// Whether the whole text is of this pattern.
    pub fn matches(&self, text: &str) -> bool {
        match &self.states {
            None => self.pattern == text,
            Some(automaton) => automaton.matches(text.as_bytes()),
        }
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.pattern
    }

    /// Whether it is one exact text.
    pub fn is_literal(&self) -> bool {
        self.states.is_none()
    }
}

impl Automaton {
    fn matches(&self, text: &[u8]) -> bool {
        let mut states = self.start();
        for byte in text {
            states = self.step(states, *byte);
            if states.is_empty() {
                return false;
            }
        }
        self.accepts(&states)
    }

    fn start(&self) -> States {
        self.closed(States::single(0))
    }

    fn step(&self, states: States, byte: u8) -> States {
        let mut next = states.and(&self.across);
        if byte != b'/' {
            next = next.or(&states.and(&self.within));
        }
        if let Some((_, literal)) = self.literals.iter().find(|(b, _)| *b == byte) {
            next = next.or(&states.and(literal).advanced());
        }
        self.closed(next)
    }

    /// A wildcard may stand for nothing, so what follows it is reached with it.
    /// Two wildcards never follow each other: one step is enough.
    fn closed(&self, states: States) -> States {
        let stars = self.within.or(&self.across);
        states.or(&states.and(&stars).advanced())
    }

    fn accepts(&self, states: &States) -> bool {
        !states.and(&self.accept).is_empty()
    }
}

impl FromStr for Glob {
    type Err = GlobError;

    fn from_str(pattern: &str) -> Result<Self, Self::Err> {
        Self::parse(pattern)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern)
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Glob({:?})", self.pattern)
    }
}
