//! The example in Python, which docs/component.md shows, does what it says.

use std::path::Path;
use std::process::{Command, Output};

use hopguard_testbed::{wasm, wasmtime};
use tempfile::TempDir;

use crate::host::{ROOT, TABLE};

fn run(policy: &str, certificate: &str) -> Output {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let pem = TABLE["certificates"][certificate].as_str().unwrap();
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", wasmtime::packages().unwrap());
    command.arg("-B");
    command.arg(Path::new(ROOT).join("examples/python/decide.py"));
    command.arg(wasm::component_path().unwrap());
    command.arg(file("policy.json", policy));
    command.arg(file("server.pem", pem));
    command.args(["api.test", &TABLE["now"].to_string()]);
    command.output().unwrap()
}

#[test]
fn the_example_in_python_prints_the_verdict() {
    let strict = TABLE["policies"]["strict"].to_string();
    for (policy, certificate, code, line) in [
        (&strict, "server", 0, "permit by rule default"),
        (&strict, "expired", 1, "V9.2.1 certificate_expired - "),
        (
            &r#"{"version":1,"mode":"off"}"#.to_owned(),
            "server",
            1,
            "mode: unknown variant",
        ),
    ] {
        let output = run(policy, certificate);
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{certificate}: {text}");
        assert!(text.contains(line), "{certificate}: {text}");
    }
}
