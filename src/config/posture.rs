//! Where to look at the proxy's own TLS, and what is demanded of it.

use super::error::{ConfigError, Errors, all};
use super::rule::patterns;
use super::{bounded, wire};
use crate::decision::{PostureDemands, StapleException, Staples};
use crate::trust::glob::Glob;

/// The longest name of a cluster or authority, in bytes.
const MAX_TEXT: usize = 256;
/// The most exceptions; each is compared with each certificate at each look.
const MAX_EXCEPTIONS: usize = 256;

/// Reads what the policy says.
pub fn posture(wire: &wire::Posture, errors: &mut Errors) -> Option<PostureDemands> {
    let authority = wire.authority.as_deref().unwrap_or(&wire.cluster);
    let exceptions = &wire.staple_exceptions;
    if exceptions.len() > MAX_EXCEPTIONS {
        errors.add(ConfigError::new(
            "posture.staple_exceptions",
            format!("{} are more than {MAX_EXCEPTIONS}", exceptions.len()),
        ));
        return None;
    }
    let cluster = errors.note(text("cluster", &wire.cluster, "name of a cluster"));
    let authority = errors.note(text("authority", authority, "authority"));
    let mut number = |field, value, min, max| {
        let path = format!("posture.{field}");
        errors.note(bounded(&path, value, min, max))
    };
    let interval = number("interval_seconds", wire.interval_seconds, 1, 86_400);
    let timeout = number("timeout_ms", wire.timeout_ms, 1, 60_000);
    let hours = number("staple_warning_hours", wire.staple_warning_hours, 0, 8_760);
    let exceptions = all(exceptions.iter().enumerate().map(|(index, wire)| {
        exception(&format!("posture.staple_exceptions[{index}]"), wire, errors)
    }));
    Some(PostureDemands {
        cluster: cluster?,
        authority: authority?,
        interval_seconds: interval?,
        timeout_ms: timeout?,
        staples: match wire.staples {
            wire::Staples::Required => Staples::Required,
            wire::Staples::Optional => Staples::Optional,
        },
        staple_exceptions: exceptions?,
        staple_warning_seconds: i64::from(hours?) * 3_600,
    })
}

fn exception(
    path: &str,
    wire: &wire::StapleException,
    errors: &mut Errors,
) -> Option<StapleException> {
    if wire.names.is_none() && wire.paths.is_none() {
        let reason = "it names no certificate: give names or paths";
        errors.add(ConfigError::new(path, reason));
        return None;
    }
    let names: Option<Vec<String>> = wire
        .names
        .as_ref()
        .map(|names| names.iter().map(|n| n.to_ascii_lowercase()).collect());
    let field = format!("{path}.names");
    let names = patterns(&field, names.as_deref(), Glob::parse_flat, errors);
    let field = format!("{path}.paths");
    let paths = patterns(&field, wire.paths.as_deref(), Glob::parse, errors);
    Some(StapleException {
        names: names?,
        paths: paths?,
    })
}

fn text(field: &str, text: &str, what: &str) -> Result<Box<str>, ConfigError> {
    // What ends up in a request header must be what it looks like.
    let is_visible = text.bytes().all(|b| b.is_ascii_graphic());
    if is_visible && (1..=MAX_TEXT).contains(&text.len()) {
        return Ok(Box::from(text));
    }
    Err(ConfigError::new(
        format!("posture.{field}"),
        format!("{text:?} is no {what}"),
    ))
}
