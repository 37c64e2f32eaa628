//! Writes a layout.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;

use super::{INDEX, MARK, REF_NAME, blob_path, failure};
use crate::image::manifest::{Descriptor, Index};
use crate::reply::Failure;

/// A layout that is being written. It lies beside its place, and is moved there when complete.
pub struct Writer {
    place: PathBuf,
    draft: PathBuf,
    index: Index,
}

impl Writer {
    /// For this place, where nothing, an empty folder or an older layout may be.
    ///
    /// # Errors
    /// Something else is there, or the folder beside it cannot be made.
    pub fn new(place: &Path) -> Result<Self, Failure> {
        let is_empty =
            |folder: &Path| fs::read_dir(folder).is_ok_and(|mut all| all.next().is_none());
        if place.exists() && !place.join(MARK).is_file() && !is_empty(place) {
            return Err(failure(place, "it is there, and is no OCI image layout"));
        }
        let mut draft = place.as_os_str().to_owned();
        draft.push(format!(".{}", std::process::id()));
        let draft = PathBuf::from(draft);
        let blobs = draft.join("blobs/sha256");
        fs::create_dir_all(&blobs).map_err(|error| failure(&blobs, error))?;
        Ok(Self {
            place: place.to_owned(),
            draft,
            index: Index::default(),
        })
    }

    /// Adds a blob.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn blob(&self, bytes: &[u8], media_type: &str) -> Result<Descriptor, Failure> {
        let descriptor = Descriptor::of(bytes, media_type);
        let path = blob_path(&self.draft, &descriptor.digest)?;
        fs::write(&path, bytes).map_err(|error| failure(&path, error))?;
        Ok(descriptor)
    }

    /// Adds a document as a blob.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn json(&self, value: &impl Serialize, media_type: &str) -> Result<Descriptor, Failure> {
        self.blob(&to_json(value)?, media_type)
    }

    /// Names a manifest in the index; with a tag, or without.
    pub fn list(&mut self, mut manifest: Descriptor, tag: Option<&str>) {
        if let Some(tag) = tag {
            let key = REF_NAME.to_owned();
            manifest.annotations.insert(key, tag.to_owned());
        }
        self.index.manifests.push(manifest);
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// It cannot be written or moved.
    pub fn finish(self) -> Result<(), Failure> {
        for (name, content) in [
            (MARK, to_json(&json!({ "imageLayoutVersion": "1.0.0" }))?),
            (INDEX, to_json(&self.index)?),
        ] {
            let path = self.draft.join(name);
            fs::write(&path, content).map_err(|error| failure(&path, error))?;
        }
        if self.place.exists() {
            fs::remove_dir_all(&self.place).map_err(|error| failure(&self.place, error))?;
        }
        fs::rename(&self.draft, &self.place).map_err(|error| failure(&self.place, error))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Nothing is there when it was moved.
        let _ = fs::remove_dir_all(&self.draft);
    }
}

fn to_json(value: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value).map_err(|error| Failure(error.to_string()))
}
