//! Envoy can call the loggers only where its own flags say that a connection
//! failed: then good traffic costs nothing, and no failure towards a server is
//! missed. A client's handshake leaves no flag.

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, TcpListener,
};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::{Fault, Reply, Upstream};
use serde_json::{Value, json};

use crate::support::failing::tls;
use crate::support::logs::{exactly_failures, logger};
use crate::support::policy;

/// Only those with these flags.
fn only_failed(mut logger: Value) -> Value {
    logger["filter"] = json!({ "response_flag_filter": { "flags": ["UF", "UC"] } });
    logger
}

/// How often Envoy called a logger.
fn calls(envoy: &Envoy) -> usize {
    let lines = envoy.stderr();
    lines
        .iter()
        .filter(|l| l.contains("[host->vm] proxy_on_log("))
        .count()
}

#[tokio::test]
async fn loggers_that_are_called_for_failures_only_miss_none() {
    let pki = Pki::new();
    let certificate = pki.server("api.test").issue();
    let good = Upstream::tls(&certificate).start().await.unwrap();
    let resets = Upstream::tls(&certificate)
        .fault(Fault::Reset)
        .start()
        .await
        .unwrap();
    let dies = Upstream::tls(&certificate)
        .handler(|_| Reply::close())
        .start()
        .await
        .unwrap();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let logger = only_failed(logger(&policy));
    let mut http = HttpListener::new("http")
        .access_logger(logger.clone())
        .upstream_logger(logger.clone());
    let mut bootstrap = Bootstrap::new();
    for (name, upstream) in [("good", &good), ("resets", &resets), ("dies", &dies)] {
        http = http.route(Route::prefix(&format!("/{name}"), name));
        let tcp = TcpListener::new(name, name)
            .access_logger(logger.clone())
            .merge(json!({ "access_log": [logger] }));
        bootstrap = bootstrap
            .tcp(tcp)
            .cluster(Cluster::new(name).endpoint(upstream.addr()).tls(tls()));
    }
    let guarded = TcpListener::new("tls", "good")
        .tls(DownstreamTls::new(&certificate))
        .merge(json!({ "access_log": [logger] }));
    let envoy = Envoy::builder()
        .config(bootstrap.http(http).tcp(guarded))
        .component_log("wasm:trace")
        .start()
        .await
        .unwrap();
    let client = Client::plaintext(envoy.listener("http").await.unwrap());
    let over_tcp = async |name: &str| {
        let client = Client::plaintext(envoy.listener(name).await.unwrap());
        client.get("/").await
    };

    for _ in 0..3 {
        assert_eq!(client.get("/good").await.unwrap().status, 200);
        assert_eq!(over_tcp("good").await.unwrap().status, 200);
        // Speaks no TLS.
        assert!(over_tcp("tls").await.is_err());
    }
    assert_eq!(calls(&envoy), 0);
    for name in ["/resets", "/dies"] {
        assert_eq!(client.get(name).await.unwrap().status, 503, "{name}");
    }
    assert!(over_tcp("resets").await.is_err());

    let events = exactly_failures(&envoy, 3).await;
    // Two logs each.
    assert_eq!(calls(&envoy), 6);
    let mut codes: Vec<_> = events
        .iter()
        .map(|e| e["error.type"].as_str().unwrap())
        .collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            "tls_closed_after_handshake",
            "tls_handshake_reset",
            "tls_handshake_reset"
        ]
    );
}
