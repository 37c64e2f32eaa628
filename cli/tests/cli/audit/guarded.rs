//! What hopguard guards.

use serde_json::{Value, json};

use super::configs::{plugin, tls_cluster, tls_listener, with};
use super::{audit, report, rules, set};

/// A listener and a cluster with the plugin, and this policy.
pub fn guarded(policy: &Value) -> Value {
    let log = json!([plugin("log", "WasmAccessLog", policy)]);
    let mut one = tls_listener(
        "l",
        json!({ "common_tls_context": { "validation_context": { "trust_chain_verification": "ACCEPT_UNTRUSTED" } } }),
        &log,
    );
    let manager = &mut one["filter_chains"][0]["filters"][0]["typed_config"];
    manager["http_filters"] = json!([plugin("downstream", "Wasm", policy), { "name": "router" }]);
    manager["route_config"] =
        json!({ "virtual_hosts": [{ "routes": [{ "route": { "cluster": "c" } }] }] });
    let mut servers = tls_cluster("c", json!({}));
    let http = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    servers["typed_extension_protocol_options"] = json!({ http: {
        "@type": format!("type.googleapis.com/{http}"),
        "http_filters": [plugin("upstream", "Wasm", policy), { "name": "codec", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec" } }]
    } });
    json!({ "static_resources": { "listeners": [one], "clusters": [servers] } })
}

#[test]
fn what_hopguard_guards_is_told_as_such() {
    let policy = json!({ "version": 1 });
    let config = guarded(&policy);
    let report_of_it = report(&config);
    for hop in ["l", "c"] {
        assert_eq!(
            rules(&report_of_it, hop, "error"),
            set(&[]),
            "{report_of_it}"
        );
        assert!(rules(&report_of_it, hop, "note").contains("peer_not_verified"));
    }
    assert_eq!(report_of_it["hops"][1]["controls"]["V9.2.1"], "guarded");
    assert_eq!(
        report_of_it["hops"][0]["hopguard"],
        json!({ "roles": ["downstream", "log"], "guards": true })
    );
    assert_eq!(audit(&config, &[]).code, 0);
    assert_eq!(audit(&config, &["--strict"]).code, 1, "revocation is weak");

    let filter =
        "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
    let upstream = "/static_resources/clusters/0/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions/http_filters";
    let swapped = |pointer: &str| {
        let mut config = config.clone();
        config
            .pointer_mut(pointer)
            .unwrap()
            .as_array_mut()
            .unwrap()
            .reverse();
        report(&config)
    };
    let opened = |pointer: &str, more: Value| {
        let mut config = config.clone();
        let plugin = config
            .pointer_mut(&format!("{pointer}/0/typed_config/config"))
            .unwrap();
        *plugin = with(plugin.clone(), more);
        report(&config)
    };
    let changed = |pointer: &str, more: Value| {
        let mut config = config.clone();
        let place = config.pointer_mut(pointer).unwrap();
        *place = with(place.clone(), more);
        report(&config)
    };
    let routes = |name: &str, setting: Value| {
        let kind = json!({ "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig" });
        json!({ "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [{
            "match": { "prefix": "/open" },
            "route": { "cluster": "c" },
            "typed_per_filter_config": { name: with(kind, setting) },
        }]}]})
    };
    let off = |name: &str| routes(name, json!({ "disabled": true }));
    let on = |name: &str| routes(name, json!({ "config": {} }));
    let name = config.pointer(&format!("{filter}/0/name")).unwrap();
    let name = name.as_str().unwrap();
    let manager = filter.strip_suffix("/http_filters").unwrap();
    // As Envoy Gateway has it: on for each route alone.
    let mut by_route = config.clone();
    let first = format!("{filter}/0");
    by_route.pointer_mut(&first).unwrap()["disabled"] = json!(true);
    by_route.pointer_mut(manager).unwrap()["route_config"] = on(name);
    assert_eq!(rules(&report(&by_route), "l", "error"), set(&[]));
    // And its routes come by RDS.
    let by_rds = |routes: Value| {
        let mut file = by_route.clone();
        let manager = file.pointer_mut(manager).unwrap();
        manager.as_object_mut().unwrap().remove("route_config");
        manager["rds"] = json!({ "route_config_name": "r", "config_source": { "ads": {} } });
        let dump = |name: &str| format!("type.googleapis.com/envoy.admin.v3.{name}");
        report(&json!({ "configs": [
            { "@type": dump("BootstrapConfigDump"), "bootstrap": file },
            { "@type": dump("RoutesConfigDump"), "dynamic_route_configs": [
                { "route_config": with(routes, json!({ "name": "r" })) },
            ]},
        ]}))
    };
    assert_eq!(rules(&by_rds(on(name)), "l", "error"), set(&[]));
    let errors = rules(&by_rds(off(name)), "l", "error");
    assert!(errors.contains("hopguard_turned_off"), "{errors:?}");
    for (report, hop, rule) in [
        (
            changed(&format!("{filter}/0"), json!({ "disabled": true })),
            "l",
            "hopguard_turned_off",
        ),
        (
            changed(&format!("{upstream}/0"), json!({ "disabled": true })),
            "c",
            "hopguard_turned_off",
        ),
        (
            changed(manager, json!({ "route_config": off(name) })),
            "l",
            "hopguard_turned_off",
        ),
        (swapped(filter), "l", "hopguard_misplaced"),
        (swapped(upstream), "c", "hopguard_misplaced"),
        (
            opened(filter, json!({ "failure_policy": "FAIL_OPEN" })),
            "l",
            "hopguard_fails_open",
        ),
        (
            opened(upstream, json!({ "failure_policy": 3 })),
            "c",
            "hopguard_fails_open",
        ),
        (
            opened(upstream, json!({ "fail_open": true })),
            "c",
            "hopguard_fails_open",
        ),
        (
            opened(upstream, json!({ "configuration": { "value": "{}" } })),
            "c",
            "hopguard_policy_refused",
        ),
        (
            opened(upstream, json!({ "configuration": null })),
            "c",
            "hopguard_policy_refused",
        ),
    ] {
        let errors = rules(&report, hop, "error");
        assert!(
            errors.contains(rule) && errors.contains("peer_not_verified"),
            "{rule} {errors:?}"
        );
    }
    let reported = report(&guarded(&json!({ "version": 1, "mode": "report" })));
    for hop in ["l", "c"] {
        assert!(rules(&reported, hop, "warning").contains("hopguard_reports_only"));
        assert!(rules(&reported, hop, "error").contains("peer_not_verified"));
    }
}
