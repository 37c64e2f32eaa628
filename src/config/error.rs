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
