//! The client's bytes come before its server is connected: they wait, for as
//! long as the gate says, and no longer.

use std::time::Duration;

use hopguard_testbed::client::{Client, RawConnection};
use hopguard_testbed::config::{Bootstrap, Cluster, TcpListener, UpstreamTls};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::{Issued, Pki};
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use super::{metric_is, waived_clients};
use crate::support::{exactly_events, gist, merge, metric, pending, plugin, policy, start};

/// An Envoy that takes the client's data early, in front of a server with this
/// certificate that does not answer before it is released.
struct Early {
    envoy: Envoy,
    client: Client,
    server: Upstream,
}

async fn early(pki: &Pki, certificate: &Issued, fields: Value) -> Early {
    let server = Upstream::tls(certificate).tcp_echo().held();
    let server = server.start().await.unwrap();
    let mut policy = policy(
        pki,
        json!({ "default_trust_stores": ["ca"], "downstream": waived_clients() }),
    );
    merge(&mut policy, fields);
    let listener = TcpListener::new("front", "backend")
        .filter(plugin("network", &policy).network_filter())
        .proxy(json!({ "max_early_data_bytes": 65_536 }));
    let cluster = Cluster::new("backend")
        .endpoint(server.addr())
        .tls(UpstreamTls::new().sni("api.test"))
        .connect_timeout(Duration::from_secs(60));
    let envoy = start(Bootstrap::new().tcp(listener).cluster(cluster)).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    Early {
        envoy,
        client,
        server,
    }
}

impl Early {
    /// A connection that waits with these bytes, as one of so many.
    async fn waits(&self, bytes: &[u8], many: u64) -> RawConnection {
        let mut connection = self.client.raw().await.unwrap();
        connection.write(bytes).await.unwrap();
        pending(&self.envoy, many).await;
        connection
    }

    /// Waits until nobody waits, and so many ended like this.
    async fn ended(&self, result: &str, many: u64) {
        pending(&self.envoy, 0).await;
        let result = format!("result.=.{result};");
        metric_is(&self.envoy, &["gate_waits", &result], many).await;
    }

    /// So many events, of which the last one says this.
    async fn tells(&self, many: usize, [name, cause, control]: [&str; 3]) {
        let events = exactly_events(&self.envoy, many).await;
        assert_eq!(gist(&events[many - 1]), [name, cause, control, "default"]);
        assert_eq!(events[many - 1]["hopguard.cluster"], "backend");
    }
}

#[tokio::test]
async fn early_bytes_wait_and_go_once_to_a_server_that_is_trusted() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let good = pki.server("api.test").issue();
    let early = early(&pki, &good, json!({})).await;
    let mut connection = early.waits(b"one ", 1).await;
    // These join them.
    connection.write_segments([b"two ", b"six "]).await.unwrap();
    let mut other = early.waits(b"alone", 2).await;
    other.half_close().await.unwrap();
    assert_eq!(early.server.received(), b"");

    early.server.release();

    assert_eq!(connection.read_exact(12).await.unwrap(), b"one two six ");
    assert_eq!(other.read_to_end().await.unwrap().bytes, b"alone");
    connection.write(b"more").await.unwrap();
    assert_eq!(connection.read_exact(4).await.unwrap(), b"more");
    early.ended("judged", 2).await;
    exactly_events(&early.envoy, 0).await;
    let received = early.server.seen().connections;
    let mut received: Vec<_> = received.iter().map(|c| c.application.clone()).collect();
    received.sort();
    assert_eq!(received, [b"alone".to_vec(), b"one two six more".to_vec()]);
}

#[tokio::test]
async fn early_bytes_never_go_to_a_server_that_is_not_trusted() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let stranger = pki.other.server("api.test").issue();
    let early = early(&pki, &stranger, json!({})).await;
    let mut connection = early.waits(b"a secret", 1).await;

    early.server.release();

    assert_eq!(connection.read_to_end().await.unwrap().bytes, b"");
    early.ended("judged", 1).await;
    let denied = ["hopguard.denied", "certificate_unknown_issuer", "V9.2.1"];
    early.tells(1, denied).await;
    assert_eq!(early.server.received(), b"");
    assert_eq!(early.server.handshakes(), 1);
}

#[tokio::test]
async fn a_connection_that_waits_too_long_is_denied() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let good = pki.server("api.test").issue();
    let early = early(&pki, &good, json!({ "gate": { "timeout_ms": 200 } })).await;
    let mut connection = early.client.raw().await.unwrap();
    connection.write(b"a secret").await.unwrap();

    assert_eq!(connection.read_to_end().await.unwrap().bytes, b"");

    early.ended("timeout", 1).await;
    let denied = ["hopguard.denied", "gate_timeout", "V9.2.2"];
    early.tells(1, denied).await;
    early.server.release();
    let seen = early.server.wait_for(|s| s.open_connections() == 0).await;
    assert_eq!(seen.unwrap().application(), b"");
    // The next one has a server that answers.
    let mut connection = early.client.raw().await.unwrap();
    connection.write(b"hello").await.unwrap();
    assert_eq!(connection.read_exact(5).await.unwrap(), b"hello");
}

#[tokio::test]
async fn one_connection_too_many_does_not_wait() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let good = pki.server("api.test").issue();
    let early = early(&pki, &good, json!({ "gate": { "max_pending": 2 } })).await;
    let mut first = early.waits(b"hello", 1).await;
    let mut second = early.waits(b"hello", 2).await;
    let mut third = early.client.raw().await.unwrap();
    third.write(b"a secret").await.unwrap();

    assert_eq!(third.read_to_end().await.unwrap().bytes, b"");

    let denied = ["hopguard.denied", "gate_overflow", "V9.2.2"];
    early.tells(1, denied).await;
    metric_is(&early.envoy, &["gate_waits", "result.=.overflow;"], 1).await;
    pending(&early.envoy, 2).await;
    early.server.release();
    for connection in [&mut first, &mut second] {
        assert_eq!(connection.read_exact(5).await.unwrap(), b"hello");
    }
    early.ended("judged", 2).await;
    assert_eq!(early.server.received(), b"hellohello");
}

#[tokio::test]
async fn a_client_that_leaves_while_it_waits_is_forgotten() {
    let pki = Pki::new();
    let good = pki.server("api.test").issue();
    let early = early(&pki, &good, json!({})).await;

    for n in 1..=3 {
        let connection = early.waits(b"a secret", 1).await;
        connection.reset();
        early.ended("gone", n).await;
    }

    early.server.release();
    let seen = early.server.wait_for(|s| s.open_connections() == 0).await;
    assert_eq!(seen.unwrap().application(), b"");
    exactly_events(&early.envoy, 0).await;
    assert_eq!(metric(&early.envoy, &["decisions"]).await, 0);
}

#[tokio::test]
async fn a_connection_that_breaks_while_clients_wait_ends_them() {
    let pki = Pki::new();
    let good = pki.server("api.test").issue();
    let early = early(&pki, &good, json!({})).await;
    let mut connections = Vec::new();
    for n in 1..=3 {
        connections.push(early.waits(b"a secret", n).await);
    }
    let connected = |seen: &hopguard_testbed::upstream::Seen| seen.connections.len() == 3;
    early.server.wait_for(connected).await.unwrap();

    early.server.hang_up();

    for mut connection in connections {
        assert_eq!(connection.read_to_end().await.unwrap().bytes, b"");
    }
    early.ended("gone", 3).await;
    let failed = ["hopguard.tls_failure", "tls_handshake_reset", "V9.2.5"];
    early.tells(3, failed).await;
    assert_eq!(early.server.received(), b"");
}
