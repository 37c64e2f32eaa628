//! The role in a place of another kind, and a policy that says nothing to it.

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route, TcpListener};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::upstream::Upstream;
use serde_json::json;

use super::{looks, watching};
use crate::support::{exactly_events, plugin, start};

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

/// The same policy and VM as of the others, as the documents have it.
#[tokio::test]
async fn beside_other_roles_in_one_vm_each_does_its_own() {
    let server = Upstream::plaintext().start().await.unwrap();
    let policy = watching(json!({}));
    let listener = HttpListener::new("http")
        .filter(plugin("downstream", &policy).http_filter())
        .route(Route::all("backend"));
    let backend = Cluster::new("backend")
        .endpoint(server.addr())
        .filter(plugin("upstream", &policy).http_filter());
    let open = HttpListener::new("open").route(Route::all("backend"));
    let bootstrap = Bootstrap::new().http(listener).http(open).cluster(backend);
    let envoy = super::start(bootstrap, &policy, None).await;
    for (name, status) in [("http", 403), ("open", 503)] {
        let client = Client::plaintext(envoy.listener(name).await.unwrap());
        for _ in 0..2 {
            assert_eq!(client.get("/").await.unwrap().status, status, "{name}");
        }
    }
    looks(&envoy, "read", 4).await;
    exactly_events(&envoy, 4).await;
    assert_eq!(server.raw_received(), b"");
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
