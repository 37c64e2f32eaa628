//! From JSON to a validated [`Policy`]: an error names the field, and a bad
//! policy never runs.

mod collector;
mod error;
mod keys;
mod revocation;
mod rule;
mod store;
mod waiver;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::rc::Rc;

use crate::decision::{Direction, Enforcement, GateLimits, Policy, RuleSet};
use crate::trust::{Instant, TrustStore};

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
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let path = error.path().to_string();
            ConfigError::new(
                if path == "." { String::new() } else { path },
                error.inner().to_string(),
            )
        })?;
    deserializer
        .end()
        .map_err(|error| ConfigError::new("", error.to_string()))?;
    validate(&wire, now)
}

fn validate(wire: &wire::Policy, now: i64) -> Result<Policy, ConfigError> {
    if wire.version != VERSION {
        return Err(ConfigError::new(
            "version",
            format!(
                "this hopguard reads version {VERSION}, not {}",
                wire.version
            ),
        ));
    }
    let skew = bounded("clock_skew_seconds", wire.clock_skew_seconds, 0, 86_400)?;
    let warning = bounded("expiry_warning_days", wire.expiry_warning_days, 0, 3_650)?;
    let gate = GateLimits {
        timeout_ms: bounded("gate.timeout_ms", wire.gate.timeout_ms, 1, 600_000)?,
        max_pending: bounded("gate.max_pending", wire.gate.max_pending, 1, 65_536)?,
    };
    let stores = store::stores(&wire.trust_stores, now)?;
    let enforcement = enforcement(wire.mode);
    let revocation = revocation::sources(&wire.revocation, &stores, gate, Instant { now, skew })?;
    let rules = |direction, list: &[wire::Rule]| -> Result<RuleSet, ConfigError> {
        let context = rule::Context {
            direction,
            stores: &stores,
            default_stores: &wire.default_trust_stores,
            enforcement,
            revocation: &revocation,
        };
        context.rules(list)
    };
    let downstream = rules(Direction::Downstream, &wire.downstream)?;
    let upstream = rules(Direction::Upstream, &wire.upstream)?;
    Ok(Policy {
        downstream,
        upstream,
        clock_skew_seconds: skew,
        expiry_warning_seconds: i64::from(warning) * crate::decision::DAY,
        gate,
        revocation,
        collector: wire
            .collector
            .as_ref()
            .map(collector::collector)
            .transpose()?,
    })
}

type Stores = HashMap<String, Rc<TrustStore>>;

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
