//! The names of fields, metrics and labels, which others build on.

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, Cluster, DownstreamTls, HttpListener, Route};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::json;

use crate::support::{exactly_events, filter, policy, start};

#[tokio::test]
async fn events_and_metrics_have_the_documented_names() {
    crate::support::needs!(OwnMetricNames);
    let pki = Pki::new();
    let plain = Upstream::plaintext().start().await.unwrap();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let listener = HttpListener::new("front")
        .tls(DownstreamTls::new(&pki.server("api.test").issue()))
        .filter(filter("downstream", &policy))
        .route(Route::all("backend"));
    let cluster = Cluster::new("backend")
        .endpoint(plain.addr())
        .filter(filter("upstream", &policy));
    let unguarded = HttpListener::new("plaintext")
        .filter(filter("downstream", &policy))
        .route(Route::all("backend"));
    let envoy = start(
        Bootstrap::new()
            .http(listener)
            .http(unguarded)
            .cluster(cluster),
    )
    .await;

    let client = Client::tls(envoy.listener("front").await.unwrap());
    assert_eq!(client.get("/").await.unwrap().status, 503);
    let client = Client::plaintext(envoy.listener("plaintext").await.unwrap());
    assert_eq!(client.get("/").await.unwrap().status, 403);

    let events = exactly_events(&envoy, 2).await;
    let common = [
        "error.type",
        "event.name",
        "hopguard.control",
        "hopguard.cwe",
        "hopguard.detail",
        "hopguard.direction",
        "hopguard.event.id",
        "hopguard.request.id",
        "hopguard.rule",
        "hopguard.transport",
        "hopguard.verdict",
        "network.peer.address",
        "network.peer.port",
        "timestamp",
        "tls.established",
    ];
    for (event, own) in events.iter().zip([
        [
            "hopguard.attempt",
            "hopguard.cluster",
            "hopguard.findings",
            "server.address",
        ]
        .as_slice(),
        &[
            "client.address",
            "hopguard.filter_chain",
            "hopguard.listener",
        ],
    ]) {
        let mut expected = [common.as_slice(), own].concat();
        expected.sort_unstable();
        let keys: Vec<_> = event
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(keys, expected);
    }
    assert_eq!(
        events[0]["hopguard.findings"],
        json!([{
            "control": "V9.2.1",
            "cause": "certificate_missing",
            "detail": "without TLS the peer presents no certificate",
            "waived": false,
        }])
    );

    let stats = envoy.stats("wasmcustom.hopguard").await.unwrap();
    let names: Vec<_> = stats
        .keys()
        .map(|name| name.trim_start_matches("wasmcustom."))
        .collect();
    assert_eq!(
        names,
        [
            "hopguard.direction.=.downstream;.result.=.miss;.flow_cache",
            "hopguard.direction.=.downstream;.verdict.=.deny;.control.=.V9.2.2;.cause.=.plaintext;.rule.=.default;.decisions",
            "hopguard.direction.=.downstream;.verdict.=.permit;.control.=.none;.cause.=.none;.rule.=.default;.decisions",
            "hopguard.direction.=.upstream;.result.=.miss;.flow_cache",
            "hopguard.direction.=.upstream;.verdict.=.deny;.control.=.V9.2.2;.cause.=.plaintext;.rule.=.default;.decisions",
            "hopguard.gate_pending",
            "hopguard.result.=.accepted;.configurations",
            "hopguard.result.=.judged;.gate_waits",
            "hopguard.result.=.logged;.events",
        ]
    );
}

/// The patterns are those that Istio makes of `extraStatTags`.
#[tokio::test]
async fn labels_become_tags_with_istios_patterns() {
    let policy = policy(&Pki::new(), json!({}));
    let listener = HttpListener::new("front")
        .filter(filter("downstream", &policy))
        .route(Route::direct("/", 200, ""));
    let tags: Vec<_> = ["direction", "verdict", "control", "cause", "rule", "result"]
        .iter()
        .map(|tag| json!({ "tag_name": tag, "regex": format!("({tag}\\.=\\.(.*?);\\.)") }))
        .collect();
    let mut config = Bootstrap::new().http(listener).build();
    config["stats_config"] = json!({ "stats_tags": tags });
    let envoy = Envoy::builder().config(config).start().await.unwrap();
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    assert_eq!(client.get("/").await.unwrap().status, 403);

    let metrics = envoy.admin_get("/stats/prometheus").await.unwrap();
    let ours: Vec<_> = metrics
        .lines()
        .filter(|l| l.contains("hopguard") && !l.starts_with('#'))
        .collect();
    for (metric, mut labels) in [
        (
            "decisions",
            vec![
                "direction=\"downstream\"",
                "verdict=\"deny\"",
                "control=\"V9.2.2\"",
                "cause=\"plaintext\"",
                "rule=\"default\"",
            ],
        ),
        ("events", vec!["result=\"logged\""]),
    ] {
        labels.sort_unstable();
        let start = format!("hopguard_{metric}{{");
        let line = ours
            .iter()
            .find_map(|l| l.strip_prefix(&start))
            .unwrap_or_else(|| panic!("{ours:#?}"));
        let (found, value) = line.split_once("} ").unwrap();
        let mut found: Vec<_> = found.split(',').collect();
        found.sort_unstable();
        assert_eq!((found, value), (labels, "1"));
    }
}
