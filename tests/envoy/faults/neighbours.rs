//! Peers that misbehave beside one that does not.

use std::time::{Duration, Instant};

use hopguard_testbed::client::{Client, Connection, Request};
use hopguard_testbed::config::{Cluster, UpstreamTls};
use hopguard_testbed::pki::{Issued, Pki};
use hopguard_testbed::upstream::Upstream;
use serde_json::json;
use tokio::sync::watch;

use super::Memory;
use crate::support::{events, guarded_clusters, metric, pending, policy};

/// Requests of a measurement.
const REQUESTS: usize = 200;
/// How much slower the good peer may seem: with two cores for the clients, all
/// servers and Envoy, what the others use is missing to it. A gate or a verifier
/// that worked through the others first would make it wait a hundred times as long.
const SLOWER: f64 = 20.0;
const ROUNDS: usize = 5;

/// The median time of a request on this connection.
async fn median(connection: &Connection) -> Duration {
    let mut times = Vec::new();
    for _ in 0..REQUESTS {
        let started = Instant::now();
        let response = connection.send(Request::get("/good")).await.unwrap();
        times.push(started.elapsed());
        assert_eq!(response.status, 200);
    }
    times.sort_unstable();
    times[REQUESTS / 2]
}

/// Asks one after another until told to stop; how many were denied.
async fn ask(client: Client, path: &'static str, mut over: watch::Receiver<bool>) -> u64 {
    let mut denied = 0;
    let connection = client.connect().await.unwrap();
    while !*over.borrow_and_update() {
        let response = connection.send(Request::get(path)).await.unwrap();
        assert_eq!(response.status, 503);
        denied += 1;
    }
    denied
}

/// One peer whose certificate is of another CA and whose connections are new each
/// time, one that never completes a handshake and for which hundreds wait, and one in
/// plaintext: a good one in the same worker is served all the while.
#[tokio::test]
async fn bad_peers_do_not_slow_a_good_one() {
    crate::support::needs!(PeerCertificate);
    const WAITING: usize = 500;
    let pki = Pki::new();
    let server = |certificate: &Issued| Upstream::tls(certificate);
    let good = pki.server("api.test").issue();
    let bad = pki
        .server("api.test")
        .issuer(&pki.other)
        .many_dns(1_000)
        .issue();
    let trusted = server(&good).counting_only().start().await.unwrap();
    let untrusted = server(&bad)
        .close_after(1)
        .no_resumption()
        .start()
        .await
        .unwrap();
    let silent = server(&good).held().start().await.unwrap();
    let plain = Upstream::plaintext().start().await.unwrap();
    let cluster = |name: &str, upstream: &Upstream| {
        let cluster = Cluster::new(name).endpoint(upstream.addr());
        let cluster = cluster.connect_timeout(Duration::from_secs(600));
        (name.to_owned(), cluster)
    };
    let tls = |(name, cluster): (String, Cluster)| {
        (
            name,
            cluster.tls(UpstreamTls::new().sni("api.test").no_resumption()),
        )
    };
    let clusters = [
        tls(cluster("good", &trusted)),
        tls(cluster("untrusted", &untrusted)),
        tls(cluster("silent", &silent)),
        cluster("plain", &plain),
    ];
    let fields = json!({
        "default_trust_stores": ["ca"],
        "gate": { "timeout_ms": 600_000, "max_pending": 2 * WAITING },
    });
    let envoy = guarded_clusters(clusters, &policy(&pki, fields), |route| route).await;
    let client = super::client(&envoy).await;
    let connection = client.connect().await.unwrap();
    median(&connection).await;

    let mut ratios = Vec::new();
    let mut denied = 0;
    let mut memory = None;
    for _ in 0..ROUNDS {
        let alone = median(&connection).await;
        let over = watch::Sender::new(false);
        let bad: Vec<_> = ["/untrusted", "/plain"]
            .into_iter()
            .map(|path| tokio::spawn(ask(client.clone(), path, over.subscribe())))
            .collect();
        let mut waiting = Vec::new();
        for _ in 0..WAITING {
            let mut raw = client.raw().await.unwrap();
            raw.write(b"GET /silent HTTP/1.1\r\nhost: api.test\r\n\r\n")
                .await
                .unwrap();
            waiting.push(raw);
        }
        // The other bad ones come and go.
        while metric(&envoy, &["gate_pending"]).await < WAITING as u64 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let beside = median(&connection).await;
        over.send_replace(true);
        for asking in bad {
            denied += asking.await.unwrap();
        }
        drop(waiting);
        pending(&envoy, 0).await;
        ratios.push(beside.as_secs_f64() / alone.as_secs_f64());
        memory.get_or_insert_with(|| Memory::of(&envoy));
    }

    ratios.sort_unstable_by(f64::total_cmp);
    eprintln!("beside bad peers / alone, medians: {ratios:.2?}");
    assert!(ratios[0] < SLOWER, "{ratios:?}");
    assert!(denied > 2 * ROUNDS as u64, "{denied}");
    memory.unwrap().has_grown_by_at_most(&envoy, 32);
    for upstream in [&untrusted, &silent] {
        assert_eq!(upstream.received(), b"");
    }
    assert_eq!(plain.raw_received(), b"");
    assert_eq!(
        metric(&envoy, &["decisions", "verdict.=.deny"]).await,
        denied
    );
    assert_eq!(metric(&envoy, &["events"]).await, denied);
    for event in events(&envoy) {
        assert_ne!(event["hopguard.cluster"], "good", "{event}");
    }
    assert_eq!(client.get("/good").await.unwrap().status, 200);
}
