//! The collector of events.

use super::error::ConfigError;
use super::{bounded, visible, wire};
use crate::decision::Collector;

/// Reads the collector.
pub fn collector(wire: &wire::Collector) -> Result<Collector, ConfigError> {
    let checked =
        |field: &str, text: &str, what: &str| visible(format!("collector.{field}"), text, what);
    if !wire.path.starts_with('/') {
        let reason = format!("{:?} is no path", wire.path);
        return Err(ConfigError::new("collector.path", reason));
    }
    let authority = wire.authority.as_deref().unwrap_or(&wire.cluster);
    Ok(Collector {
        cluster: checked("cluster", &wire.cluster, "name of a cluster")?,
        authority: checked("authority", authority, "authority")?,
        path: checked("path", &wire.path, "path")?,
        timeout_ms: bounded("collector.timeout_ms", wire.timeout_ms, 1, 600_000)?,
    })
}
