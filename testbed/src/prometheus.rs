//! The real Prometheus: its command that checks rules, and the server.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::target;

/// The path of `promtool`: of PATH, else of the target directory; fetched there where it is in
/// neither.
///
/// # Errors
///
/// [`Error::ServerMissing`] with what to install, where it cannot be had.
pub fn promtool() -> Result<PathBuf> {
    let directory = target::fetch("prometheus", &[]).map_err(|why| {
        Error::ServerMissing(format!(
            "no promtool: {why}. Run testbed/prometheus/fetch.sh, or put one into PATH"
        ))
    })?;
    Ok(directory.join("promtool"))
}
