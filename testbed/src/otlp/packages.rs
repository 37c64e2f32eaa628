//! OpenTelemetry's Python packages, fetched where they are not in the target directory yet.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::target;

/// The directory to import from.
pub(super) fn find() -> Result<PathBuf> {
    target::fetch("otlp", &[]).map_err(|why| {
        Error::ServerMissing(format!(
            "no packages for the OTLP receiver: {why}. Run testbed/otlp/fetch.sh"
        ))
    })
}
