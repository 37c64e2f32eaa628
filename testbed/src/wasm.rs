//! Where the plugin is, and the component.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::target;

/// The built plugin: `HOPGUARD_WASM`, else `wasm/hopguard.wasm` in the target directory.
///
/// # Errors
///
/// [`Error::PluginMissing`] when there is no such file.
pub fn plugin_path() -> Result<PathBuf> {
    module("HOPGUARD_WASM", "hopguard.wasm", "make wasm")
}

/// The built component: `HOPGUARD_COMPONENT`, else `wasm/hopguard.component.wasm` in the target
/// directory.
///
/// # Errors
///
/// [`Error::PluginMissing`] when there is no such file.
pub fn component_path() -> Result<PathBuf> {
    module(
        "HOPGUARD_COMPONENT",
        "hopguard.component.wasm",
        "make component",
    )
}

/// The filter that judges the cases of conformance suites: `HOPGUARD_CONFORMANCE_WASM`, else
/// `wasm/conformance.wasm` in the target directory.
///
/// # Errors
///
/// [`Error::PluginMissing`] when there is no such file.
pub fn conformance_path() -> Result<PathBuf> {
    module(
        "HOPGUARD_CONFORMANCE_WASM",
        "conformance.wasm",
        "tools/build-conformance.sh",
    )
}

fn module(variable: &str, file: &str, command: &str) -> Result<PathBuf> {
    let path = match std::env::var_os(variable) {
        Some(told) => PathBuf::from(told),
        None => target::directory().join("wasm").join(file),
    };
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::PluginMissing(format!(
        "no module at {}: run `{command}`, or set {variable} to the path of one",
        path.display()
    )))
}
