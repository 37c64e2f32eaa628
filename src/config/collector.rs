//! The collector of events.

use super::error::ConfigError;
use super::{bounded, wire};
use crate::decision::Collector;

/// The longest text of a collector, in bytes.
const MAX_TEXT: usize = 256;

/// Reads the collector.
pub fn collector(wire: &wire::Collector) -> Result<Collector, ConfigError> {
    let checked = |field: &str, text: &str, is_right: bool, what: &str| {
        // What ends up in a request header must be what it looks like.
        let is_visible = text.bytes().all(|b| b.is_ascii_graphic());
        if is_right && is_visible && (1..=MAX_TEXT).contains(&text.len()) {
            return Ok(Box::from(text));
        }
        Err(ConfigError::new(
            format!("collector.{field}"),
            format!("{text:?} is no {what}"),
        ))
    };
    let authority = wire.authority.as_deref().unwrap_or(&wire.cluster);
    Ok(Collector {
        cluster: checked("cluster", &wire.cluster, true, "name of a cluster")?,
        authority: checked("authority", authority, true, "authority")?,
        path: checked("path", &wire.path, wire.path.starts_with('/'), "path")?,
        timeout_ms: bounded("collector.timeout_ms", wire.timeout_ms, 1, 600_000)?,
    })
}
