//! What the variants and their SBOMs are made of: descriptors and manifests of the OCI Image
//! Specification 1.1.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Text about an object; sorted, so that its JSON is always the same.
pub type Annotations = BTreeMap<String, String>;

pub mod media_type {
    pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
    pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
    pub const WASM_CONFIG: &str = "application/vnd.module.wasm.config.v1+json";
    pub const WASM: &str = "application/vnd.module.wasm.content.layer.v1+wasm";
}

/// The content of the empty descriptor, as the specification gives it.
pub const EMPTY: &[u8] = b"{}";

/// A blob or manifest, by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    pub media_type: String,
    pub digest: String,
    pub size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: Annotations,
}

impl Descriptor {
    pub fn of(bytes: &[u8], media_type: &str) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: super::digest(bytes),
            size: bytes.len() as u64,
            artifact_type: None,
            annotations: Annotations::new(),
        }
    }

    /// With the file name that clients write it to.
    pub fn title(mut self, name: &str) -> Self {
        let key = "org.opencontainers.image.title".to_owned();
        self.annotations.insert(key, name.to_owned());
        self
    }
}

/// An image manifest.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub schema_version: u32,
    pub media_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    pub config: Descriptor,
    pub layers: Vec<Descriptor>,
    /// What it is about: this makes it a referrer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: Annotations,
}

impl Manifest {
    pub fn new(config: Descriptor, layers: Vec<Descriptor>, annotations: Annotations) -> Self {
        Self {
            schema_version: 2,
            media_type: media_type::MANIFEST.to_owned(),
            artifact_type: None,
            config,
            layers,
            subject: None,
            annotations,
        }
    }
}

/// What lists manifests: a layout, or the referrers of a manifest.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    pub schema_version: u32,
    pub media_type: String,
    pub manifests: Vec<Descriptor>,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            schema_version: 2,
            media_type: media_type::INDEX.to_owned(),
            manifests: Vec::new(),
        }
    }
}
