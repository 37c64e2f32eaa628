//! Reads a layout.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{INDEX, MARK, blob_path, failure};
use crate::image::digest;
use crate::image::manifest::{Descriptor, Index};
use crate::reply::Failure;

/// A layout on disk; nothing of it is trusted before it was compared with its digest.
pub struct Reader {
    folder: PathBuf,
    index: Index,
}

impl Reader {
    /// # Errors
    /// The folder is no layout.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        if !folder.join(MARK).is_file() {
            return Err(failure(folder, "no OCI image layout"));
        }
        let path = folder.join(INDEX);
        let text = fs::read(&path).map_err(|error| failure(&path, error))?;
        let index = serde_json::from_slice(&text).map_err(|error| failure(&path, error))?;
        Ok(Self {
            folder: folder.to_owned(),
            index,
        })
    }

    /// The manifests that the index lists.
    pub fn manifests(&self) -> &[Descriptor] {
        &self.index.manifests
    }

    /// What a descriptor is about.
    ///
    /// # Errors
    /// It cannot be read, or has another size or digest.
    pub fn blob(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Failure> {
        let path = blob_path(&self.folder, &descriptor.digest)?;
        let file = fs::File::open(&path).map_err(|error| failure(&path, error))?;
        let mut bytes = Vec::new();
        // One byte more than it says is enough to know that it lies.
        file.take(descriptor.size.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| failure(&path, error))?;
        if bytes.len() as u64 != descriptor.size || digest(&bytes) != descriptor.digest {
            return Err(failure(&path, "not what its descriptor says"));
        }
        Ok(bytes)
    }
}
