//! Where cargo puts what is built: Envoy's binary and the plugin lie there too.

use std::path::{Path, PathBuf};
use std::process::Command;

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

/// Has `<folder>/fetch.sh` of the testbed fetch into that directory what is not there yet.
/// Returns the path that it prints last.
///
/// # Errors
///
/// Why there is none, in the script's own words where it has some.
pub(crate) fn fetch(folder: &str, arguments: &[&str]) -> Result<PathBuf, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(folder)
        .join("fetch.sh");
    let output = Command::new("bash")
        .arg(script)
        .args(arguments)
        .env("CARGO_TARGET_DIR", directory())
        .output()
        .map_err(|error| format!("fetch.sh does not start: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .last()
        .map(PathBuf::from)
        .ok_or_else(|| "fetch.sh printed no path".to_owned())
}
