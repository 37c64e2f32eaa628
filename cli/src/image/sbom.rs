//! The bill of materials of a module, as a referrer of its images.

use std::path::Path;

use serde_json::Value;

use super::layout::Writer;
use super::manifest::{Annotations, Descriptor, EMPTY, Manifest, media_type};
use crate::reply::Failure;

/// An SBOM, and its form.
pub struct Sbom {
    bytes: Vec<u8>,
    media_type: &'static str,
    file: &'static str,
}

impl Sbom {
    /// Reads one, and finds out its form.
    ///
    /// # Errors
    /// It cannot be read, or is of neither form.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let failure =
            |error: &dyn std::fmt::Display| Failure(format!("{}: {error}", path.display()));
        let bytes = std::fs::read(path).map_err(|error| failure(&error))?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| failure(&error))?;
        let (media_type, file) = if value.get("bomFormat").is_some_and(|f| f == "CycloneDX") {
            ("application/vnd.cyclonedx+json", "sbom.cdx.json")
        } else if value.get("spdxVersion").is_some_and(Value::is_string) {
            ("application/spdx+json", "sbom.spdx.json")
        } else {
            return Err(failure(
                &"neither CycloneDX (bomFormat) nor SPDX 2 (spdxVersion)",
            ));
        };
        Ok(Self {
            bytes,
            media_type,
            file,
        })
    }

    /// Writes a manifest of its own that has the SBOM, about another one, and lists it.
    ///
    /// # Errors
    /// The layout cannot be written.
    pub fn refer_to(
        &self,
        subject: Descriptor,
        layout: &mut Writer,
    ) -> Result<Descriptor, Failure> {
        let config = layout.blob(EMPTY, media_type::EMPTY)?;
        let content = layout.blob(&self.bytes, self.media_type)?;
        let mut manifest =
            Manifest::new(config, vec![content.title(self.file)], Annotations::new());
        manifest.artifact_type = Some(self.media_type.to_owned());
        manifest.subject = Some(subject);
        let mut descriptor = layout.json(&manifest, media_type::MANIFEST)?;
        descriptor.artifact_type.clone_from(&manifest.artifact_type);
        layout.list(descriptor.clone(), None);
        Ok(descriptor)
    }
}
