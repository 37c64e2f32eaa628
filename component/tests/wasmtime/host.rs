//! The host: a Python program over wasmtime.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use hopguard_testbed::{wasm, wasmtime};
use serde_json::Value;

use crate::hostile;

/// The folder of the component's crate.
pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The table, as everybody can read it.
pub static TABLE: LazyLock<Value> = LazyLock::new(|| {
    let text = std::fs::read_to_string(table_path()).unwrap();
    serde_json::from_str(&text).unwrap()
});

/// What the component says of the table, and of what is wrong.
pub static SAID: LazyLock<Value> = LazyLock::new(|| {
    let script = Path::new(ROOT).join("tests/hosts/wasmtime_host.py");
    let wrong = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(wrong.path(), hostile::all().to_string()).unwrap();
    said(&script, &[table_path(), wrong.path().to_owned()])
});

fn table_path() -> PathBuf {
    Path::new(ROOT).join("table/decisions.json")
}

/// What a program of a host prints, which gets wasmtime and the component.
pub fn said(script: &Path, arguments: &[PathBuf]) -> Value {
    let mut command = Command::new("python3");
    // Isolated: nothing but what is pinned, whatever the environment says.
    command.arg("-I").arg(script);
    command.arg(wasmtime::packages().unwrap());
    command.arg(wasm::component_path().unwrap());
    let output = command.args(arguments).stdin(Stdio::null()).output();
    let output = output.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", script.display());
    serde_json::from_slice(&output.stdout).unwrap()
}
