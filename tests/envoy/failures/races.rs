//! A server that resets a connection as it is made: what Envoy sees of it is a
//! matter of microseconds, and each is told of once all the same.

use std::net::SocketAddr;

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route};
use hopguard_testbed::pki::Pki;
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::failing::tls;
use crate::support::logs::{exactly_failures, logs_requests, start_version};
use crate::support::policy;

/// A server that resets each connection at once, without reading anything.
fn resets_at_once() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(listener).unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            connection.set_zero_linger().unwrap();
        }
    });
    address
}

#[tokio::test]
async fn a_connection_that_is_reset_at_once_is_told_of_once() {
    let pki = Pki::new();
    let address = resets_at_once();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let listener = HttpListener::new("front").route(Route::all("backend"));
    let bootstrap = Bootstrap::new()
        .http(logs_requests(listener, &policy))
        .cluster(Cluster::new("backend").endpoint(address).tls(tls()));
    let envoy = start_version(bootstrap, None).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    for _ in 0..10 {
        assert_eq!(client.get("/").await.unwrap().status, 503);
    }

    for event in exactly_failures(&envoy, 10).await {
        let code = event["error.type"].as_str().unwrap();
        let words = event["error.message"].as_str().unwrap_or_default();
        let expected = match words {
            _ if words.starts_with("delayed connect error: ") => "connection_reset",
            "" => "connection_unestablished",
            _ => "tls_handshake_reset",
        };
        assert_eq!(code, expected, "{event:#}");
    }
}
