//! What is wrong: the component says so, in the core's words, and does not trap.

use std::path::Path;
use std::sync::LazyLock;

use data_encoding::BASE64;
use hopguard::trust::Certificate;
use hopguard_engine::certificate::{Sight, first};
use hopguard_engine::document::Document;
use serde_json::{Value, json};

use crate::host::{ROOT, SAID};
use crate::{native, told};

/// The seeds of the fuzz targets.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(ROOT).join("../fuzz/corpus").join(target);
    let files = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

static POLICIES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut texts: Vec<String> = corpus("policy")
        .into_iter()
        .filter_map(|bytes| String::from_utf8(bytes).ok())
        .collect();
    texts.extend([
        String::new(),
        " ".repeat(5 * 1024 * 1024),
        "[".repeat(100_000),
        r#"{"version":1,"version":1}"#.to_owned(),
        r#"{"version":2}"#.to_owned(),
        r#"{"version":1,"mode":"off","upstream":[{"name":"a","match":{"clusters":[]}}]}"#
            .to_owned(),
        r#"{"version":1,"clock_skew_seconds":-1} trailing"#.to_owned(),
    ]);
    texts
});

static CERTIFICATES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut all = corpus("certificate");
    all.extend([Vec::new(), vec![0x30], vec![0x30; 100_000], vec![0xff; 100]]);
    all
});

fn connections() -> Vec<(Value, &'static str)> {
    let upstream = |differs: Value| {
        let mut connection = json!({
            "direction": "upstream", "transport": { "tls": "tls13" }, "client-certificate": false,
        });
        connection
            .as_object_mut()
            .unwrap()
            .extend(differs.as_object().unwrap().clone());
        connection
    };
    let long = "a".repeat(300_000);
    let headers = vec![""; 10_000];
    vec![
        (upstream(json!({ "listener": "10.0.0.1:443" })), "listener"),
        (
            upstream(json!({ "direction": "downstream", "cluster": "a" })),
            "cluster",
        ),
        (
            upstream(json!({ "direction": "downstream", "client-certificate": true })),
            "client-certificate",
        ),
        (
            upstream(json!({ "direction": "downstream", "peer-address": "192.0.2.1:0" })),
            "peer-address",
        ),
        (
            upstream(json!({ "transport": "plaintext", "server-name": "api.test" })),
            "server-name",
        ),
        (
            upstream(json!({ "transport": "plaintext", "peer-certificate": "server" })),
            "peer-certificate",
        ),
        (
            upstream(json!({ "peer-certificate": { "base64": "" } })),
            "peer-certificate",
        ),
        (
            upstream(json!({ "peer-certificate-sha256": "00ff" })),
            "peer-certificate-sha256",
        ),
        (upstream(json!({ "server-name": long })), "request"),
        (
            upstream(json!({ "request": { "headers": headers } })),
            "request",
        ),
    ]
}

/// All of it, for the host.
pub fn all() -> Value {
    let certificates = CERTIFICATES.iter().map(|bytes| BASE64.encode(bytes));
    let connections = connections().into_iter().map(|(connection, _)| connection);
    json!({
        "policies": *POLICIES,
        "certificates": certificates.collect::<Vec<_>>(),
        "connections": connections.collect::<Vec<_>>(),
    })
}

#[test]
fn policies_are_refused_in_the_cores_words() {
    let said = SAID["hostile"]["policies"].as_array().unwrap();
    assert_eq!(said.len(), POLICIES.len());
    let mut refused = 0;
    for (text, said) in POLICIES.iter().zip(said) {
        let errors = Document::read(text, native::now())
            .err()
            .unwrap_or_default();
        refused += usize::from(!errors.is_empty());
        let errors = errors
            .iter()
            .map(|error| json!({ "path": error.path, "message": error.message }));
        assert_eq!(said, &errors.collect::<Value>(), "{text:.200}");
    }
    assert!(refused >= 7, "{refused}");
    let paths = |said: &Value| -> Vec<String> {
        let errors = said.as_array().unwrap().iter();
        errors
            .map(|error| error["path"].as_str().unwrap().to_owned())
            .collect()
    };
    let both = said.iter().rev().nth(1).unwrap();
    assert_eq!(
        paths(both),
        ["mode", "upstream[0].match.clusters"],
        "all at once"
    );
}

#[test]
fn certificates_are_read_or_refused_as_by_the_core() {
    let said = SAID["hostile"]["certificates"].as_array().unwrap();
    assert_eq!(said.len(), CERTIFICATES.len());
    let mut refused = 0;
    for (bytes, said) in CERTIFICATES.iter().zip(said) {
        let read = first(bytes.clone())
            .and_then(|(der, _)| Certificate::parse(&der).map_err(|error| error.to_string()));
        refused += usize::from(read.is_err());
        let inspected = match &read {
            Ok(certificate) => told::certificate(&Sight::of(certificate)),
            Err(error) => {
                assert_eq!(&said["trusted"], error);
                json!(error)
            }
        };
        assert_eq!(said["inspected"], inspected);
    }
    assert!((4..CERTIFICATES.len()).contains(&refused), "{refused}");
}

#[test]
fn facts_that_no_connection_shows_are_no_verdict() {
    let said = SAID["hostile"]["connections"].as_array().unwrap();
    // Each at three moments, two of them absurd.
    assert_eq!(said.len(), connections().len() * 3);
    for ((given, field), said) in connections().iter().zip(said.chunks(3)) {
        for said in said {
            assert_eq!(said["err"]["field"], *field, "{given:.200} {said}");
        }
    }
}
