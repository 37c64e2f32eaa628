//! The SBOM of the built module.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use hopguard_testbed::wasm;
use serde_json::Value;

fn sbom() -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("sbom.json");
    let run = Command::new(env!("CARGO_BIN_EXE_hopguard-sbom"))
        .args([&wasm::plugin_path().unwrap(), &output])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
    std::fs::read_to_string(output).unwrap()
}

fn texts<'a>(list: &'a Value, key: &str) -> BTreeSet<&'a str> {
    let list = list.as_array().unwrap().iter();
    list.map(|entry| entry[key].as_str().unwrap()).collect()
}

/// Crates whose file names stand in the module, for the messages of panics: they are in it,
/// whoever says what.
fn in_the_module() -> BTreeSet<String> {
    let module = std::fs::read(wasm::plugin_path().unwrap()).unwrap();
    let text = String::from_utf8_lossy(&module);
    let paths = text.split("/cargo/registry/src/").skip(1);
    // INDEX/NAME-VERSION/src/…
    let folders = paths.filter_map(|path| path.split('/').nth(1));
    folders.map(str::to_owned).collect()
}

#[test]
fn what_stands_in_the_module_is_in_it() {
    let sbom: Value = serde_json::from_str(&sbom()).unwrap();
    let listed: BTreeSet<String> = sbom["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| {
            format!(
                "{}-{}",
                c["name"].as_str().unwrap(),
                c["version"].as_str().unwrap()
            )
        })
        .collect();
    let found = in_the_module();
    assert!(found.len() > 10, "{found:?}");
    let missing: Vec<_> = found.difference(&listed).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn it_has_what_is_linked_and_nothing_else() {
    let sbom: Value = serde_json::from_str(&sbom()).unwrap();
    let names = texts(&sbom["components"], "name");
    for linked in ["rustls-webpki", "proxy-wasm", "serde_core", "rust-std"] {
        assert!(names.contains(linked), "{linked} {names:?}");
    }
    // A macro, a build script's, a test's, the command's.
    for outside in [
        "serde_derive",
        "version_check",
        "rcgen",
        "ring",
        "tokio",
        "clap",
        "schemars",
    ] {
        assert!(!names.contains(outside), "{outside}");
    }
    let module = Command::new("sha256sum")
        .arg(wasm::plugin_path().unwrap())
        .output()
        .unwrap();
    let root = &sbom["metadata"]["component"];
    assert_eq!(root["name"], "hopguard");
    let hash = root["hashes"][0]["content"].as_str().unwrap();
    assert!(module.stdout.starts_with(hash.as_bytes()), "{hash}");
}

#[test]
fn every_component_depends_on_components_and_is_depended_on() {
    let sbom: Value = serde_json::from_str(&sbom()).unwrap();
    assert_eq!(sbom["bomFormat"], "CycloneDX");
    let mut refs = texts(&sbom["components"], "bom-ref");
    let on: BTreeSet<&str> = sbom["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|entry| entry["dependsOn"].as_array().unwrap())
        .map(|on| on.as_str().unwrap())
        .collect();
    assert_eq!(on, refs);
    refs.insert(sbom["metadata"]["component"]["bom-ref"].as_str().unwrap());
    assert_eq!(texts(&sbom["dependencies"], "ref"), refs);
    for component in sbom["components"].as_array().unwrap() {
        if component["name"] != "rust-std" {
            let hash = component["hashes"][0]["content"].as_str().unwrap();
            assert_eq!(hash.len(), 64, "{component}");
        }
    }
}

#[test]
fn the_same_module_gives_the_same_bytes() {
    assert_eq!(sbom(), sbom());
}
