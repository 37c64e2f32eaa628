//! The TCP proxy tries again: each connection that failed is told of once, and
//! the one that came up is judged by itself.

use std::time::Duration;

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, Cluster, TcpListener, UpstreamTls};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::{Fault, Upstream};
use serde_json::json;

use super::{metric_is, waived_clients};
use crate::support::{exactly_events, gist, nobody, plugin, policy, start};

pub fn tls() -> UpstreamTls {
    UpstreamTls::new().sni("api.test")
}

pub fn cluster(name: &str) -> Cluster {
    Cluster::new(name).connect_timeout(Duration::from_millis(300))
}

/// An Envoy with a listener of the same name for each cluster.
pub async fn guarded(pki: &Pki, clusters: impl IntoIterator<Item = (&str, Cluster)>) -> Envoy {
    let policy = policy(
        pki,
        json!({ "default_trust_stores": ["ca"], "downstream": waived_clients() }),
    );
    let guard = plugin("network", &policy).network_filter();
    let mut bootstrap = Bootstrap::new();
    for (name, cluster) in clusters {
        let listener = TcpListener::new(name, name)
            .filter(guard.clone())
            .access_log(
                "TCP %FILTER_CHAIN_NAME% verdict=%FILTER_STATE(wasm.hopguard.verdict:PLAIN)%\n",
            )
            .proxy(json!({ "max_connect_attempts": 3 }));
        bootstrap = bootstrap.tcp(listener).cluster(cluster);
    }
    start(bootstrap).await
}

/// Comes to a listener; whether it was served.
pub async fn visit(envoy: &Envoy, name: &str) -> bool {
    let client = Client::plaintext(envoy.listener(name).await.unwrap());
    let mut connection = client.raw().await.unwrap();
    // It may be closed by now.
    let _ = connection.write(b"a secret").await;
    match connection.read_exact(8).await {
        Ok(echo) => {
            assert_eq!(echo, b"a secret", "{name}");
            true
        }
        Err(_) => false,
    }
}

async fn failed_connections(envoy: &Envoy, cluster: &str) -> u64 {
    let name = format!("cluster.{cluster}.upstream_cx_connect_fail");
    envoy.stat(&name).await.unwrap().unwrap_or_default()
}

/// How an upstream fails, and what the last failed attempt is told with.
struct Failing {
    name: &'static str,
    server: Option<Upstream>,
    address: std::net::SocketAddr,
    cause: &'static str,
    says_why: bool,
}

async fn failing(pki: &Pki, refused: std::net::SocketAddr) -> Vec<Failing> {
    let certificate = pki.server("api.test").issue();
    let of = |name, server: Upstream, cause, says_why| Failing {
        name,
        address: server.addr(),
        server: Some(server),
        cause,
        says_why,
    };
    // Envoy itself does not trust it.
    let stranger = Upstream::tls(&pki.other.server("api.test").issue());
    let plain = Upstream::plaintext().tcp_banner(b"220 ready\r\n");
    let resets = Upstream::tls(&certificate).fault(Fault::Reset);
    let alerts = Upstream::tls(&certificate).fault(Fault::Alert(40));
    let held = Upstream::tls(&certificate).held().start().await.unwrap();
    vec![
        Failing {
            name: "refuses",
            server: None,
            address: refused,
            cause: "connection_refused",
            says_why: true,
        },
        of(
            "untrusted",
            stranger.tcp_echo().start().await.unwrap(),
            "tls_certificate_untrusted",
            true,
        ),
        of(
            "plaintext",
            plain.start().await.unwrap(),
            "tls_plaintext_peer",
            true,
        ),
        of(
            "resets",
            resets.start().await.unwrap(),
            "tls_handshake_reset",
            true,
        ),
        of(
            "alerts",
            alerts.start().await.unwrap(),
            "tls_parameters_mismatch",
            true,
        ),
        of("never-answers", held, "connection_unestablished", false),
    ]
}

#[tokio::test]
async fn each_failed_attempt_before_a_good_one_is_told_of_once() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let good = Upstream::tls(&pki.server("api.test").issue());
    let good = good.tcp_echo().start().await.unwrap();
    let (_port, refused) = nobody();
    let failing = failing(&pki, refused).await;
    let clusters = failing.iter().map(|bad| {
        let cluster = cluster(bad.name)
            .endpoint(bad.address)
            .endpoint(good.addr())
            .tls(tls().trusted_ca(&pki.root));
        (bad.name, cluster)
    });
    let envoy = guarded(&pki, clusters).await;

    let mut total = 0;
    for bad in &failing {
        // Of two in a row, one begins with the bad endpoint at least.
        for _ in 0..2 {
            assert!(visit(&envoy, bad.name).await, "{}", bad.name);
        }
        let failed = failed_connections(&envoy, bad.name).await;
        assert!(failed > 0, "{}", bad.name);
        let events = exactly_events(&envoy, total + usize::try_from(failed).unwrap()).await;
        for event in &events[total..] {
            let expected = ["hopguard.tls_failure", bad.cause, "V9.2.5", "default"];
            assert_eq!(gist(event), expected, "{event}");
            assert_eq!(event["hopguard.cluster"], bad.name);
            assert_eq!(event["hopguard.attempt"], 1);
            assert_eq!(event["client.address"], "127.0.0.1");
            assert_eq!(event["error.message"].is_string(), bad.says_why, "{event}");
            // Those in view are of the good one.
            for field in [
                "network.peer.address",
                "server.address",
                "tls.server.hash.sha256",
            ] {
                assert!(event[field].is_null(), "{field}: {event}");
            }
        }
        total = events.len();
        if let Some(server) = &bad.server {
            server.release();
            let seen = server
                .wait_for(|s| s.open_connections() == 0)
                .await
                .unwrap();
            assert!(!String::from_utf8_lossy(&seen.raw()).contains("secret"));
        }
    }
    let visits = 2 * failing.len() as u64;
    metric_is(
        &envoy,
        &["tls_failures", "direction.=.upstream;"],
        total as u64,
    )
    .await;
    metric_is(&envoy, &["decisions", "direction.=.upstream;"], visits).await;
    assert_eq!(good.received().len() as u64, 8 * visits);
}

#[tokio::test]
async fn where_all_attempts_fail_each_is_told_of_and_no_byte_leaves() {
    let pki = Pki::new();
    let (_port, refused) = nobody();
    let failing = failing(&pki, refused).await;
    let clusters = failing.iter().map(|bad| {
        let tls = tls().trusted_ca(&pki.root);
        (bad.name, cluster(bad.name).endpoint(bad.address).tls(tls))
    });
    let envoy = guarded(&pki, clusters).await;

    for (n, bad) in failing.iter().enumerate() {
        let name = bad.name;
        assert!(!visit(&envoy, name).await, "{name}");
        let log = format!("TCP {name} verdict=-");
        envoy.wait_for_log(|line| line == log).await.unwrap();
        assert_eq!(failed_connections(&envoy, name).await, 3, "{name}");
        let events = exactly_events(&envoy, 3 * n + 3).await;
        for (attempt, event) in events[3 * n..].iter().enumerate() {
            let last = attempt == 2;
            let cause = if last { bad.cause } else { "attempt_failed" };
            let expected = ["hopguard.tls_failure", cause, "V9.2.5", "default"];
            assert_eq!(gist(event), expected, "{name} {attempt}: {event}");
            assert_eq!(event["hopguard.attempt"], attempt + 1, "{name}");
            assert_eq!(event["hopguard.cluster"], name);
            assert_eq!(
                event["network.peer.address"] == "127.0.0.1",
                last,
                "{event}"
            );
            assert_eq!(
                event["error.message"].is_string(),
                last && bad.says_why,
                "{event}"
            );
        }
        if let Some(server) = &bad.server {
            server.release();
            let seen = server
                .wait_for(|s| s.open_connections() == 0)
                .await
                .unwrap();
            assert_eq!(seen.connections.len(), 3, "{name}");
            assert!(!String::from_utf8_lossy(&seen.raw()).contains("secret"));
        }
    }
    metric_is(&envoy, &["decisions"], 0).await;
}
