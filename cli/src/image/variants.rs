//! The two variants of an image.

use serde_json::json;

use super::digest;
use super::layer::Layer;
use super::layout::Writer;
use super::manifest::{Annotations, Manifest, media_type};
use super::module::Module;
use crate::reply::Failure;
use crate::role::Role;

/// What an image says of itself, under the keys that the OCI Image Specification defines.
pub struct About<'a> {
    pub version: &'a str,
    /// The commit.
    pub revision: Option<&'a str>,
    /// The URL of the sources.
    pub source: Option<&'a str>,
}

/// One layer; the manifest says which variant it is.
///
/// # Errors
/// The layout cannot be written.
pub fn compat(layout: &Writer, module: &Module, about: &About<'_>) -> Result<Manifest, Failure> {
    let layer = Layer::of(&module.bytes).map_err(|error| Failure(error.to_string()))?;
    // The module runs anywhere. An image has to name a platform all the same, and this is the
    // one that the fetchers ask for.
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": { "type": "layers", "diff_ids": [digest(&layer.tar)] },
    });
    let config = layout.json(&config, media_type::CONFIG)?;
    let layer = layout.blob(&layer.gzip, media_type::LAYER)?;
    let mut annotations = annotations(about);
    annotations.insert("module.wasm.image/variant".into(), "compat".into());
    Ok(Manifest::new(config, vec![layer], annotations))
}

/// Two layers: the configuration of the runtime, and the module as it is. The former is the
/// manifest's configuration, too: so registries take its media type for that of the artifact.
///
/// # Errors
/// The layout cannot be written.
pub fn artifact(layout: &Writer, module: &Module, about: &About<'_>) -> Result<Manifest, Failure> {
    let runtime = json!({
        "type": "envoy_proxy",
        "abiVersions": module.abi_versions,
        "config": { "root_ids": Role::ALL.map(Role::root_id) },
    });
    let config = layout.json(&runtime, media_type::WASM_CONFIG)?;
    let wasm = layout.blob(&module.bytes, media_type::WASM)?;
    let layers = vec![
        config.clone().title("runtime-config.json"),
        wasm.title("plugin.wasm"),
    ];
    Ok(Manifest::new(config, layers, annotations(about)))
}

fn annotations(about: &About<'_>) -> Annotations {
    let mut all = Annotations::new();
    for (key, value) in [
        ("title", Some("hopguard")),
        (
            "description",
            Some("Judges every TLS hop of Envoy before an application byte leaves"),
        ),
        ("licenses", Some("Apache-2.0")),
        ("version", Some(about.version)),
        ("revision", about.revision),
        ("source", about.source),
    ] {
        if let Some(value) = value {
            all.insert(format!("org.opencontainers.image.{key}"), value.to_owned());
        }
    }
    all
}
