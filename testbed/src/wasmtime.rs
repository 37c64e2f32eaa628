//! A host of WebAssembly components that nobody here wrote: wasmtime, by its Python packages.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::target;

/// The directory to import `wasmtime` from; the first time, it is fetched.
///
/// # Errors
///
/// [`Error::ServerMissing`] where it cannot be fetched.
pub fn packages() -> Result<PathBuf> {
    target::fetch("wasmtime", &[]).map_err(|why| {
        Error::ServerMissing(format!("no wasmtime: {why}. Run testbed/wasmtime/fetch.sh"))
    })
}
