//! A whole cluster by CDS.

use hopguard_testbed::client::Client;
use hopguard_testbed::config::Bootstrap;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use super::watched::Watched;
use super::{Way, backend, change_under_load, front, named, resources, start};
use crate::support::filter;

#[tokio::test]
async fn a_cluster_changes_under_load() {
    let pki = Pki::new();
    let upstream = Upstream::tls(&pki.server("api.test").issue())
        .start()
        .await
        .unwrap();
    let watched = Watched::new();
    let put = |policy: &Value| {
        let cluster = backend(&upstream).filter(filter("upstream", policy));
        let (_, cluster) = resources(front(), cluster);
        watched.put("config.cluster.v3.Cluster", &cluster);
    };
    put(&named(&pki, "before", false));
    let mut bootstrap = Bootstrap::new().http(front()).build();
    bootstrap["dynamic_resources"] = json!({ "cds_config": watched.source() });
    let envoy = start(bootstrap).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    let way = Way {
        put: &put,
        stats: "cluster_manager.cds",
        denial: 503,
    };
    change_under_load(&pki, &envoy, &client, way).await;
    // Twice: under the first policy, and under the last.
    let secrets = upstream.requests();
    assert_eq!(secrets.iter().filter(|r| r.path == "/secret").count(), 2);
}
