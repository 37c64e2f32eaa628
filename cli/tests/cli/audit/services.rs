//! Connections of Envoy's own, and who uses what.

use serde_json::{Value, json};

use super::configs::{cluster, listener, plugin, tls_cluster, tls_listener, with};
use super::{audit, report, rules, set};

#[test]
fn connections_of_envoys_own_are_hops_too() {
    let grpc = |more: Value| json!({ "google_grpc": with(json!({ "target_uri": "xds.example:443" }), more) });
    let sink = |address: &str| {
        json!([{ "name": "s", "typed_config": {
        "@type": "type.googleapis.com/envoy.config.metrics.v3.StatsdSink",
        "address": { "socket_address": { "address": address, "port_value": 8125 } } } }])
    };
    let admin = |address: &str| json!({ "address": { "socket_address": { "address": address, "port_value": 9901 } } });
    for (config, hop, level, rule) in [
        (
            json!({ "admin": admin("0.0.0.0") }),
            "0.0.0.0:9901",
            "error",
            "admin_exposed",
        ),
        (
            json!({ "admin": admin("127.0.0.1") }),
            "127.0.0.1:9901",
            "note",
            "plaintext_on_machine",
        ),
        (
            json!({ "admin": { "address": { "pipe": { "path": "/a.sock" } } } }),
            "/a.sock",
            "note",
            "plaintext_on_machine",
        ),
        (
            json!({ "stats_sinks": sink("192.0.2.1") }),
            "192.0.2.1:8125",
            "error",
            "stats_plaintext",
        ),
        (
            json!({ "stats_sinks": sink("127.0.0.1") }),
            "127.0.0.1:8125",
            "note",
            "plaintext_on_machine",
        ),
        (
            json!({ "dynamic_resources": { "ads_config": { "grpc_services": [grpc(json!({}))] } } }),
            "xds.example:443",
            "error",
            "grpc_plaintext",
        ),
        (
            json!({ "dynamic_resources": { "ads_config": { "grpc_services": [grpc(json!({ "channel_credentials": { "local_credentials": {} } }))] } } }),
            "xds.example:443",
            "note",
            "plaintext_on_machine",
        ),
        (
            json!({ "dynamic_resources": { "ads_config": { "grpc_services": [{ "envoy_grpc": { "cluster_name": "xds" } }] } } }),
            "xds",
            "unknown",
            "cluster_unknown",
        ),
    ] {
        let report = report(&config);
        assert_eq!(rules(&report, hop, level), set(&[rule]), "{config}");
    }
    let tls = json!({ "dynamic_resources": { "ads_config": { "grpc_services": [grpc(json!({ "channel_credentials": { "ssl_credentials": {} } }))] } } });
    let run = audit(&tls, &["--strict"]);
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn each_cluster_says_what_it_is_used_for() {
    let grpc = |name: &str| json!({ "grpc_service": { "envoy_grpc": { "cluster_name": name } } });
    let mut one = listener(
        "l",
        "0.0.0.0",
        Value::Null,
        &json!([{ "name": "a", "typed_config": { "common_config": grpc("als") } }]),
    );
    let manager = &mut one["filter_chains"][0]["filters"][0]["typed_config"];
    manager["tracing"] =
        json!({ "provider": { "typed_config": { "collector_cluster": "zipkin" } } });
    manager["http_filters"] = json!([{ "name": "a", "typed_config": grpc("authz") }]);
    manager["route_config"] = json!({ "virtual_hosts": [{ "routes": [
        { "route": { "cluster": "one" } }, { "route": { "weighted_clusters": { "clusters": [{ "name": "two" }] } } } ] }] });
    let names = [
        "als", "zipkin", "authz", "one", "two", "xds", "stats", "mine",
    ];
    let clusters: Vec<Value> = names
        .iter()
        .map(|name| cluster(name, "192.0.2.1"))
        .collect();
    let config = json!({
        "node": { "cluster": "not-a-cluster" },
        "dynamicResources": { "adsConfig": { "grpcServices": [{ "envoyGrpc": { "clusterName": "xds" } }] } },
        "stats_sinks": [{ "typed_config": { "tcp_cluster_name": "stats" } }],
        "bootstrap_extensions": [plugin("posture", "WasmService", &json!({ "version": 1, "posture": { "cluster": "mine" } }))],
        "static_resources": { "listeners": [one], "clusters": clusters }
    });
    let report = report(&config);
    let used_for = |name: &str| {
        let hops = report["hops"].as_array().unwrap();
        let hop = hops.iter().find(|hop| hop["name"] == name).unwrap();
        hop["facts"]["used for"].as_str().unwrap().to_owned()
    };
    for (name, purpose) in [
        ("als", "access logs"),
        ("zipkin", "tracing"),
        ("authz", "a service"),
        ("one", "traffic"),
        ("two", "traffic"),
        ("xds", "xDS"),
        ("stats", "stats"),
        ("mine", "hopguard"),
    ] {
        assert_eq!(used_for(name), purpose);
        // hopguard belongs where traffic goes.
        let is_missing = rules(&report, name, "warning").contains("hopguard_missing");
        assert_eq!(is_missing, purpose == "traffic", "{name}");
    }
    assert!(!report.to_string().contains("not-a-cluster"));
}

#[test]
fn somebody_has_to_watch_envoys_own_certificates() {
    let policy = json!({ "version": 1, "posture": { "cluster": "admin" } });
    let base =
        json!({ "static_resources": { "listeners": [tls_listener("l", json!({}), &json!([]))] } });
    let with_role = |policy: &Value| {
        with(
            base.clone(),
            json!({ "bootstrap_extensions": [plugin("posture", "WasmService", policy)] }),
        )
    };
    let rules_of = |config: &Value, level| rules(&report(config), "certificates", level);
    assert_eq!(rules_of(&base, "unknown"), set(&["posture_missing"]));
    assert_eq!(rules_of(&with_role(&policy), "unknown"), set(&[]));
    let refused = with_role(&json!({ "version": 1, "posture": {} }));
    assert_eq!(
        rules_of(&refused, "error"),
        set(&["hopguard_policy_refused"])
    );
    assert_eq!(audit(&refused, &[]).code, 1);
    // Without TLS there is nothing to watch.
    let plain = json!({ "static_resources": { "listeners": [listener("l", "0.0.0.0", Value::Null, &json!([]))] } });
    assert!(!report(&plain).to_string().contains("posture_missing"));
}

#[test]
fn failures_are_logged_where_tls_can_fail() {
    let config = |routes: Value, more: Value| {
        let mut one = listener("l", "0.0.0.0", Value::Null, &json!([]));
        let manager = &mut one["filter_chains"][0]["filters"][0]["typed_config"];
        manager["route_config"] = json!({ "virtual_hosts": [{ "routes": routes }] });
        *manager = with(manager.clone(), more);
        json!({ "static_resources": { "listeners": [one], "clusters": [cluster("plain", "192.0.2.1"), tls_cluster("tls", json!({}))] } })
    };
    let to = |cluster: &str| json!({ "route": { "cluster": cluster } });
    for (routes, more, is_needed) in [
        (
            json!([{ "direct_response": { "status": 200 } }]),
            json!({}),
            false,
        ),
        (json!([to("plain")]), json!({}), false),
        (json!([to("plain"), to("tls")]), json!({}), true),
        (json!([to("elsewhere")]), json!({}), true),
        (json!([]), json!({ "route_config": null, "rds": {} }), true),
    ] {
        let report = report(&config(routes.clone(), more));
        let errors = rules(&report, "l", "error");
        assert_eq!(
            errors.contains("upstream_failures_not_logged"),
            is_needed,
            "{routes}"
        );
    }
}
