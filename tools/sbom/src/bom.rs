//! The document: <https://cyclonedx.org/docs/1.6/json/>.

use serde_json::{Value, json};

use crate::checksums::Checksums;
use crate::module::Module;
use crate::tree::{Id, Package, Tree};

/// # Errors
/// A crate that was fetched has no checksum.
pub fn of(module: &Module, tree: &Tree, checksums: &Checksums) -> Result<Value, String> {
    let std = format!("pkg:generic/rust-std@{}", module.rustc);
    let mut components = vec![json!({
        "type": "library",
        "bom-ref": std,
        "name": "rust-std",
        "version": module.rustc,
        "description": "The standard library of the compiler, and what it brings",
        "licenses": [{ "expression": "MIT OR Apache-2.0" }],
        "purl": std,
        "externalReferences": [{ "type": "vcs", "url": "https://github.com/rust-lang/rust" }],
    })];
    let mut dependencies = vec![json!({ "ref": std, "dependsOn": [] })];
    for (id, package) in &tree.packages {
        let mut on: Vec<String> = package.dependencies.iter().map(purl).collect();
        if *id == tree.root {
            on.push(std.clone());
        } else {
            let checksum = checksums.get(id);
            let checksum = checksum.ok_or_else(|| format!("{} has no checksum", purl(id)))?;
            components.push(component("library", id, package, checksum));
        }
        dependencies.push(json!({ "ref": purl(id), "dependsOn": on }));
    }
    let root = tree.packages.get(&tree.root);
    let root = root.map(|package| component("application", &tree.root, package, &module.sha256));
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "lifecycles": [{ "phase": "build" }], "component": root },
        "components": components,
        "dependencies": dependencies,
        "compositions": [{
            "aggregate": "complete",
            "dependencies": tree.packages.keys().map(purl).collect::<Vec<_>>(),
        }],
    }))
}

fn component(kind: &str, id: &Id, package: &Package, sha256: &str) -> Value {
    let mut component = json!({
        "type": kind,
        "bom-ref": purl(id),
        "name": id.name,
        "version": id.version,
        "purl": purl(id),
        "hashes": [{ "alg": "SHA-256", "content": sha256 }],
    });
    if let Some(fields) = component.as_object_mut() {
        if !package.license.is_empty() {
            let licenses = json!([{ "expression": package.license }]);
            fields.insert("licenses".into(), licenses);
        }
        if !package.repository.is_empty() {
            let references = json!([{ "type": "vcs", "url": package.repository }]);
            fields.insert("externalReferences".into(), references);
        }
    }
    component
}

/// A package URL: <https://github.com/package-url/purl-spec>. `+`, of build metadata, is not
/// for its path as it is.
fn purl(id: &Id) -> String {
    format!("pkg:cargo/{}@{}", id.name, id.version.replace('+', "%2B"))
}
