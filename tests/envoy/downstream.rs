//! V9.2.2 downstream: TLS, and new enough, before the request goes anywhere.

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route};
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::json;

use crate::support::{ACCESS_LOG, filter, policy, start, wait_for_event};

#[tokio::test]
async fn a_plaintext_client_is_refused() {
    let pki = Pki::new();
    let upstream = Upstream::plaintext().start().await.unwrap();
    let policy = policy(&pki, json!({}));
    let listener = HttpListener::new("front")
        .access_log(ACCESS_LOG)
        .filter(filter("downstream", &policy))
        .route(Route::all("backend"));
    let cluster = Cluster::new("backend").endpoint(upstream.addr());
    let envoy = start(Bootstrap::new().http(listener).cluster(cluster)).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    let response = client.get("/").await.unwrap();

    assert_eq!(response.status, 403);
    assert_eq!(upstream.connections(), 0);
    let event = wait_for_event(&envoy, "plaintext").await;
    assert_eq!(event["hopguard.direction"], "downstream");
    envoy
        .wait_for_log(|line| {
            line.contains(
                "ACCESS / 403 hopguard_denied verdict=deny cause=plaintext control=V9.2.2",
            )
        })
        .await
        .unwrap();
}
