//! The role in a place of another kind, and a policy that says nothing to it.

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route, TcpListener};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::upstream::Upstream;
use serde_json::json;

use super::watching;
use crate::support::{plugin, start};

#[tokio::test]
async fn as_a_filter_it_lets_nothing_through_and_says_so_once() {
    let server = Upstream::plaintext().start().await.unwrap();
    let policy = watching(json!({ "interval_seconds": 3_600 }));
    let role = plugin("posture", &policy);
    let http = role.clone().name("http").http_filter();
    let tcp = role.name("tcp").network_filter();
    let backend = || Cluster::new("backend").endpoint(server.addr());
    let bootstrap = Bootstrap::new()
        .http(
            HttpListener::new("http")
                .filter(http)
                .route(Route::all("backend")),
        )
        .tcp(TcpListener::new("tcp", "backend").filter(tcp))
        .cluster(backend());
    let envoy = start(bootstrap).await;
    let http = Client::plaintext(envoy.listener("http").await.unwrap());
    let tcp = Client::plaintext(envoy.listener("tcp").await.unwrap());
    for _ in 0..3 {
        assert_eq!(http.get("/").await.unwrap().status, 503);
        assert!(tcp.get("/").await.is_err());
    }
    assert_eq!(server.raw_received(), b"");
    for place in ["an HTTP filter", "an L4 filter"] {
        let said = format!("the role posture does not work as {place}; nothing goes through");
        let lines = envoy.logs();
        let count = lines.iter().filter(|line| line.contains(&said)).count();
        assert_eq!(count, 1, "{place}");
    }
}

#[tokio::test]
async fn a_policy_that_says_nothing_of_it_is_refused() {
    let policy = json!({ "version": 1 });
    let bootstrap = Bootstrap::new().extension(plugin("posture", &policy).singleton());
    let refused = Envoy::builder().config(bootstrap).start().await;
    let reason = refused.unwrap_err().to_string();
    let said = "the policy is refused: posture: it is missing, and the role \"posture\" needs it";
    assert!(reason.contains(said), "{reason}");
}
