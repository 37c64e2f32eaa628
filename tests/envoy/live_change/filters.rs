//! The filters of a listener and of a cluster by ECDS.

use hopguard_testbed::TlsVersion;
use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, DownstreamTls, HttpListener, Route};
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::json;

use super::watched::{HTTP_FILTER, Watched};
use super::{Way, backend, broken, change_under_load, configured, front, named, start};
use crate::support::{filter, metric, policy};

#[tokio::test]
async fn a_listeners_filter_changes_under_load() {
    let pki = Pki::new();
    let certificate = pki.server("api.test").issue();
    let upstream = Upstream::tls(&certificate).start().await.unwrap();
    let watched = Watched::new();
    let put = |policy: &_| watched.put_filter(&filter("downstream", policy));
    put(&named(&pki, "before", false));
    let listener = front()
        .tls(DownstreamTls::new(&certificate))
        .filter(watched.discovered(HTTP_FILTER));
    let cluster = backend(&upstream);
    let envoy = start(Bootstrap::new().http(listener).cluster(cluster)).await;
    let client = Client::tls(envoy.listener("front").await.unwrap())
        .tls_versions(TlsVersion::V1_2, TlsVersion::V1_2);

    let way = Way::listeners_filter(&put);
    change_under_load(&pki, &envoy, &client, way).await;
}

#[tokio::test]
async fn a_clusters_filter_changes_under_load() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let upstream = Upstream::tls(&pki.server("api.test").issue())
        .start()
        .await
        .unwrap();
    let watched = Watched::new();
    let put = |policy: &_| watched.put_filter(&filter("upstream", policy));
    put(&named(&pki, "before", false));
    let cluster = backend(&upstream).filter(watched.discovered(HTTP_FILTER));
    let envoy = start(Bootstrap::new().http(front()).cluster(cluster)).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    let way = Way::clusters_filter(&put);
    change_under_load(&pki, &envoy, &client, way).await;
    // Twice: under the first policy, and under the last.
    let secrets = upstream.requests();
    assert_eq!(secrets.iter().filter(|r| r.path == "/secret").count(), 2);
}

/// Envoy remembers what a plugin said of a configuration, and asks it once.
#[tokio::test]
async fn the_same_broken_policy_is_told_of_once_and_refused_each_time() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let upstream = Upstream::tls(&pki.server("api.test").issue())
        .start()
        .await
        .unwrap();
    let watched = Watched::new();
    let put = |policy: &_| watched.put_filter(&filter("upstream", policy));
    let good = named(&pki, "good", true);
    put(&good);
    let cluster = backend(&upstream).filter(watched.discovered(HTTP_FILTER));
    let envoy = start(Bootstrap::new().http(front()).cluster(cluster)).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    let way = Way::clusters_filter(&put);

    for _ in 0..3 {
        way.rejected(&envoy, &broken(&good)).await;
        assert_eq!(metric(&envoy, &["configurations", "rejected"]).await, 1);
        assert_eq!(client.get("/secret").await.unwrap().status, way.denial);
        assert_eq!(client.get("/load").await.unwrap().status, 200);
        way.accepted(&envoy, &good).await;
    }
    assert_eq!(way.updates(&envoy, "rejected").await, 3);
    // This one counts them all: the first, and two a round.
    let reloads = format!("{}.config_reload", way.stats);
    assert_eq!(envoy.stat(&reloads).await.unwrap(), Some(7));
    // What is no configuration at all never reaches the plugin.
    let failures = format!("{}.update_failure", way.stats);
    watched.put_text("{");
    envoy.wait_for_stat(&failures, |n| n == 1).await.unwrap();
    assert_eq!(metric(&envoy, &["configurations", "rejected"]).await, 1);
    assert_eq!(client.get("/secret").await.unwrap().status, way.denial);
    assert_eq!(client.get("/load").await.unwrap().status, 200);
}

/// A role goes when its last request is over, and its policy with it.
#[tokio::test]
async fn policies_that_are_over_leave_nothing_behind() {
    const RULES: usize = 1_000;
    const CHANGES: u64 = 30;
    let pki = Pki::new();
    let watched = Watched::new();
    let put = |policy: &_| watched.put_filter(&filter("downstream", policy));
    let large = |version: u64| {
        let rule = |n| json!({ "name": format!("{version}-{n}"), "match": { "paths": [format!("/{version}/{n}/{:0>99}", 0)] } });
        let rules: Vec<_> = (0..RULES).map(rule).collect();
        policy(&pki, json!({ "mode": "report", "downstream": rules }))
    };
    put(&large(0));
    let listener = HttpListener::new("front")
        .filter(watched.discovered(HTTP_FILTER))
        .route(Route::direct("/", 200, ""));
    let envoy = start(Bootstrap::new().http(listener)).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    let way = Way::listeners_filter(&put);
    let change = async |version: u64| {
        way.accepted(&envoy, &large(version)).await;
        configured(&envoy, version + 1).await;
        assert_eq!(client.get("/").await.unwrap().status, 200);
    };

    // Until what is kept for the next time is there.
    for version in 1..=10 {
        change(version).await;
    }
    let before = envoy.rss_bytes().unwrap();
    for version in 11..=10 + CHANGES {
        change(version).await;
    }
    let grown = envoy.rss_bytes().unwrap().saturating_sub(before);

    // Not even the text of each, once.
    let text = large(0).to_string().len() as u64;
    assert!(text > 100_000, "{text}");
    assert!(grown < CHANGES * text, "{grown} of {CHANGES} times {text}");
}
