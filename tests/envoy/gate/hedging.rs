//! Hedging: attempts of one request at once, of which Envoy shows the latest.

use std::time::Duration;

use hopguard_testbed::client::Client;
use hopguard_testbed::config::Route;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::json;

use super::attempts::{PLAINTEXT, first_then, retrying};
use crate::support::{exactly_events, gist, guarded_clusters, metric, pending, policy};

/// Hedges at once: Envoy starts the time-out of an attempt when its connection
/// is up (Envoy 1.40), so that no attempt is hedged before.
fn hedging(route: Route) -> Route {
    retrying(route)
        .per_try_timeout(Duration::from_millis(1))
        .hedge()
        .option(json!({ "retry_policy": {
            "retry_back_off": { "base_interval": "0.001s", "max_interval": "0.001s" },
        }}))
}

#[tokio::test]
async fn a_hedged_attempt_is_judged_by_its_own_connection() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let good = pki.server("api.test").issue();
    let slow = Upstream::tls(&good).start().await.unwrap();
    let trusted = Upstream::tls(&good).start().await.unwrap();
    let plain = Upstream::plaintext().start().await.unwrap();
    slow.hold_responses();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let clusters = [
        first_then("trusted", [(slow.addr(), "tls"), (trusted.addr(), "tls")]),
        first_then("plaintext", [(slow.addr(), "tls"), (plain.addr(), "plain")]),
    ];
    let envoy = guarded_clusters(clusters, &policy, |route| {
        // Longer than a look at the gate takes: the first attempt is under way.
        hedging(route).per_try_timeout(Duration::from_millis(200))
    })
    .await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    assert_eq!(client.get("/trusted").await.unwrap().status, 200);
    assert_eq!(client.get("/plaintext").await.unwrap().status, 503);

    assert_eq!(slow.requests().len(), 2);
    assert_eq!(trusted.requests().len(), 1);
    assert_eq!(plain.raw_received(), b"");
    let events = exactly_events(&envoy, 1).await;
    assert_eq!(
        (gist(&events[0]), &events[0]["hopguard.attempt"]),
        (PLAINTEXT, &json!(2))
    );
}

/// The looks at the gate are some milliseconds apart where a connection is slow
/// to come, so that hedged attempts start between two of them.
#[tokio::test]
async fn an_attempt_is_never_judged_by_the_evidence_of_a_later_one() {
    crate::support::needs!(PeerCertificate);
    const REQUESTS: usize = 64;
    let pki = Pki::new();
    let bad = pki.server("api.test").issuer(&pki.other).issue();
    let untrusted = Upstream::tls(&bad).held().start().await.unwrap();
    let trusted = Upstream::tls(&pki.server("api.test").issue())
        .start()
        .await
        .unwrap();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let hosts = [(untrusted.addr(), "tls"), (trusted.addr(), "tls")];
    let (name, cluster) = first_then("backend", hosts);
    let cluster = (name, cluster.connect_timeout(Duration::from_secs(60)));
    let envoy = guarded_clusters([cluster], &policy, hedging).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    // Which comes first, the later attempt or the look, is chance; most rounds
    // have both.
    for _ in 0..10 {
        untrusted.hold();
        untrusted.hang_up();
        let requests: Vec<_> = (0..REQUESTS)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.get("/backend").await.unwrap().status })
            })
            .collect();
        pending(&envoy, REQUESTS as u64).await;
        // Not to wait for something: the looks get farther apart with age.
        tokio::time::sleep(Duration::from_millis(150)).await;
        untrusted.release();
        let mut statuses = Vec::new();
        for request in requests {
            statuses.push(request.await.unwrap());
        }

        assert_eq!(untrusted.received(), b"");
        assert!(
            statuses.iter().all(|s| [200, 503].contains(s)),
            "{statuses:?}"
        );
        pending(&envoy, 0).await;
        let superseded = metric(&envoy, &["gate_waits", "superseded"]).await;
        assert_eq!(trusted.requests().len() as u64, superseded);
        // An attempt that was judged in time is denied, and that is final; one
        // that was not leaves the request to the later attempt.
        let allowed = statuses.iter().filter(|s| **s == 200).count();
        if allowed > 0 {
            return;
        }
    }
    panic!("no attempt was replaced between two looks");
}
