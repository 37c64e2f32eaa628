//! V9.2.2 upstream: no byte leaves before the connection has shown what it is.

mod abandoned;
mod attempts;
mod bodies;
mod bounds;
mod connections;
mod exceptions;
mod failures;
mod hedging;
mod upgrades;

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Cluster, UpstreamTls};
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::json;

use crate::support::{exactly_events, guarded_cluster, metric, policy, wait_for_event};

#[tokio::test]
async fn a_plaintext_upstream_receives_nothing() {
    let pki = Pki::new();
    let upstream = Upstream::plaintext().start().await.unwrap();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let cluster = Cluster::new("backend").endpoint(upstream.addr());
    let envoy = guarded_cluster(cluster, &policy).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    let connection = client.connect().await.unwrap();
    for _ in 0..3 {
        let request = hopguard_testbed::client::Request::post("/cold-then-warm", "secret");
        let response = connection.send(request).await.unwrap();
        assert_eq!(response.status, 503);
        assert!(
            !response.text().contains("plaintext"),
            "{}",
            response.text()
        );
    }

    assert_eq!(upstream.raw_received(), b"");
    let event = wait_for_event(&envoy, "plaintext").await;
    assert_eq!(event["event.name"], "hopguard.denied");
    assert_eq!(event["hopguard.control"], "V9.2.2");
    assert_eq!(event["hopguard.cluster"], "backend");
    exactly_events(&envoy, 3).await;
}

#[tokio::test]
async fn a_trusted_upstream_is_reached() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let upstream = Upstream::tls(&pki.server("api.test").issue())
        .start()
        .await
        .unwrap();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let cluster = Cluster::new("backend")
        .endpoint(upstream.addr())
        .tls(UpstreamTls::new().sni("api.test"));
    let envoy = guarded_cluster(cluster, &policy).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    for _ in 0..2 {
        assert_eq!(client.get("/").await.unwrap().status, 200);
    }

    assert_eq!(upstream.requests().len(), 2);
    exactly_events(&envoy, 0).await;
}

#[tokio::test]
async fn a_warm_connection_is_judged_for_each_request() {
    let pki = Pki::new();
    let upstream = Upstream::plaintext().start().await.unwrap();
    let policy = policy(
        &pki,
        json!({
            "default_trust_stores": ["ca"],
            "upstream": [{
                "name": "health",
                "match": { "paths": ["/health"] },
                "waive": [{
                    "controls": ["V9.2.1", "V9.2.2"],
                    "reason": "nothing in it",
                    "until": "2099-12-31",
                }],
            }],
        }),
    );
    let cluster = Cluster::new("backend").endpoint(upstream.addr());
    let envoy = guarded_cluster(cluster, &policy).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    for _ in 0..3 {
        assert_eq!(client.get("/health").await.unwrap().status, 200);
        assert_eq!(client.get("/secret").await.unwrap().status, 503);
    }

    let paths: Vec<_> = upstream.requests().into_iter().map(|r| r.path).collect();
    assert_eq!(paths, ["/health"; 3]);
    let received = String::from_utf8(upstream.received()).unwrap();
    assert!(!received.contains("secret"));
    // Not even half a request came on the connection that the first one warmed.
    assert_eq!(upstream.connections(), 3);
    assert_eq!(metric(&envoy, &["gate_waits", "judged"]).await, 3);
    exactly_events(&envoy, 3).await;
}
