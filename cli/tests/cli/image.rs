//! `hopguard image`: what it writes is what Istio's and Envoy Gateway's fetchers take.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hopguard_testbed::wasm;
use serde_json::Value;
use tempfile::TempDir;

use crate::run::{Run, folder, run_in};

const SBOM: &[u8] = br#"{"bomFormat":"CycloneDX","specVersion":"1.6","version":1}"#;
/// The smallest WebAssembly module.
const EMPTY_MODULE: &[u8] = b"\0asm\x01\0\0\0";

fn module() -> PathBuf {
    wasm::plugin_path().unwrap()
}

fn image(folder: &Path, arguments: &[&str]) -> Run {
    let module = module();
    let fixed = ["image", module.to_str().unwrap(), "--output", "image"];
    run_in(folder, &[&fixed, arguments].concat(), b"")
}

/// A layout of version 1.2.3 with an SBOM, in a folder of its own.
fn written() -> TempDir {
    let folder = folder(&[("sbom.json", SBOM)]);
    let run = image(
        folder.path(),
        &["--version", "1.2.3", "--sbom", "sbom.json"],
    );
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run:?}");
    folder
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// A blob of the layout, which has the size and digest that the descriptor says.
fn blob(folder: &TempDir, descriptor: &Value) -> Vec<u8> {
    let digest = descriptor["digest"].as_str().unwrap();
    let hex = digest.strip_prefix("sha256:").unwrap();
    let path = folder.path().join("image/blobs/sha256").join(hex);
    let bytes = fs::read(&path).expect(digest);
    assert_eq!(descriptor["size"], bytes.len());
    let sum = Command::new("sha256sum").arg(&path).output().unwrap();
    assert!(sum.stdout.starts_with(hex.as_bytes()), "{digest}");
    bytes
}

fn index(folder: &TempDir) -> Vec<Value> {
    let index = json(&fs::read(folder.path().join("image/index.json")).unwrap());
    index["manifests"].as_array().unwrap().clone()
}

/// The descriptor and the manifest that have this tag.
fn tagged(folder: &TempDir, tag: &str) -> (Value, Value) {
    let has_tag = |d: &&Value| d["annotations"]["org.opencontainers.image.ref.name"] == tag;
    let descriptor = index(folder).iter().find(has_tag).expect(tag).clone();
    assert_eq!(
        descriptor["mediaType"],
        "application/vnd.oci.image.manifest.v1+json"
    );
    let manifest = json(&blob(folder, &descriptor));
    (descriptor, manifest)
}

#[test]
fn the_last_layer_of_the_compat_variant_is_a_gzipped_tar_with_the_module() {
    let folder = written();
    let (_, manifest) = tagged(&folder, "1.2.3");
    assert_eq!(manifest["schemaVersion"], 2);
    let [layer] = manifest["layers"].as_array().unwrap().as_slice() else {
        panic!("{manifest}");
    };
    assert_eq!(
        layer["mediaType"],
        "application/vnd.oci.image.layer.v1.tar+gzip"
    );
    let annotations = &manifest["annotations"];
    assert_eq!(annotations["module.wasm.image/variant"], "compat");
    assert_eq!(annotations["org.opencontainers.image.version"], "1.2.3");

    let gzip = blob(&folder, layer);
    // No flags (so no name), no time, unknown system: RFC 1952.
    assert_eq!(gzip[..8], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    assert_eq!(gzip[9], 255);
    // Unpacked by a program that did not pack it.
    let archive = folder.path().join("layer.tar.gz");
    fs::write(&archive, &gzip).unwrap();
    let tar = |arguments: &[&str]| {
        let output = Command::new("tar")
            .env("TZ", "UTC")
            .args(arguments)
            .arg(&archive)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    let listing = String::from_utf8(tar(&["--numeric-owner", "--full-time", "-tvzf"])).unwrap();
    let fields: Vec<&str> = listing.split_whitespace().collect();
    assert_eq!(fields[..2], ["-rw-r--r--", "0/0"], "{listing}");
    assert_eq!(fields[3..], ["1970-01-01", "00:00:00", "plugin.wasm"]);
    assert!(tar(&["-xOzf"]) == fs::read(module()).unwrap());

    let config = json(&blob(&folder, &manifest["config"]));
    assert_eq!(
        manifest["config"]["mediaType"],
        "application/vnd.oci.image.config.v1+json"
    );
    assert_eq!(
        (&config["os"], &config["architecture"]),
        (&"linux".into(), &"amd64".into())
    );
    let unzipped = Command::new("sh")
        .args(["-c", "gzip -dc \"$0\" | sha256sum"])
        .arg(&archive)
        .output()
        .unwrap();
    let diff_id = String::from_utf8(unzipped.stdout).unwrap();
    let diff_id = format!("sha256:{}", diff_id.split(' ').next().unwrap());
    assert_eq!(config["rootfs"]["diff_ids"], Value::from(vec![diff_id]));
}

#[test]
fn the_artifact_variant_has_two_layers_and_the_module_is_one() {
    let folder = written();
    let (_, manifest) = tagged(&folder, "1.2.3-artifact");
    let [config, wasm] = manifest["layers"].as_array().unwrap().as_slice() else {
        panic!("{manifest}");
    };
    let config_type = "application/vnd.module.wasm.config.v1+json";
    assert_eq!(config["mediaType"], config_type);
    assert_eq!(manifest["config"]["mediaType"], config_type);
    assert_eq!(
        wasm["mediaType"],
        "application/vnd.module.wasm.content.layer.v1+wasm"
    );
    assert!(blob(&folder, wasm) == fs::read(module()).unwrap());
    let runtime = json(&blob(&folder, config));
    assert_eq!(runtime["type"], "envoy_proxy");
    assert_eq!(runtime["abiVersions"], Value::from(vec!["0.2.1"]));
    let roles = ["downstream", "upstream", "network", "log", "posture"];
    assert_eq!(runtime["config"]["root_ids"], Value::from(roles.to_vec()));
}

#[test]
fn an_sbom_refers_to_each_variant_and_has_no_tag() {
    let folder = written();
    let all = index(&folder);
    assert_eq!(all.len(), 4);
    let cyclonedx = "application/vnd.cyclonedx+json";
    for tag in ["1.2.3", "1.2.3-artifact"] {
        let (subject, _) = tagged(&folder, tag);
        let refers = |descriptor: &&Value| {
            let manifest = json(&blob(&folder, descriptor));
            manifest["subject"]["digest"] == subject["digest"]
        };
        let sboms: Vec<&Value> = all.iter().filter(refers).collect();
        let [sbom] = sboms.as_slice() else {
            panic!("{sboms:?}");
        };
        assert_eq!(sbom["artifactType"], cyclonedx);
        assert_eq!(sbom.get("annotations"), None);
        let manifest = json(&blob(&folder, sbom));
        assert_eq!(manifest["artifactType"], cyclonedx);
        assert_eq!(manifest["subject"]["size"], subject["size"]);
        assert_eq!(blob(&folder, &manifest["config"]), b"{}");
        assert_eq!(blob(&folder, &manifest["layers"][0]), SBOM);
    }
}

#[test]
fn the_same_input_gives_the_same_layout() {
    let (one, other) = (written(), written());
    let list = |folder: &TempDir| {
        let find = "cd image && find . -type f -exec sha256sum {} + | sort";
        let output = Command::new("sh")
            .args(["-c", find])
            .current_dir(folder.path())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(list(&one).contains("index.json"));
    assert_eq!(list(&one), list(&other));
    // What it is told is in it.
    let origin = [
        "--revision",
        "0123abc",
        "--source",
        "https://git.example.com/h",
    ];
    image(one.path(), &[&["--version", "1.2.3"], &origin[..]].concat());
    let (_, manifest) = tagged(&one, "1.2.3");
    let annotations = &manifest["annotations"];
    assert_eq!(annotations["org.opencontainers.image.revision"], origin[1]);
    assert_eq!(annotations["org.opencontainers.image.source"], origin[3]);
    assert_eq!(index(&one).len(), 2, "no SBOM was given");
}

#[test]
fn what_it_says_is_what_it_wrote() {
    let folder = folder(&[("sbom.json", br#"{"spdxVersion":"SPDX-2.3"}"#)]);
    let run = image(
        folder.path(),
        &[
            "--version",
            "2.0.0-rc.1",
            "--sbom",
            "sbom.json",
            "--format",
            "json",
        ],
    );
    let said = run.json();
    for (written, tag) in [(0, "2.0.0-rc.1"), (1, "2.0.0-rc.1-artifact")] {
        let written = &said["images"][written];
        let (descriptor, _) = tagged(&folder, tag);
        assert_eq!(
            (&written["tag"], &written["digest"]),
            (&tag.into(), &descriptor["digest"])
        );
        let is_sbom = |d: &&Value| d["digest"] == written["sbom"];
        let all = index(&folder);
        let sbom = all.iter().find(is_sbom).unwrap();
        assert_eq!(sbom["artifactType"], "application/spdx+json");
    }
    let text = image(folder.path(), &["--version", "2.0.0-rc.1"]).out;
    assert!(
        text.contains(said["images"][0]["digest"].as_str().unwrap()),
        "{text}"
    );
    // The older layout gave way, and nothing is left beside it.
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn what_is_no_module_sbom_or_version_is_refused() {
    let folder = folder(&[
        ("empty.wasm", EMPTY_MODULE),
        ("text.wasm", b"text"),
        ("other.json", b"{}"),
    ]);
    fs::create_dir(folder.path().join("full")).unwrap();
    fs::write(folder.path().join("full/file"), b"").unwrap();
    let module = module();
    let module = module.to_str().unwrap();
    for (arguments, sentence) in [
        (
            &["empty.wasm", "--output", "image"][..],
            "exports no ABI version",
        ),
        (
            &["text.wasm", "--output", "image"],
            "not a WebAssembly module",
        ),
        (
            &["none.wasm", "--output", "image"],
            "none.wasm: No such file",
        ),
        (&[module, "--output", "full"], "no OCI image layout"),
        (
            &[module, "--output", "image", "--sbom", "other.json"],
            "neither CycloneDX",
        ),
    ] {
        run_in(folder.path(), &[&["image"], arguments].concat(), b"").assert_failure(sentence);
    }
    for wrong in ["1.0", "v1.0.0", "latest", "1.0.0+build"] {
        let run = image(folder.path(), &["--version", wrong]);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{wrong} {run:?}");
    }
    assert!(folder.path().join("full/file").exists());
    assert!(!folder.path().join("image").exists());
}
