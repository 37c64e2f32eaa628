//! From JSON to a validated [`Policy`]: an error names the field, and a bad
//! policy never runs.

mod check;
mod collector;
mod error;
mod keys;
mod object;
mod peer;
mod posture;
mod revocation;
mod rule;
mod store;
mod waiver;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use crate::decision::{Direction, Enforcement, GateLimits, Policy};
use crate::trust::{Instant, TrustStore};

use error::Errors;

pub use check::{MAX_ERRORS, check, trust_stores};
pub use error::ConfigError;

/// The version of the policy format that this release reads.
pub const VERSION: u32 = 1;
/// The largest policy that is read, in bytes.
///
/// 4 MiB: 1,000 rules of 1 KiB and 200 CA certificates of 2 KiB are a third of
/// it; parsing takes a few times its size in a VM that dies near 1 GiB.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The most rules of one direction.
pub const MAX_RULES: usize = 4_096;

/// The form of policies, as JSON Schema (draft 2020-12): what the reader takes,
/// before it looks at what the values say.
#[cfg(feature = "schema")]
pub fn schema() -> schemars::Schema {
    schemars::generate::SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<wire::Policy>()
}

/// Reads a policy. `now` (seconds since the Unix epoch) decides whether the
/// trust anchors are valid.
///
/// # Errors
/// The first field that is wrong, and why.
pub fn parse(json: &[u8], now: i64) -> Result<Policy, ConfigError> {
    if json.iter().all(u8::is_ascii_whitespace) {
        return Err(ConfigError::new(
            "",
            "there is no policy; give it as the plugin's configuration",
        ));
    }
    if json.len() > MAX_BYTES {
        return Err(ConfigError::new(
            "",
            format!("it has {} bytes, more than {MAX_BYTES}", json.len()),
        ));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let wire: wire::Policy =
        serde_path_to_error::deserialize(&mut deserializer).map_err(|e| form_error(&e))?;
    deserializer
        .end()
        .map_err(|error| ConfigError::new("", error.to_string()))?;
    validate(&wire, now, Errors::at_most(1)).map_err(|errors| {
        let none = || ConfigError::new("", "it cannot be read");
        errors.into_iter().next().unwrap_or_else(none)
    })
}

/// A value that has not the form of its field.
fn form_error(error: &serde_path_to_error::Error<serde_json::Error>) -> ConfigError {
    let path = error.path().to_string();
    ConfigError::new(
        if path == "." { String::new() } else { path },
        error.inner().to_string(),
    )
}

fn validate(wire: &wire::Policy, now: i64, mut errors: Errors) -> Result<Policy, Vec<ConfigError>> {
    let policy = if wire.version == VERSION {
        policy(wire, now, &mut errors)
    } else {
        // Of another version nothing more can be said.
        errors.add(version_error(wire.version));
        None
    };
    errors.finish(policy)
}

fn version_error(version: impl fmt::Display) -> ConfigError {
    ConfigError::new(
        "version",
        format!("this hopguard reads version {VERSION}, not {version}"),
    )
}

fn policy(wire: &wire::Policy, now: i64, errors: &mut Errors) -> Option<Policy> {
    let mut number = |path, value, min, max| errors.note(bounded(path, value, min, max));
    let skew = number("clock_skew_seconds", wire.clock_skew_seconds, 0, 86_400);
    let warning = number("expiry_warning_days", wire.expiry_warning_days, 0, 3_650);
    let timeout_ms = number("gate.timeout_ms", wire.gate.timeout_ms, 1, 600_000);
    let max_pending = number("gate.max_pending", wire.gate.max_pending, 1, 65_536);
    let stores = store::stores(&wire.trust_stores, now, errors)?;
    let revocation = match (skew, timeout_ms) {
        (Some(skew), Some(timeout_ms)) => {
            let at = Instant { now, skew };
            let sources = revocation::sources(&wire.revocation, &stores, timeout_ms, at);
            errors.note(sources)
        }
        _ => None,
    };
    let mut rules = |direction, list| {
        let context = rule::Context {
            direction,
            stores: &stores,
            default_stores: &wire.default_trust_stores,
            enforcement: enforcement(wire.mode),
            revocation: revocation.as_ref(),
        };
        context.rules(list, errors)
    };
    let downstream = rules(Direction::Downstream, &wire.downstream);
    let upstream = rules(Direction::Upstream, &wire.upstream);
    let collector = match &wire.collector {
        Some(wire) => errors.note(collector::collector(wire)).map(Some),
        None => Some(None),
    };
    let posture = match &wire.posture {
        Some(wire) => posture::posture(wire, errors).map(Some),
        None => Some(None),
    };
    let gate = GateLimits {
        timeout_ms: timeout_ms?,
        max_pending: max_pending?,
    };
    Some(Policy {
        downstream: downstream?,
        upstream: upstream?,
        clock_skew_seconds: skew?,
        expiry_warning_seconds: i64::from(warning?) * crate::decision::DAY,
        gate,
        revocation: revocation?,
        collector: collector?,
        posture: posture?,
    })
}

/// The stores by name; `None` for one that is refused, whose error is noted, so
/// that rules which name it are not at fault too.
type Stores = HashMap<String, Option<Rc<TrustStore>>>;

const fn enforcement(mode: wire::Mode) -> Enforcement {
    match mode {
        wire::Mode::Enforce => Enforcement::Enforce,
        wire::Mode::Report => Enforcement::Report,
    }
}

fn bounded(path: &str, value: u32, min: u32, max: u32) -> Result<u32, ConfigError> {
    if (min..=max).contains(&value) {
        Ok(value)
    } else {
        Err(ConfigError::new(
            path,
            format!("{value} is not within {min} to {max}"),
        ))
    }
}

/// The longest text that goes into a request, in bytes.
const MAX_TEXT: usize = 256;

/// A text of a request that the plugin makes, such as an authority: what ends up
/// in a header must be what it looks like.
fn visible(path: String, text: &str, what: &str) -> Result<Box<str>, ConfigError> {
    let is_visible = text.bytes().all(|b| b.is_ascii_graphic());
    if is_visible && (1..=MAX_TEXT).contains(&text.len()) {
        Ok(Box::from(text))
    } else {
        Err(ConfigError::new(path, format!("{text:?} is no {what}")))
    }
}

/// A name that may go into metrics and logs as it is.
fn checked_name(path: &str, name: &str) -> Result<(), ConfigError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if (1..=64).contains(&name.len()) && name.bytes().all(plain) {
        Ok(())
    } else {
        Err(ConfigError::new(
            path,
            format!(
                "{name:?} is no name: use 1 to 64 of the letters a-z, A-Z, 0-9, '_', '-' and '.'"
            ),
        ))
    }
}
