//! Files, each with a bound.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::reply::Failure;

/// The bytes of a file; `-` is the standard input.
///
/// # Errors
/// A sentence without the file's name: it cannot be read, or is larger.
pub fn read_bounded(path: &Path, max: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let bounded = max.saturating_add(1);
    if path.as_os_str() == "-" {
        io::stdin().take(bounded).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(bounded).read_to_end(&mut bytes))
    }
    .map_err(|error| error.to_string())?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > max {
        return Err(format!("it has more than {max} bytes"));
    }
    Ok(bytes)
}

/// The text of a file.
///
/// # Errors
/// As [`read_bounded`]; or it is no UTF-8.
pub fn read_text(path: &Path, max: u64) -> Result<String, Failure> {
    let failure = |reason: &str| Failure(format!("{}: {reason}", path.display()));
    let bytes = read_bounded(path, max).map_err(|reason| failure(&reason))?;
    String::from_utf8(bytes).map_err(|_| failure("it is no text (UTF-8)"))
}
