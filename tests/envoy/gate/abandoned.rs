//! Clients that leave while their requests wait.

use std::time::Duration;

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{Cluster, UpstreamTls};
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::json;

use crate::support::{exactly_events, guarded_cluster, metric, pending, policy};

/// As many as there may be at once with Envoy's default of 1,024 connections.
const CLIENTS: usize = 400;

#[tokio::test]
async fn requests_whose_clients_left_take_no_room() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let upstream = Upstream::tls(&pki.server("api.test").issue())
        .held()
        .start()
        .await
        .unwrap();
    let policy = policy(
        &pki,
        json!({ "default_trust_stores": ["ca"], "gate": { "timeout_ms": 600_000 } }),
    );
    let cluster = Cluster::new("backend")
        .endpoint(upstream.addr())
        .tls(UpstreamTls::new().sni("api.test"))
        .connect_timeout(Duration::from_secs(600));
    let envoy = guarded_cluster(cluster, &policy).await;
    let address = envoy.listener("front").await.unwrap();

    // HTTP/1.1: the connection is closed, or reset.
    let mut connections = Vec::new();
    for _ in 0..CLIENTS {
        let mut raw = Client::plaintext(address).raw().await.unwrap();
        raw.write(b"GET /gone HTTP/1.1\r\nhost: api.test\r\n\r\n")
            .await
            .unwrap();
        connections.push(raw);
    }
    pending(&envoy, CLIENTS as u64).await;
    for reset in connections.split_off(CLIENTS / 2) {
        reset.reset();
    }
    drop(connections);
    pending(&envoy, 0).await;

    // HTTP/2: the streams are reset, then the connection closed.
    let connection = Client::plaintext(address).http2().connect().await.unwrap();
    let connection = std::sync::Arc::new(connection);
    let streams: Vec<_> = (0..100)
        .map(|_| {
            let connection = std::sync::Arc::clone(&connection);
            tokio::spawn(async move { connection.send(Request::get("/gone")).await })
        })
        .collect();
    pending(&envoy, 100).await;
    streams[..50]
        .iter()
        .for_each(tokio::task::JoinHandle::abort);
    pending(&envoy, 50).await;
    streams.iter().for_each(tokio::task::JoinHandle::abort);
    drop((streams, connection));
    pending(&envoy, 0).await;

    upstream.release();
    let response = Client::plaintext(address).get("/stays").await.unwrap();
    assert_eq!(response.status, 200);
    let paths: Vec<_> = upstream.requests().into_iter().map(|r| r.path).collect();
    assert_eq!(paths, ["/stays"]);
    assert_eq!(
        metric(&envoy, &["gate_waits", "gone"]).await,
        CLIENTS as u64 + 100
    );
    exactly_events(&envoy, 0).await;
}
