//! Where the proxy finds the module.

use std::path::Path;

use crate::reply::Failure;

/// Where the module is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Module {
    /// A file where the proxy runs.
    File(String),
    /// `https://…`, or `http://…` to this machine.
    Http(String),
    /// An image, without `oci://`.
    Image(String),
}

impl Module {
    /// Reads the option.
    ///
    /// # Errors
    /// A sentence, where it is no absolute path and no address.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(image) = text.strip_prefix("oci://") {
            return Ok(Self::Image(image.to_owned()));
        }
        if text.starts_with("https://") {
            return Ok(Self::Http(text.to_owned()));
        }
        let path = text.strip_prefix("file://").unwrap_or(text);
        if Path::new(path).is_absolute() {
            return Ok(Self::File(path.to_owned()));
        }
        Err("write an absolute path, or an address that begins with oci:// or https://".to_owned())
    }

    /// The path, for places that take nothing else.
    ///
    /// # Errors
    /// A sentence with `place`.
    pub fn file(&self, place: &str) -> Result<&str, Failure> {
        match self {
            Self::File(path) => Ok(path),
            Self::Http(_) | Self::Image(_) => Err(Failure(format!(
                "{place} takes the module from a file only: give --wasm its path where the proxy runs"
            ))),
        }
    }
}

/// Reads 64 hexadecimal digits, with or without `sha256:`.
///
/// # Errors
/// A sentence, where it is no digest.
pub fn sha256(text: &str) -> Result<String, String> {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    if hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(hex.to_ascii_lowercase())
    } else {
        Err("write 64 hexadecimal digits".to_owned())
    }
}
