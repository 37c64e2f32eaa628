//! Many connections: each is counted, none is kept.

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, Cluster, TcpListener, UpstreamTls};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::json;

use super::{metric_is, waived_clients};
use crate::support::{SUMMARY, event, plugin, policy};

/// Comes and says something; whether it was served.
async fn visit(client: &Client) -> bool {
    let mut connection = client.raw().await.unwrap();
    // It may be closed by now.
    let _ = connection.write(b"a secret").await;
    match connection.read_exact(8).await {
        Ok(echo) => {
            assert_eq!(echo, b"a secret");
            true
        }
        Err(_) => false,
    }
}

/// An Envoy with two workers and the listeners `good` and `plain`.
async fn two_workers(pki: &Pki, good: &Upstream, plain: &Upstream, early: bool) -> Envoy {
    let policy = policy(
        pki,
        json!({ "default_trust_stores": ["ca"], "downstream": waived_clients() }),
    );
    let guard = plugin("network", &policy).network_filter();
    let listener = |name: &str| {
        let listener = TcpListener::new(name, name).filter(guard.clone());
        match early {
            true => listener.proxy(json!({ "max_early_data_bytes": 65_536 })),
            false => listener,
        }
    };
    // The kernel is to share connections out evenly.
    let tls = UpstreamTls::new().sni("api.test");
    let config = Bootstrap::new()
        .tcp(listener("good"))
        .tcp(listener("plain"))
        .cluster(Cluster::new("good").endpoint(good.addr()).tls(tls))
        .cluster(Cluster::new("plain").endpoint(plain.addr()));
    let envoy = Envoy::builder().config(config).concurrency(2);
    envoy.start().await.unwrap()
}

async fn many_at_once(early: bool) {
    const EACH: usize = 100;
    let pki = Pki::new();
    let good = Upstream::tls(&pki.server("api.test").issue()).tcp_echo();
    let good = good.start().await.unwrap();
    let plain = Upstream::plaintext().tcp_echo().start().await.unwrap();
    let envoy = two_workers(&pki, &good, &plain, early).await;
    let clients = [
        Client::plaintext(envoy.listener("good").await.unwrap()),
        Client::plaintext(envoy.listener("plain").await.unwrap()),
    ];

    let visits: Vec<_> = (0..2 * EACH)
        .map(|n| {
            let client = clients[n % 2].clone();
            tokio::spawn(async move { (n % 2, visit(&client).await) })
        })
        .collect();
    for of in visits {
        let (kind, served) = of.await.unwrap();
        assert_eq!(served, kind == 0);
    }

    let seen = good.wait_for(|s| s.open_connections() == 0).await.unwrap();
    assert_eq!(seen.connections.len(), EACH);
    assert!(
        seen.connections
            .iter()
            .all(|c| c.application == b"a secret")
    );
    let seen = plain.wait_for(|s| s.open_connections() == 0).await.unwrap();
    assert_eq!(seen.raw(), b"");
    let each = EACH as u64;
    metric_is(
        &envoy,
        &["decisions", "verdict.=.deny;", "cause.=.plaintext;"],
        each,
    )
    .await;
    metric_is(&envoy, &["decisions", "verdict.=.permit;"], each).await;
    metric_is(&envoy, &["decisions", "direction.=.downstream;"], 2 * each).await;
    metric_is(&envoy, &["events"], each).await;
    metric_is(&envoy, &["gate_pending"], 0).await;
    // Ten a minute of each worker are printed.
    let events = envoy
        .logs()
        .iter()
        .filter_map(|line| event(line))
        .collect::<Vec<_>>();
    let printed = events.iter().filter(|e| e["event.name"] != SUMMARY).count();
    metric_is(&envoy, &["events", "result.=.logged;"], printed as u64).await;
    assert!((10..=20).contains(&printed), "{printed}");
}

#[tokio::test]
async fn many_connections_at_once_are_counted_exactly() {
    crate::support::needs!(PeerCertificate);
    many_at_once(false).await;
}

#[tokio::test]
async fn many_connections_that_wait_are_counted_exactly() {
    crate::support::needs!(PeerCertificate);
    many_at_once(true).await;
}

/// Connections of one kind in a row, by clients that come at the same time.
async fn visits(client: &Client, count: usize) {
    const AT_ONCE: usize = 10;
    let visits: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                for _ in 0..count / AT_ONCE {
                    visit(&client).await;
                }
            })
        })
        .collect();
    for visits in visits {
        visits.await.unwrap();
    }
}

#[tokio::test]
async fn of_many_short_connections_nothing_is_kept() {
    crate::support::needs!(PeerCertificate);
    const MANY: usize = 5_000;
    let pki = Pki::new();
    let good = Upstream::tls(&pki.server("api.test").issue())
        .tcp_echo()
        .counting_only();
    let good = good.start().await.unwrap();
    let plain = Upstream::plaintext().tcp_echo().counting_only();
    let plain = plain.start().await.unwrap();
    let envoy = two_workers(&pki, &good, &plain, false).await;
    let doors = [
        Client::plaintext(envoy.listener("plain").await.unwrap()),
        Client::plaintext(envoy.listener("good").await.unwrap()),
    ];
    // What is there for good, is there by then.
    for door in &doors {
        visits(door, 500).await;
    }
    let before = envoy.rss_bytes().unwrap();

    for door in &doors {
        visits(door, MANY).await;
    }

    let after = envoy.rss_bytes().unwrap();
    let grown = after.saturating_sub(before);
    // 1,000 bytes a connection would be 10 MiB.
    assert!(grown < 8 * 1024 * 1024, "{before} to {after}");
    let all = (MANY + 500) as u64;
    metric_is(&envoy, &["decisions", "verdict.=.deny;"], all).await;
    metric_is(&envoy, &["decisions", "verdict.=.permit;"], all).await;
    metric_is(&envoy, &["events"], all).await;
    metric_is(&envoy, &["gate_pending"], 0).await;
}
