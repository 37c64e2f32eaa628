//! The `network` role: TCP connections, judged on both hops before a byte goes
//! either way.

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, Cluster, TcpListener, UpstreamTls};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

mod answers;
mod attempts;
mod bytes;
mod choices;
mod clients;
mod early_data;
mod hello;
mod load;
mod misplaced;
mod modes;
mod outcome;
mod passthrough;
mod records;
mod reports;
mod row;
mod rules;
mod server_first;
mod servers;
mod table;
mod versions;

use crate::support::{exactly_events, gist, metric_is, plugin, policy, start};

/// An Envoy whose plaintext TCP listener `front` leads to this cluster, guarded
/// by the `network` role.
async fn guarded(cluster: Cluster, policy: &Value) -> Envoy {
    let listener =
        TcpListener::new("front", "backend").filter(plugin("network", policy).network_filter());
    start(Bootstrap::new().tcp(listener).cluster(cluster)).await
}

/// A waiver of TLS, and of what cannot be had without it.
fn waive_plaintext() -> Value {
    json!([{ "controls": ["V9.2.1", "V9.2.2"], "reason": "same host", "until": "2099-12-31" }])
}

/// Rules for clients that need no TLS.
fn waived_clients() -> Value {
    json!([{ "name": "local", "waive": waive_plaintext() }])
}

#[tokio::test]
async fn bytes_go_to_a_trusted_server_and_to_no_other() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let policy = policy(
        &pki,
        json!({ "default_trust_stores": ["ca"], "downstream": waived_clients() }),
    );
    let good = Upstream::tls(&pki.server("db.test").issue())
        .tcp_echo()
        .start()
        .await
        .unwrap();
    let plain = Upstream::plaintext().tcp_echo().start().await.unwrap();
    let tls = UpstreamTls::new().sni("db.test");
    let cluster = Cluster::new("backend").endpoint(good.addr()).tls(tls);
    let envoy = guarded(cluster, &policy).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    let mut connection = client.raw().await.unwrap();
    connection.write(b"hello").await.unwrap();
    let answer = connection.read_exact(5).await.unwrap();
    assert_eq!(answer, b"hello");
    exactly_events(&envoy, 0).await;

    let envoy = guarded(Cluster::new("backend").endpoint(plain.addr()), &policy).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    let mut connection = client.raw().await.unwrap();
    connection.write(b"hello").await.unwrap();
    assert_eq!(connection.read_to_end().await.unwrap().bytes, b"");
    assert_eq!(plain.raw_received(), b"");
    let events = exactly_events(&envoy, 1).await;
    assert_eq!(
        gist(&events[0]),
        ["hopguard.denied", "plaintext", "V9.2.2", "default"]
    );
    metric_is(&envoy, &["decisions", "deny"], 1).await;
}
