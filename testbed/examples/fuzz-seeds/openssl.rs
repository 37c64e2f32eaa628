//! `openssl` over files of a folder that goes with it.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::Result;

/// A folder for the files of one command.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Result<Self> {
        Ok(Self(TempDir::new()?))
    }

    pub fn path(&self) -> &std::path::Path {
        self.0.path()
    }

    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) -> Result<()> {
        Ok(fs::write(self.path().join(name), content)?)
    }

    pub fn take(&self, name: &str) -> Result<Vec<u8>> {
        Ok(fs::read(self.path().join(name))?)
    }

    /// Runs `openssl` in this folder.
    pub fn run(&self, arguments: &[&str]) -> Result<()> {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(self.path())
            .output()?;
        if output.status.success() {
            return Ok(());
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        Err(format!("openssl {}: {stderr}", arguments.join(" ")).into())
    }
}
