//! Where the TCP proxy chooses among clusters or endpoints, each connection is
//! judged by the one that it got.

use hopguard_testbed::config::{Bootstrap, Cluster, TcpListener};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use super::attempts::{cluster, guarded, tls, visit};
use super::{metric_is, waived_clients};
use crate::support::{exactly_events, gist, plugin, policy, start};

/// Comes eight times; how often it was served.
async fn served_of_eight(envoy: &Envoy) -> usize {
    let mut served = 0;
    for _ in 0..8 {
        served += usize::from(visit(envoy, "front").await);
    }
    served
}

#[tokio::test]
async fn of_weighted_clusters_each_connection_is_judged_by_its_own() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let good = Upstream::tls(&pki.server("api.test").issue());
    let good = good.tcp_echo().start().await.unwrap();
    let plain = Upstream::plaintext().tcp_echo().start().await.unwrap();
    let policy = policy(
        &pki,
        json!({
            "default_trust_stores": ["ca"],
            "downstream": waived_clients(),
            "upstream": [
                { "name": "good", "match": { "clusters": ["good"] } },
                { "name": "plain", "match": { "clusters": ["plain"] } },
            ],
        }),
    );
    let weighted = json!({ "weighted_clusters": { "clusters": [
        { "name": "good", "weight": 50 }, { "name": "plain", "weight": 50 },
    ]}});
    let listener = TcpListener::new("front", "")
        .filter(plugin("network", &policy).network_filter())
        .proxy(weighted)
        .patch(|listener| {
            let proxy = &mut listener["filter_chains"][0]["filters"][1]["typed_config"];
            proxy.as_object_mut().unwrap().remove("cluster");
        });
    let envoy = start(
        Bootstrap::new()
            .tcp(listener)
            .cluster(cluster("good").endpoint(good.addr()).tls(tls()))
            .cluster(cluster("plain").endpoint(plain.addr())),
    )
    .await;

    let served = served_of_eight(&envoy).await;

    assert_eq!(good.received().len(), 8 * served);
    assert_eq!(plain.received(), b"");
    assert_eq!(plain.connections(), 8 - served);
    is_denied_for(&envoy, 8 - served, ["plain", "plain"]).await;
    metric_is(&envoy, &["decisions", "rule.=.good;"], served as u64).await;
}

async fn is_denied_for(envoy: &Envoy, count: usize, [rule, cluster]: [&str; 2]) {
    for event in exactly_events(envoy, count).await {
        let expected = ["hopguard.denied", "plaintext", "V9.2.2", rule];
        assert_eq!(gist(&event), expected);
        assert_eq!(event["hopguard.cluster"], cluster);
    }
}

#[tokio::test]
async fn of_mixed_endpoints_the_plaintext_ones_are_denied() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let good = Upstream::tls(&pki.server("api.test").issue());
    let good = good.tcp_echo().start().await.unwrap();
    let plain = Upstream::plaintext().tcp_echo().start().await.unwrap();
    let cluster = Cluster::new("front")
        .endpoint_of_kind(good.addr(), "tls")
        .endpoint_of_kind(plain.addr(), "plain")
        .socket_match("tls", Some(&tls()))
        .socket_match("plain", None);
    let envoy = guarded(&pki, [("front", cluster)]).await;

    assert_eq!(served_of_eight(&envoy).await, 4);

    assert_eq!(good.received().len(), 8 * 4);
    assert_eq!(plain.received(), b"");
    is_denied_for(&envoy, 4, ["default", "front"]).await;
    for event in exactly_events(&envoy, 4).await {
        assert_eq!(event["network.peer.port"], json!(plain.addr().port()));
        assert_eq!(event["server.address"], Value::from("127.0.0.1"));
    }
}
