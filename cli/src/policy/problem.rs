//! What is wrong with a policy, or worth knowing, and where.

use std::fmt::Write;

use serde::Serialize;

use crate::reply::{ERROR, FAINT, WARNING, clean, painted};

/// How grave a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The plugin refuses the policy.
    Error,
    /// The policy is right, and perhaps not what was meant.
    Warning,
}

/// A place in a file; lines and columns (characters) count from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    pub file: String,
    pub line: u64,
    pub column: u64,
}

/// One problem.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    pub severity: Severity,
    /// A stable name for what it is.
    pub code: &'static str,
    #[serde(flatten)]
    pub place: Place,
    /// The field, as `upstream[3].require.min_tls_version`; empty for the whole.
    pub path: String,
    /// One sentence.
    pub message: String,
}

impl Problem {
    /// One line, as compilers print it, so that editors find the place.
    pub fn line(&self) -> String {
        let Place { file, line, column } = &self.place;
        let (severity, style) = match self.severity {
            Severity::Error => ("error", ERROR),
            Severity::Warning => ("warning", WARNING),
        };
        let mut text = format!(
            "{}:{line}:{column}: {}: ",
            clean(file),
            painted(severity, style)
        );
        if !self.path.is_empty() {
            text.push_str(&clean(&self.path));
            text.push_str(": ");
        }
        text.push_str(&clean(&self.message));
        // Errors of the plugin's reader have no other name than their sentence.
        if self.severity == Severity::Warning {
            let _ = write!(text, " {}", painted(format_args!("[{}]", self.code), FAINT));
        }
        text
    }
}
