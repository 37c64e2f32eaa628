//! Rules that only report: where evidence is missing, too, bytes pass, and what
//! would have been denied is told.

use std::time::Duration;

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route, TcpListener, UpstreamTls};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use super::metric_is;
use super::outcome::{Outcome, Side};
use super::row::Cast;
use super::table::walk;
use crate::support::{exactly_events, gist, plugin, policy, start};

/// What a policy reports of plaintext clients and servers that are not in view.
async fn told(envoy: &Envoy, expected: &[&str]) {
    let events = exactly_events(envoy, expected.len()).await;
    for (event, cause) in events.iter().zip(expected) {
        assert_eq!(gist(event)[..2], ["hopguard.would_deny", *cause], "{event}");
        assert_eq!(event["hopguard.verdict"], "would_deny");
    }
    metric_is(envoy, &["decisions", "verdict.=.deny;"], 0).await;
    metric_is(envoy, &["gate_pending"], 0).await;
}

fn reporting(pki: &Pki) -> Value {
    policy(
        pki,
        json!({
            "mode": "report",
            "default_trust_stores": ["ca"],
            "gate": { "timeout_ms": 200, "max_pending": 1 },
        }),
    )
}

#[tokio::test]
async fn a_server_that_speaks_into_a_handshake_is_let_through() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let row = Cast(&pki)
        .row("banner")
        .server_first()
        .downstream(json!({ "mode": "report" }))
        .outcome(Outcome::WouldDeny(Side::Client, "client_handshake_pending"));

    walk(&pki, [row], vec![], None).await;
}

#[tokio::test]
async fn places_that_show_no_server_are_let_through() {
    let pki = Pki::new();
    let server = Upstream::plaintext().start().await.unwrap();
    let echo = Upstream::plaintext().tcp_echo().start().await.unwrap();
    let guard = plugin("network", &reporting(&pki)).network_filter();
    let late = json!({
        "upstream_connect_mode": "ON_DOWNSTREAM_DATA", "max_early_data_bytes": 65_536,
    });
    let envoy = start(
        Bootstrap::new()
            .http(
                HttpListener::new("http")
                    .network_filter(guard.clone())
                    .route(Route::all("http")),
            )
            .tcp(TcpListener::new("late", "echo").filter(guard).proxy(late))
            .cluster(Cluster::new("http").endpoint(server.addr()))
            .cluster(Cluster::new("echo").endpoint(echo.addr())),
    )
    .await;

    let client = Client::plaintext(envoy.listener("http").await.unwrap());
    let answer = client.send(Request::post("/", "hello")).await.unwrap();
    assert_eq!(answer.status, 200);
    let client = Client::plaintext(envoy.listener("late").await.unwrap());
    let mut connection = client.raw().await.unwrap();
    connection.write(b"hello").await.unwrap();
    assert_eq!(connection.read_exact(5).await.unwrap(), b"hello");

    told(&envoy, &["upstream_not_shown"; 2]).await;
}

#[tokio::test]
async fn connections_that_would_wait_too_long_or_too_many_are_let_through() {
    let pki = Pki::new();
    let server = Upstream::tls(&pki.server("api.test").issue()).tcp_echo();
    let server = server.held().start().await.unwrap();
    let listener = TcpListener::new("front", "backend")
        .filter(plugin("network", &reporting(&pki)).network_filter())
        .proxy(json!({ "max_early_data_bytes": 65_536 }));
    let cluster = Cluster::new("backend")
        .endpoint(server.addr())
        .tls(UpstreamTls::new().sni("api.test"))
        .connect_timeout(Duration::from_secs(60));
    let envoy = start(Bootstrap::new().tcp(listener).cluster(cluster)).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    let mut first = client.raw().await.unwrap();
    first.write(b"first").await.unwrap();
    crate::support::pending(&envoy, 1).await;
    let mut other = client.raw().await.unwrap();
    other.write(b"other").await.unwrap();

    told(&envoy, &["gate_overflow", "gate_timeout"]).await;
    server.release();

    assert_eq!(first.read_exact(5).await.unwrap(), b"first");
    assert_eq!(other.read_exact(5).await.unwrap(), b"other");
    first.write(b"more").await.unwrap();
    assert_eq!(first.read_exact(4).await.unwrap(), b"more");
    told(&envoy, &["gate_overflow", "gate_timeout"]).await;
}
