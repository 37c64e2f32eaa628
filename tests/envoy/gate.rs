//! V9.2.2 upstream: no byte leaves before the connection has shown what it is.

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Cluster, UpstreamTls};
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::json;

use crate::support::{events, guarded_cluster, policy, wait_for_event};

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
    assert_eq!(events(&envoy).len(), 3);
}

#[tokio::test]
async fn a_trusted_upstream_is_reached() {
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
    assert_eq!(events(&envoy).len(), 0);
}
