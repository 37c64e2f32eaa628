//! A new Envoy takes over from one that runs (`--restart-epoch`): no gap, and
//! nothing that the old one knew is taken for granted.

use hopguard_testbed::client::Request;
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use super::{backend, client};
use crate::support::{exactly_events, filter, gist, metric, pending, policy};

/// A policy whose only rule has this name, and demands what the default does.
fn named(pki: &Pki, rule: &str) -> Value {
    let names = json!({ "dns": ["api.test"] });
    let peer = json!({ "trust_stores": ["ca"], "names": names });
    policy(
        pki,
        json!({ "upstream": [{ "name": rule, "require": { "peer_certificate": peer } }] }),
    )
}

#[tokio::test]
async fn a_hot_restart_leaves_no_gap() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let good = Upstream::tls(&pki.server("api.test").issue())
        .start()
        .await
        .unwrap();
    let plain = Upstream::plaintext().start().await.unwrap();
    let port = hopguard_testbed::free_port().unwrap();
    // Of this process and this port: nobody else has it.
    let base_id = u32::from(port);
    let epoch = async |number: u32, rule: &str| {
        let guard = filter("upstream", &named(&pki, rule));
        let listener = HttpListener::new("front")
            .port(port)
            .route(Route::prefix("/plain", "plain"))
            .route(Route::all("backend"));
        let plain = Cluster::new("plain").endpoint(plain.addr());
        Envoy::builder()
            .config(
                Bootstrap::new()
                    .http(listener)
                    .cluster(backend(&good).filter(guard.clone()))
                    .cluster(plain.filter(guard)),
            )
            .hot_restart(base_id, number)
            .parent_lives(4)
            .start()
            .await
            .unwrap()
    };
    let first = epoch(0, "before").await;
    let client = client(&first).await;
    assert_eq!(client.get("/one").await.unwrap().status, 200);
    assert_eq!(client.get("/plain").await.unwrap().status, 503);
    let events = exactly_events(&first, 1).await;
    assert_eq!(
        gist(&events[0]),
        ["hopguard.denied", "plaintext", "V9.2.2", "before"]
    );

    // A request waits in the old one while the new one comes.
    good.hang_up();
    first
        .wait_for_stat("cluster.backend.upstream_cx_active", |n| n == 0)
        .await
        .unwrap();
    good.hold();
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.get("/waiting").await.unwrap().status }
    });
    pending(&first, 1).await;
    let (over, mut is_over) = tokio::sync::watch::channel(false);
    let asking = tokio::spawn({
        let client = client.clone();
        async move {
            let mut denied = 0;
            while !*is_over.borrow_and_update() {
                // A new connection each time: whoever listens takes it.
                let request = Request::post("/plain", "secret");
                assert_eq!(client.send(request).await.unwrap().status, 503);
                denied += 1;
            }
            denied
        }
    });
    let second = epoch(1, "after").await;
    good.release();
    assert_eq!(waiting.await.unwrap(), 200);
    assert!(first.wait_for_exit().await.unwrap().success());
    // What the old one knew is asked of the connection again.
    assert_eq!(client.get("/two").await.unwrap().status, 200);
    over.send_replace(true);
    let denied = asking.await.unwrap();
    assert!(denied > 0);

    let told = rules_told_of(&second).await;
    assert_eq!(told, ["after"]);
    assert!(metric(&second, &["certificate_cache", "miss"]).await > 0);
    let paths: Vec<_> = good.requests().into_iter().map(|r| r.path).collect();
    assert_eq!(paths, ["/one", "/waiting", "/two"]);
    assert_eq!(plain.raw_received(), b"");
    drop(second);
}

/// The names of the rules in the events that were written.
async fn rules_told_of(envoy: &Envoy) -> Vec<String> {
    let line = |line: &str| crate::support::event(line).is_some();
    envoy.wait_for_log(line).await.unwrap();
    let mut rules: Vec<_> = crate::support::events(envoy)
        .iter()
        .map(|event| {
            event["hopguard.rule"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}
