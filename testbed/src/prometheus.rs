//! The real Prometheus: its command that checks rules, and the server.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};
use crate::target;

/// The path of `promtool`: of PATH, else of the target directory; fetched there where it is in
/// neither.
///
/// # Errors
///
/// [`Error::ServerMissing`] with what to install, where it cannot be had.
pub fn promtool() -> Result<PathBuf> {
    let missing = |why: &str| {
        Error::ServerMissing(format!(
            "no promtool: {why}. Run testbed/prometheus/fetch.sh, or put one into PATH"
        ))
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("prometheus/fetch.sh");
    let output = Command::new("bash")
        .arg(script)
        .env("CARGO_TARGET_DIR", target::directory())
        .output()
        .map_err(|error| missing(&format!("fetch.sh does not start: {error}")))?;
    if !output.status.success() {
        return Err(missing(String::from_utf8_lossy(&output.stderr).trim()));
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .last()
        .map(|directory| Path::new(directory).join("promtool"))
        .ok_or_else(|| missing("fetch.sh printed no path"))
}
