//! `docs/quick-start.md`: its commands, copied into a shell, do what it says.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use hopguard_testbed::{envoy, free_port, wasm};
use serde_json::Value;
use tempfile::TempDir;

use crate::crds::assert_resource;
use crate::run::binary;

const PAGE: &str = include_str!("../../../docs/quick-start.md");
/// What is said of a command's output.
const EXPECTED: &str = "# => ";
/// The ports on the page; others may have them.
const PORTS: [&str; 3] = ["8443", "9443", "9901"];

/// The shell ends, and all that it started, when this test does: then nobody holds the
/// other end of its input. Nor do commands read from it.
const WATCHED: &str = "\
exec 3<&0 < /dev/null
{ read -r _ <&3; kill 0; } &
trap 'kill $(jobs -p) 2> /dev/null; wait' EXIT
set -e
";

/// The blocks of shell that the page has under this mark.
fn blocks(info: &str) -> Vec<&'static str> {
    let blocks = PAGE.split("\n```").skip(1).step_by(2);
    blocks
        .filter_map(|block| block.strip_prefix(info)?.strip_prefix('\n'))
        .collect()
}

/// A folder with the module, and programs of the names that the page uses.
fn place(ports: &[String]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let module = wasm::plugin_path().unwrap();
    fs::copy(module, folder.path().join("hopguard.wasm")).unwrap();
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    // Envoy's ports are those of the rendered configuration.
    let replaced = |(port, free): (&&str, &String)| format!(" -e 's/: {port} /: {free} /'");
    let replaced: String = PORTS.iter().zip(ports).map(replaced).collect();
    let envoy = envoy::binary().unwrap();
    let envoy = envoy.display();
    write(
        &bin.join("envoy"),
        &format!("#!/bin/sh\nsed -i{replaced} envoy.yaml\nexec {envoy} \"$@\" --concurrency 1\n"),
    );
    write(
        &bin.join("hopguard"),
        &format!("#!/bin/sh\nexec {} \"$@\"\n", binary()),
    );
    folder
}

fn write(path: &Path, script: &str) {
    fs::write(path, script).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

/// What a shell prints, for which all went well.
fn bash(folder: &Path, script: &str) -> String {
    let path = std::env::var("PATH").unwrap();
    // A time to end what hangs; nothing on the page takes it.
    let mut shell = Command::new("timeout");
    let child = shell
        .args(["--kill-after=5", "300", "bash", "-c", script])
        .current_dir(folder)
        .env("PATH", format!("{}/bin:{path}", folder.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = child;
    // Held until the shell ended by itself.
    let input = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(input);
    let log = fs::read_to_string(folder.join("envoy.log")).unwrap_or_default();
    let said = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}\n{printed}\n{said}\n{log}",
        output.status
    );
    printed
}

#[test]
fn plain_envoy_is_guarded_by_copying_alone() {
    let ports: Vec<String> = PORTS
        .iter()
        .map(|_| free_port().unwrap().to_string())
        .collect();
    let folder = place(&ports);
    let mut script = blocks("sh run").join("\n");
    for (port, free) in PORTS.iter().zip(&ports) {
        assert!(script.contains(port), "{port}");
        script = script.replace(port, free);
    }

    let printed = bash(folder.path(), &format!("{WATCHED}{script}"));

    let expected: Vec<&str> = script
        .lines()
        .filter_map(|line| line.strip_prefix(EXPECTED))
        .collect();
    assert!(expected.len() > 8, "{expected:?}");
    let mut lines = printed.lines();
    for line in expected {
        let (start, end) = line.split_once('…').unwrap_or((line, ""));
        let is_it = |printed: &str| {
            let is_open = line.contains('…');
            printed.starts_with(start) && printed.ends_with(end) && (is_open || printed == line)
        };
        assert!(lines.any(is_it), "{line:?} is not in\n{printed}");
    }
}

#[test]
fn what_is_rendered_for_clusters_is_what_their_schemas_allow() {
    let ports = ["1", "2", "3"].map(str::to_owned);
    let folder = place(&ports);
    // The certificates and the policy.
    let prepared: Vec<&str> = blocks("sh run").into_iter().take(2).collect();
    let mut script = format!(
        "set -e\nexport DIGEST={}\n{}\n",
        "0".repeat(64),
        prepared.join("\n")
    );
    let mut files = Vec::new();
    for block in blocks("sh") {
        // A command goes on where a line ends with a backslash.
        for command in block.replace("\\\n", " ").lines() {
            if let Some((render, file)) = command.split_once(" > ")
                && render.starts_with("hopguard render ")
            {
                script.push_str(command);
                script.push('\n');
                let copy = format!("{}-{file}", files.len());
                script.push_str(&format!("mv {file} {copy}\n"));
                files.push(copy);
            }
        }
    }
    bash(folder.path(), &script);
    let mut kinds = Vec::new();
    for file in files {
        let text = fs::read_to_string(folder.path().join(&file)).unwrap();
        for resource in serde_saphyr::from_multiple::<Value>(&text).unwrap() {
            let kind = resource["kind"].as_str().unwrap().to_owned();
            let schema = match &*kind {
                "WasmPlugin" => "wasmplugins.json",
                "EnvoyFilter" => "envoyfilters.json",
                "EnvoyExtensionPolicy" => "envoyextensionpolicies.json",
                "EnvoyPatchPolicy" => "envoypatchpolicies.json",
                _ => panic!("{file}: {kind}"),
            };
            assert_resource(schema, &resource);
            kinds.push(kind);
        }
    }
    for kind in [
        "WasmPlugin",
        "EnvoyFilter",
        "EnvoyExtensionPolicy",
        "EnvoyPatchPolicy",
    ] {
        assert!(kinds.iter().any(|k| k == kind), "{kinds:?}");
    }
}
