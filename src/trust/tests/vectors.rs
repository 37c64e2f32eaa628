//! Suites that others wrote, which lie beside the repository, not in it.

use std::path::{Path, PathBuf};

/// A file of `HOPGUARD_VECTORS`, else of `../shared/vectors`; none, said aloud,
/// where the data is not at hand.
pub fn read(name: &str) -> Option<Vec<u8>> {
    let told = std::env::var_os("HOPGUARD_VECTORS").map(PathBuf::from);
    let is_told = told.is_some();
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors");
    let path = told.unwrap_or_else(beside).join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            // What was told and is not there is a mistake, not a reason to skip.
            assert!(!is_told, "{}: {error}", path.display());
            println!(
                "skipped: {} is not there; HOPGUARD_VECTORS names another directory",
                path.display()
            );
            None
        }
    }
}
