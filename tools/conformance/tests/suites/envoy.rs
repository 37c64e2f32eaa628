//! The same cases in WebAssembly, in a real Envoy: with the host's cryptography,
//! and without. Every verdict must be the native one, to the last word.

use std::sync::Arc;

use hopguard_conformance::{Report, Task, Way, judge};
use hopguard_testbed::client::{Client, Connection, Request};
use hopguard_testbed::config::{Bootstrap, HttpListener, Route, Wasm};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::wasm;
use serde_json::json;

use crate::{keys, vectors, wycheproof};

/// Signatures of one request, so that its answer comes within a second or two.
const BATCH: usize = 100;

async fn envoy() -> Envoy {
    let module = wasm::conformance_path().unwrap();
    let listener = HttpListener::new("front")
        .filter(
            Wasm::new(&module, "conformance")
                .patch(|plugin| plugin["allow_on_headers_stop_iteration"] = json!(true))
                .http_filter(),
        )
        .route(Route::direct("/", 404, "the filter did not answer"));
    Envoy::builder()
        .config(Bootstrap::new().http(listener))
        .concurrency(1)
        .start()
        .await
        .unwrap()
}

async fn report(connection: &Connection, path: &str, task: &Task) -> Report {
    let body = serde_json::to_vec(task).unwrap();
    let answer = connection.send(Request::post(path, body)).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

/// Judges each, with a name for each verdict, in all three ways. Returns how many
/// signatures the host decided.
async fn compare(tasks: impl IntoIterator<Item = (Vec<String>, Task)>) -> usize {
    let envoy = envoy().await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    let connection = client.connect().await.unwrap();
    let mut differences = Vec::new();
    let mut by_host = 0;
    for (names, task) in tasks {
        let task = Arc::new(task);
        let native = tokio::task::spawn_blocking({
            let task = Arc::clone(&task);
            move || judge(&task, &Way::in_process())
        });
        let in_process = report(&connection, "/in-process", &task).await;
        let host = report(&connection, "/host", &task).await;
        let native = native.await.unwrap();
        assert_eq!((native.by_host, in_process.by_host), (0, 0), "{names:?}");
        by_host += host.by_host;
        for (way, report) in [("in process", in_process), ("host", host)] {
            let counts = (native.verdicts.len(), report.verdicts.len());
            assert_eq!(counts, (names.len(), names.len()), "{names:?}");
            let pairs = native.verdicts.iter().zip(&report.verdicts);
            differences.extend(
                names
                    .iter()
                    .zip(pairs)
                    .filter(|(_, (native, wasm))| native != wasm)
                    .map(|(name, (native, wasm))| {
                        format!("{name}: {way}: {wasm:?}, natively {native:?}")
                    }),
            );
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    by_host
}

#[tokio::test]
async fn certificates_and_responses_are_judged_as_natively() {
    let (Some(limbo), Some(pkits), Some(ocsp)) = (
        vectors::limbo(),
        vectors::pkits(),
        vectors::boringssl_ocsp(),
    ) else {
        return;
    };
    assert_eq!((limbo.len(), pkits.len(), ocsp.len()), (208, 247, 36));
    let certificates = limbo.into_iter().chain(pkits);
    let by_host = compare(
        certificates
            .map(|case| (vec![case.id.clone()], Task::Certificate(Box::new(case))))
            .chain(ocsp.into_iter().map(|case| {
                let names = vec![case.id.clone()];
                (names, Task::Ocsp(Box::new(case)))
            })),
    )
    .await;
    println!("491 cases, the same verdict in three ways; the host decided {by_host} signatures");
    assert!(by_host > 0);
}

#[tokio::test]
async fn signatures_are_judged_as_natively() {
    let cases = wycheproof::cases()
        .into_iter()
        .map(|c| (c.name, c.signature));
    let keys = keys::cases().into_iter().map(|c| (c.name, c.signature));
    let cases: Vec<_> = cases.chain(keys).collect();
    let by_host = compare(cases.chunks(BATCH).map(|batch| {
        let (names, signatures) = batch.iter().cloned().unzip();
        (names, Task::Signatures(signatures))
    }))
    .await;
    let count = cases.len();
    println!("{count} signatures, the same verdict in three ways; the host decided {by_host}");
    assert!(by_host > 0);
}
