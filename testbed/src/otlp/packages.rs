//! OpenTelemetry's Python packages, fetched where they are not in the target directory yet.

use std::path::PathBuf;
use std::process::Command;

use super::script;
use crate::error::{Error, Result};
use crate::target;

/// The directory to import from.
pub(super) fn find() -> Result<PathBuf> {
    let missing = |why: &str| {
        Error::ServerMissing(format!(
            "no packages for the OTLP receiver: {why}. Run testbed/otlp/fetch.sh"
        ))
    };
    let output = Command::new("bash")
        .arg(script("fetch.sh"))
        .env("CARGO_TARGET_DIR", target::directory())
        .output()
        .map_err(|error| missing(&format!("fetch.sh does not start: {error}")))?;
    if !output.status.success() {
        return Err(missing(String::from_utf8_lossy(&output.stderr).trim()));
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .last()
        .map(PathBuf::from)
        .ok_or_else(|| missing("fetch.sh printed no path"))
}
