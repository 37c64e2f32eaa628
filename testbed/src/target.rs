//! Where cargo puts what is built: Envoy's binary and the plugin lie there too.

use std::path::{Path, PathBuf};

/// The target directory: `CARGO_TARGET_DIR` when absolute, else the one that holds the
/// running program, else `target` at the root of the repository.
pub(crate) fn directory() -> PathBuf {
    // A relative one means the directory that cargo was started in, which is not known here.
    if let Some(told) = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from)
        && told.is_absolute()
    {
        return told;
    }
    std::env::current_exe()
        .ok()
        // cargo marks its target directories with this file.
        .and_then(|exe| {
            exe.ancestors()
                .find(|dir| dir.join("CACHEDIR.TAG").is_file())
                .map(Path::to_path_buf)
        })
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"))
}
