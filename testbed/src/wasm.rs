//! Where the plugin is.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::target;

/// The built plugin: `HOPGUARD_WASM`, else `wasm/hopguard.wasm` in the target directory.
///
/// # Errors
///
/// [`Error::PluginMissing`] when there is no such file.
pub fn plugin_path() -> Result<PathBuf> {
    let path = match std::env::var_os("HOPGUARD_WASM") {
        Some(told) => PathBuf::from(told),
        None => target::directory().join("wasm").join("hopguard.wasm"),
    };
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::PluginMissing(format!(
        "no plugin at {}: run `make wasm`, or set HOPGUARD_WASM to the path of one",
        path.display()
    )))
}
