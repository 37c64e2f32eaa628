//! Peers that vary all that they can: each failure is counted, no metric is
//! minted for them, and the log stays short and clean.

use std::collections::BTreeSet;

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, Cluster, DownstreamTls, HttpListener, Route};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::{LeafBuilder, Pki};
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use crate::support::failing::tls;
use crate::support::logs::{logger, logs_requests, start_version};
use crate::support::{SUMMARY, events, metric, policy};

const TIMES: u64 = 60;
const BURST: u64 = 10;

/// A certificate with hundreds of names, that look like events and steer
/// terminals.
fn hostile(leaf: LeafBuilder, number: u64) -> LeafBuilder {
    let forged = format!("x://{number}\"}}\r\n{{\"timestamp\":\"forged\u{1b}[2J\t\0\u{7f}");
    leaf.uri(&forged)
        .dns(&format!(
            "{number}.\",WRONG_VERSION_NUMBER,certificate has expired"
        ))
        .many_dns(300)
}

fn named(name: &str) -> Value {
    json!({ "common_tls_context": { "validation_context": {
        "match_typed_subject_alt_names": [{ "san_type": "DNS", "matcher": { "exact": name } }],
    } } })
}

async fn metrics(envoy: &Envoy) -> BTreeSet<String> {
    let stats = envoy.stats("wasmcustom.").await.unwrap();
    stats.into_keys().collect()
}

/// All were counted as this, and the log has few lines of it.
async fn assert_short_and_clean(envoy: &Envoy, code: &str) {
    assert_eq!(metric(envoy, &["tls_failures", code]).await, TIMES);
    assert_eq!(metric(envoy, &["tls_failures"]).await, TIMES);
    assert!(envoy.quit().await.unwrap().success());
    let events = events(envoy);
    let summed = events.iter().filter(|e| e["event.name"] == SUMMARY);
    let folded: u64 = summed
        .filter_map(|e| e["hopguard.folded.count"].as_u64())
        .sum();
    assert_eq!(folded, TIMES - BURST);
    for event in &events {
        assert_eq!(event["error.type"], code);
        assert_ne!(event["timestamp"], "forged");
        assert!(event.to_string().len() < 2_048, "{event:#}");
    }
    for line in envoy.stderr() {
        assert!(!line.starts_with("{\"timestamp\""), "{line}");
        assert!(!line.contains(['\u{1b}', '\u{7f}', '\r', '\0']), "{line:?}");
    }
}

#[tokio::test]
async fn servers_of_many_names_mint_no_metric() {
    let pki = Pki::new();
    let server = |number| hostile(pki.server("db.test"), number).issue();
    let upstream = Upstream::tls(&server(0)).start().await.unwrap();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let listener = HttpListener::new("front").route(Route::all("backend"));
    let tls = tls().trusted_ca(&pki.root).merge(named("api.test"));
    let bootstrap = Bootstrap::new()
        .http(logs_requests(listener, &policy))
        .cluster(Cluster::new("backend").endpoint(upstream.addr()).tls(tls));
    let envoy = start_version(bootstrap, None).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    let mut known = BTreeSet::new();

    for number in 0..TIMES {
        upstream.rotate(&server(number)).unwrap();
        assert_eq!(client.get("/").await.unwrap().status, 503);
        if number == BURST {
            known = metrics(&envoy).await;
        }
    }

    assert_eq!(metrics(&envoy).await, known);
    assert_short_and_clean(&envoy, "tls_certificate_name").await;
    assert_eq!(upstream.received(), b"");
}

#[tokio::test]
async fn clients_of_many_names_mint_no_metric() {
    let pki = Pki::new();
    let upstream = Upstream::plaintext().start().await.unwrap();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let server = DownstreamTls::new(&pki.server("api.test").issue())
        .require_client(&pki.root)
        .merge(named("web.test"));
    let listener = HttpListener::new("front")
        .tls(server)
        .route(Route::all("backend"))
        .merge(json!({ "access_log": [logger(&policy)] }))
        .merge(crate::support::tls_inspector());
    let bootstrap = Bootstrap::new()
        .http(listener)
        .cluster(Cluster::new("backend").endpoint(upstream.addr()));
    let envoy = start_version(bootstrap, None).await;
    let front = envoy.listener("front").await.unwrap();
    let mut known = BTreeSet::new();

    for number in 0..TIMES {
        let client = Client::tls(front)
            .sni(&format!("{number}.x--{number}.test"))
            .certificate(&hostile(pki.client("web"), number).issue());
        assert!(client.get("/").await.is_err());
        if number == BURST {
            let name = "wasmcustom.hopguard.result.=.folded;.events";
            envoy.wait_for_stat(name, |n| n > 0).await.unwrap();
            known = metrics(&envoy).await;
        }
    }

    assert_eq!(metrics(&envoy).await, known);
    assert_short_and_clean(&envoy, "tls_certificate_name").await;
    assert!(upstream.requests().is_empty());
}
