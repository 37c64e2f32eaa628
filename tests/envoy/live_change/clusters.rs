//! A whole cluster by CDS.

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, Cluster};
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use super::watched::Watched;
use super::{Way, backend, broken, change_under_load, configured, front, named, start};
use crate::support::{filter, plugin, policy};

#[tokio::test]
async fn a_cluster_changes_under_load() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let upstream = Upstream::tls(&pki.server("api.test").issue())
        .start()
        .await
        .unwrap();
    let watched = Watched::new();
    let put = |policy: &Value| {
        let cluster = backend(&upstream).filter(filter("upstream", policy));
        watched.put_cluster(cluster);
    };
    put(&named(&pki, "before", false));
    let envoy = start(watched.cds(Bootstrap::new().http(front()))).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    let way = Way::cluster(&put);
    change_under_load(&pki, &envoy, &client, way).await;
    // Twice: under the first policy, and under the last.
    let secrets = upstream.requests();
    assert_eq!(secrets.iter().filter(|r| r.path == "/secret").count(), 2);
}

/// Envoy refuses such a cluster as a whole, and goes on with the one that it has:
/// here, one that nobody guards.
#[tokio::test]
async fn a_guard_that_is_refused_leaves_what_was_there() {
    let pki = Pki::new();
    let upstream = Upstream::plaintext().start().await.unwrap();
    let watched = Watched::new();
    let plain = || Cluster::new("backend").endpoint(upstream.addr());
    let guarded = |policy: &Value| plain().filter(filter("upstream", policy));
    let strict = policy(&pki, json!({}));
    watched.put_cluster(plain());
    let envoy = start(watched.cds(Bootstrap::new().http(front()))).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    assert_eq!(client.get("/").await.unwrap().status, 200);
    let put = |policy: &Value| watched.put_cluster(guarded(policy));
    let way = Way::cluster(&put);

    way.rejected(&envoy, &broken(&strict)).await;
    assert_eq!(client.get("/").await.unwrap().status, 200);
    let without_module = plugin("upstream", &strict)
        .merge(json!({ "vm_config": { "code": { "local": { "filename": "/none.wasm" } } } }));
    watched.put_cluster(plain().filter(without_module.http_filter()));
    envoy
        .wait_for_stat("cluster_manager.cds.update_rejected", |n| n == 2)
        .await
        .unwrap();
    assert_eq!(client.get("/").await.unwrap().status, 200);

    way.accepted(&envoy, &strict).await;
    configured(&envoy, 1).await;
    upstream.clear();
    assert_eq!(client.get("/").await.unwrap().status, way.denial);
    assert_eq!(upstream.received(), b"");
}
