//! Where the server is.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};

/// The server's name, and the names under which Debian's package `redis-tools` carries the
/// same program: it looks at the name it is called by.
const NAMES: [&str; 3] = ["redis-server", "redis-check-rdb", "redis-check-aof"];

/// A command that runs the server, with no need of the package `redis-server`, which would
/// start a service.
pub(super) fn command() -> Result<Command> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories: Vec<_> = std::env::split_paths(&path).collect();
    let found = NAMES.iter().find_map(|name| find(&directories, name));
    let Some(program) = found else {
        return Err(Error::ServerMissing(
            "no Redis; Debian: apt-get install redis-tools".into(),
        ));
    };
    let mut command = Command::new(program);
    command.arg0(NAMES[0]);
    Ok(command)
}

fn find(directories: &[PathBuf], name: &str) -> Option<PathBuf> {
    directories
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.is_file())
}
