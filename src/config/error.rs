//! Why a policy is refused.

use std::fmt;

/// Why a policy is refused: the field, and one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The path of the field, such as `upstream[3].require.min_tls_version`;
    /// empty for the document itself.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

impl ConfigError {
    /// For the field at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            write!(f, "the policy is refused: {}", self.message)
        } else {
            write!(f, "the policy is refused: {}: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for ConfigError {}

/// The errors of a policy, in the order in which its fields are looked at.
///
/// Checking goes on behind a wrong field, so that a tool can show all of them at
/// once; the plugin prints the first, and keeps no more.
#[derive(Debug)]
pub struct Errors {
    kept: Vec<ConfigError>,
    most: usize,
}

impl Errors {
    /// Keeps this many, at least one. The others are dropped: a policy of
    /// [`MAX_BYTES`](super::MAX_BYTES) could have a million.
    pub fn at_most(most: usize) -> Self {
        Self {
            kept: Vec::new(),
            most: most.max(1),
        }
    }

    /// Notes an error.
    pub fn add(&mut self, error: ConfigError) {
        if self.kept.len() < self.most {
            self.kept.push(error);
        }
    }

    /// The value; `None` once its error is noted.
    pub fn note<T>(&mut self, result: Result<T, ConfigError>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// What came out: the value only if nothing at all was wrong.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Vec<ConfigError>> {
        match value {
            Some(value) if self.kept.is_empty() => Ok(value),
            _ => Err(self.kept),
        }
    }
}

/// All values, if all are there. Unlike `collect`, it does not stop at the first
/// that is missing, so that the errors of all are noted.
pub fn all<T>(values: impl IntoIterator<Item = Option<T>>) -> Option<Vec<T>> {
    let values: Vec<Option<T>> = values.into_iter().collect();
    values.into_iter().collect()
}
