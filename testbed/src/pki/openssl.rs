//! The `openssl` command, for what ring cannot do: RSA key generation, keys under
//! 2048 bits, P-521, DSA, and signatures with MD5, SHA-1 or PSS.

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::error::{Error, Result};

/// Runs `openssl` with `input` on its stdin and returns its stdout.
///
/// # Errors
///
/// [`Error::Openssl`] with its stderr when it fails, [`Error::Io`] when there is no `openssl`.
pub fn run<A: AsRef<OsStr>>(arguments: &[A], input: &[u8]) -> Result<Vec<u8>> {
    let shown = arguments
        .iter()
        .map(|argument| argument.as_ref().to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ");
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Error::io(
            "starting openssl (Debian: apt-get install openssl)",
        ))?;
    if let Some(mut stdin) = child.stdin.take() {
        // It may end without reading: its exit code says what matters.
        let _ = stdin.write_all(input);
    }
    let output = child
        .wait_with_output()
        .map_err(Error::io(format!("openssl {shown}")))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(Error::Openssl {
            arguments: shown,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

/// Writes secret input to a file for the commands that do not take it on stdin.
pub(super) fn temporary(content: &[u8]) -> Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new().map_err(Error::io("temporary file"))?;
    file.write_all(content)
        .map_err(Error::io("temporary file"))?;
    Ok(file)
}
