//! The operator's policy: YAML or JSON, with files where the plugin's policy has
//! PEM. What the plugin gets is [`PolicyFile::document`].

mod files;
mod node;
mod places;
mod problem;
mod reading;
mod warnings;

use std::path::Path;

use hopguard::config::{self, ConfigError};
use hopguard::decision::Policy;
use serde_json::Value;

pub use files::{read_bounded, read_text};
pub use problem::{Place, Problem, Severity};
pub use reading::FILES;

use places::Places;

use crate::reply::{Failure, Format, Outcome, Reply};

/// The largest policy file that is read, in bytes: four times what the plugin
/// takes, for comments and indentation.
const MAX_FILE: u64 = 4 * config::MAX_BYTES as u64;

/// A policy file that has the syntax of one.
#[derive(Debug)]
pub struct PolicyFile {
    /// The policy as the plugin gets it: files are read into it.
    pub document: Value,
    /// Files that could not be read.
    unread: Vec<Problem>,
    places: Places,
}

/// A policy that the plugin accepts.
pub struct Checked {
    pub file: PolicyFile,
    pub policy: Policy,
}

impl PolicyFile {
    /// Reads a file; `-` is the standard input.
    ///
    /// # Errors
    /// A file that cannot be read. One that has not the syntax is a problem of
    /// the policy.
    pub fn read(path: &Path) -> Result<Result<Self, Problem>, Failure> {
        let text = files::read_text(path, MAX_FILE)?;
        let name = path.display().to_string();
        Ok(reading::read(&name, path, text))
    }

    /// The policy, if the plugin accepts it; else every error, in the order of
    /// their places.
    pub fn check(&self, now: i64) -> Result<Policy, Vec<Problem>> {
        let mut problems = match config::check(&self.document, now) {
            Ok(policy) if self.unread.is_empty() => match self.as_the_plugin(now) {
                Ok(()) => return Ok(policy),
                Err(error) => vec![self.problem(&error)],
            },
            Ok(_) => Vec::new(),
            Err(errors) => errors
                .iter()
                .filter(|e| !self.unread.iter().any(|p| p.path == e.path))
                .map(|e| self.problem(e))
                .collect(),
        };
        problems.extend(self.unread.iter().cloned());
        problems.sort_by(|a, b| a.place.cmp(&b.place));
        Err(problems)
    }

    /// What is worth knowing of a policy that is right.
    pub fn warnings(&self, policy: &Policy, now: i64, days: u32) -> Vec<Problem> {
        let mut problems = warnings::all(self, policy, now, days);
        problems.sort_by(|a, b| a.place.cmp(&b.place));
        problems
    }

    /// Where a field stands, or what it is missing in.
    pub fn place(&self, path: &str) -> Place {
        self.places.find(path, false)
    }

    /// The policy as one line of JSON, as the plugin reads it.
    pub fn json(&self) -> String {
        self.document.to_string()
    }

    /// The last word is that of the plugin's own entry, over the very bytes.
    fn as_the_plugin(&self, now: i64) -> Result<(), ConfigError> {
        config::parse(self.json().as_bytes(), now).map(drop)
    }

    fn problem(&self, error: &ConfigError) -> Problem {
        let is_key = error.message.starts_with("unknown field");
        let mut message = error.message.clone();
        if error.message.starts_with("invalid type: floating point")
            && error.path.ends_with("min_tls_version")
        {
            message.push_str("; write it in quotes");
        }
        Problem {
            severity: Severity::Error,
            code: "policy_invalid",
            place: self.places.find(&error.path, is_key),
            path: error.path.clone(),
            message,
        }
    }

    /// A warning about the field at `path`.
    fn warning(&self, code: &'static str, path: String, message: String) -> Problem {
        Problem {
            severity: Severity::Warning,
            code,
            place: self.places.find(&path, false),
            path,
            message,
        }
    }
}

/// Reads a policy for a subcommand that needs one that is right; for one that is
/// not, what to reply.
///
/// # Errors
/// A file that cannot be read.
pub fn checked(path: &Path, now: i64, format: Format) -> Result<Result<Checked, Reply>, Failure> {
    let file = match PolicyFile::read(path)? {
        Ok(file) => file,
        Err(problem) => return refused(&[problem], format).map(Err),
    };
    match file.check(now) {
        Ok(policy) => Ok(Ok(Checked { file, policy })),
        Err(problems) => refused(&problems, format).map(Err),
    }
}

/// The errors go to the standard error, so that no half a result is used.
fn refused(problems: &[Problem], format: Format) -> Outcome {
    let mut reply = match format {
        Format::Json => Reply::json(&serde_json::json!({ "problems": problems }), true)?,
        Format::Text => {
            let lines = problems.iter().map(|p| p.line() + "\n");
            Reply::fine(lines.collect::<String>())
        }
    };
    reply.err = std::mem::take(&mut reply.out);
    reply.has_findings = true;
    Ok(reply)
}
