//! Where to look at the proxy's own TLS, and what is demanded of it.

use super::error::{ConfigError, Errors, all};
use super::rule::patterns;
use super::{bounded, visible, wire};
use crate::decision::{PostureDemands, StapleException, Staples};
use crate::trust::glob::Glob;

/// The most exceptions; each is compared with each certificate at each look.
const MAX_EXCEPTIONS: usize = 256;

/// Reads what the policy says.
pub fn posture(wire: &wire::Posture, errors: &mut Errors) -> Option<PostureDemands> {
    let mut text = |field, text, what| {
        let path = format!("posture.{field}");
        errors.note(visible(path, text, what))
    };
    let cluster = text("cluster", &wire.cluster, "name of a cluster");
    let authority = match &wire.authority {
        Some(authority) => text("authority", authority, "authority"),
        None => cluster.clone(),
    };
    let mut number = |field, value, min, max| {
        let path = format!("posture.{field}");
        errors.note(bounded(&path, value, min, max))
    };
    let interval = number("interval_seconds", wire.interval_seconds, 1, 86_400);
    let timeout = number("timeout_ms", wire.timeout_ms, 1, 60_000);
    let hours = number("staple_warning_hours", wire.staple_warning_hours, 0, 8_760);
    let exceptions = exceptions(&wire.staple_exceptions, errors);
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

fn exceptions(list: &[wire::StapleException], errors: &mut Errors) -> Option<Vec<StapleException>> {
    let path = "posture.staple_exceptions";
    if list.len() > MAX_EXCEPTIONS {
        let reason = format!("{} are more than {MAX_EXCEPTIONS}", list.len());
        errors.add(ConfigError::new(path, reason));
        return None;
    }
    let list = list.iter().enumerate();
    all(list.map(|(index, wire)| exception(&format!("{path}[{index}]"), wire, errors)))
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
