//! Connections that never come up are told of (V9.2.5), and those who only
//! left are not.

use std::time::Duration;

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Cluster, Route, UpstreamTls};
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::{Fault, Upstream};
use serde_json::json;

use crate::support::{exactly_events, gist, guarded_clusters, metric, nobody, pending, policy};

#[tokio::test]
async fn a_failed_connection_is_told_of_once_for_each_request() {
    let pki = Pki::new();
    let good = pki.server("api.test").issue();
    let resets = Upstream::tls(&good)
        .fault(Fault::Reset)
        .start()
        .await
        .unwrap();
    let closes = Upstream::tls(&good)
        .fault(Fault::Close)
        .start()
        .await
        .unwrap();
    let held = Upstream::tls(&good).held().start().await.unwrap();
    let plain = Upstream::plaintext().start().await.unwrap();
    let (_port, nobody) = nobody();
    let tls = UpstreamTls::new().sni("api.test");
    let verifying = tls.clone().trusted_ca(&pki.other);
    let of = |address| Cluster::new("").endpoint(address).tls(tls.clone());
    let cases = [
        ("resets", of(resets.addr()), "tls_handshake_reset"),
        ("closes", of(closes.addr()), "connection_unestablished"),
        ("speaks-no-tls", of(plain.addr()), "tls_plaintext_peer"),
        (
            "never-answers",
            of(held.addr()).connect_timeout(Duration::from_millis(50)),
            "connection_unestablished",
        ),
        ("refuses", of(nobody), "connection_refused"),
        (
            "refuses-plaintext",
            Cluster::new("").endpoint(nobody),
            "connection_refused",
        ),
    ];
    let trusted = Upstream::tls(&good).start().await.unwrap();
    let clusters = cases
        .iter()
        .map(|(name, cluster, _)| (*name, cluster.clone()))
        // Envoy itself does not trust it.
        .chain([("envoy-refuses", of(trusted.addr()).tls(verifying))])
        .map(|(name, cluster)| {
            let cluster = cluster.merge(json!({
                "name": name, "load_assignment": { "cluster_name": name },
            }));
            (name.to_owned(), cluster)
        });
    let policy = policy(
        &pki,
        json!({
            "default_trust_stores": ["ca"],
            "upstream": [{ "name": "own-rule", "match": { "clusters": ["closes"] } }],
        }),
    );
    let envoy = guarded_clusters(clusters, &policy, |route| route).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    let mut total = 0;
    let cases = cases
        .map(|(name, _, cause)| (name, cause))
        .into_iter()
        .chain([("envoy-refuses", "tls_certificate_untrusted")]);
    for (name, cause) in cases {
        for _ in 0..2 {
            let response = client.get(&format!("/{name}")).await.unwrap();
            assert_eq!(response.status, 503, "{name}");
            total += 1;
            let events = exactly_events(&envoy, total).await;
            let event = &events[total - 1];
            let rule = if name == "closes" {
                "own-rule"
            } else {
                "default"
            };
            assert_eq!(gist(event), ["hopguard.tls_failure", cause, "V9.2.5", rule]);
            assert_eq!(event["hopguard.cluster"], name);
            assert_eq!(event["hopguard.attempt"], 1);
            assert_eq!(event["network.peer.address"], "127.0.0.1");
            assert_ne!(event["hopguard.detail"], "");
        }
    }
    for upstream in [&resets, &closes, &held, &trusted] {
        assert_eq!(upstream.received(), b"");
    }
    assert!(plain.requests().is_empty());
    pending(&envoy, 0).await;
    assert_eq!(metric(&envoy, &["tls_failures"]).await, total as u64);
}

#[tokio::test]
async fn a_request_that_ran_out_of_time_is_no_failed_connection() {
    let pki = Pki::new();
    let held = Upstream::tls(&pki.server("api.test").issue())
        .held()
        .start()
        .await
        .unwrap();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let cluster = Cluster::new("backend")
        .endpoint(held.addr())
        .tls(UpstreamTls::new().sni("api.test"))
        .connect_timeout(Duration::from_secs(60))
        // The second to wait for a connection is refused by Envoy itself.
        .merge(json!({ "circuit_breakers": { "thresholds": [{ "max_pending_requests": 1 }] } }));
    let envoy = guarded_clusters(
        [("backend".to_owned(), cluster)],
        &policy,
        |route: Route| route.timeout(Duration::from_millis(300)),
    )
    .await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    let waits = client.clone();
    let waits = tokio::spawn(async move { waits.get("/backend").await });
    pending(&envoy, 1).await;
    assert_eq!(client.get("/backend").await.unwrap().status, 503);
    assert_eq!(waits.await.unwrap().unwrap().status, 504);
    pending(&envoy, 0).await;
    assert_eq!(metric(&envoy, &["gate_waits", "gone"]).await, 1);
    exactly_events(&envoy, 0).await;

    held.release();
    envoy
        .wait_for_stat("cluster.backend.ssl.handshake", |n| n == 1)
        .await
        .unwrap();
    assert_eq!(client.get("/backend").await.unwrap().status, 200);
    exactly_events(&envoy, 0).await;
}

#[tokio::test]
async fn a_connection_that_breaks_while_requests_wait_ends_them() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let held = Upstream::tls(&pki.server("api.test").issue())
        .held()
        .start()
        .await
        .unwrap();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let cluster = Cluster::new("backend")
        .endpoint(held.addr())
        .tls(UpstreamTls::new().sni("api.test"))
        .connect_timeout(Duration::from_secs(60));
    let envoy = guarded_clusters([("backend".to_owned(), cluster)], &policy, |route| route).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    let requests: Vec<_> = (0..5)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.get("/backend").await.unwrap().status })
        })
        .collect();
    held.wait_for(|s| s.connections.len() == 5).await.unwrap();
    pending(&envoy, 5).await;
    held.hang_up();
    for request in requests {
        assert_eq!(request.await.unwrap(), 503);
    }
    pending(&envoy, 0).await;
    for event in exactly_events(&envoy, 5).await {
        assert_eq!(gist(&event)[0], "hopguard.tls_failure");
    }

    held.release();
    assert_eq!(client.get("/backend").await.unwrap().status, 200);
    assert_eq!(held.requests().len(), 1);
}
