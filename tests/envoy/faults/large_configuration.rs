//! A policy of 10 MB: refused by its size, unread, whether there was one before or
//! not.

use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use super::{Memory, backend, client};
use crate::live_change::watched::{HTTP_FILTER, Watched};
use crate::support::{exactly_events, filter, gist, metric, metric_is, policy};

const WHY: &str = "hopguard: the policy is refused: it has ";

/// A valid policy but for its size.
fn large(policy: &Value, number: u64) -> Value {
    let mut policy = policy.clone();
    let rule = |n: usize| json!({ "name": format!("r{number}-{n}"), "match": { "paths": [format!("/{n:0>2500}")] } });
    policy["upstream"] = (0..4_000).map(rule).collect();
    assert!(policy.to_string().len() > 10_000_000);
    policy
}

#[tokio::test]
async fn ten_megabytes_are_refused_and_the_policy_before_goes_on() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let good = Upstream::tls(&pki.server("api.test").issue());
    let good = good.start().await.unwrap();
    let plain = Upstream::plaintext().start().await.unwrap();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let watched = Watched::new();
    watched.put_filter(&filter("upstream", &policy));
    let discovered = || watched.discovered(HTTP_FILTER);
    let listener = HttpListener::new("front")
        .route(Route::prefix("/plain", "plain"))
        .route(Route::all("backend"));
    let unguarded = Cluster::new("plain").endpoint(plain.addr());
    let clusters = |listener| {
        Bootstrap::new()
            .http(listener)
            .cluster(backend(&good).filter(discovered()))
            .cluster(unguarded.clone().filter(discovered()))
    };
    let envoy = Envoy::builder()
        .config(clusters(listener))
        .start()
        .await
        .unwrap();
    let client = client(&envoy).await;
    let served = async || {
        let of_good = client.get("/").await.unwrap().status;
        (of_good, client.get("/plain").await.unwrap().status)
    };
    assert_eq!(served().await, (200, 503));
    let accepted = metric(&envoy, &["configurations", "accepted"]).await;

    let memory = Memory::of(&envoy);
    for count in 1..=3 {
        watched.put_filter(&filter("upstream", &large(&policy, count)));
        metric_is(&envoy, &["configurations", "rejected"], count).await;
        assert_eq!(served().await, (200, 503));
    }
    // Envoy itself holds the text some times while it reads it, and what it makes of it.
    memory.has_grown_by_at_most(&envoy, 256);
    let why = envoy.wait_for_log(|line| line.contains(WHY)).await.unwrap();
    assert!(why.contains("more than 4194304"), "{why}");
    assert_eq!(
        metric(&envoy, &["configurations", "accepted"]).await,
        accepted
    );
    assert_eq!(good.requests().len(), 4);
    assert_eq!(plain.raw_received(), b"");
    for event in exactly_events(&envoy, 4).await {
        assert_eq!(gist(&event)[1], "plaintext");
    }
}

#[tokio::test]
async fn envoy_does_not_start_with_ten_megabytes() {
    let pki = Pki::new();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let listener = HttpListener::new("front")
        .filter(filter("downstream", &large(&policy, 0)))
        .route(Route::direct("/", 200, ""));

    let refusal = Envoy::validate(Bootstrap::new().http(listener)).await;

    let log = refusal.unwrap_err();
    assert!(log.contains(WHY), "{log}");
}
