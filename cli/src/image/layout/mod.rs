//! An OCI image layout: a folder with `oci-layout`, `index.json` and blobs by digest.

#[cfg(feature = "push")]
mod reader;
mod writer;

use std::fmt::Display;
use std::path::{Path, PathBuf};

#[cfg(feature = "push")]
pub use reader::Reader;
pub use writer::Writer;

use crate::reply::Failure;

/// The annotation of `index.json` that holds a manifest's tag.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The file that says that a folder is a layout.
const MARK: &str = "oci-layout";
const INDEX: &str = "index.json";

/// Where a blob lies. A digest of another form leads nowhere: it comes from a file.
fn blob_path(layout: &Path, digest: &str) -> Result<PathBuf, Failure> {
    let hex = digest.strip_prefix("sha256:").filter(|hex| {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        hex.len() == 64 && hex.bytes().all(is_hex)
    });
    match hex {
        Some(hex) => Ok(layout.join("blobs/sha256").join(hex)),
        None => Err(failure(
            layout,
            format_args!("{digest:?} is no SHA-256 digest"),
        )),
    }
}

fn failure(path: &Path, error: impl Display) -> Failure {
    Failure(format!("{}: {error}", path.display()))
}
