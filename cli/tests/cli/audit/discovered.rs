//! Filters that come by ECDS, as those of Istio's plugins do.

use std::collections::BTreeMap;

use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, FailurePolicy, HttpListener, Route, TcpListener,
    UpstreamTls, Wasm,
};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::wasm;
use serde_json::{Value, json};

use super::{findings, report};
use crate::run::folder;

/// One HTTP and one TCP listener and their cluster, with these three filters.
fn bootstrap(pki: &Pki, [http, network, upstream]: &[Value; 3]) -> Value {
    let tls = DownstreamTls::new(&pki.server("envoy.test").issue());
    let cluster = |name: &str| {
        Cluster::new(name)
            .endpoint("192.0.2.1:443".parse().unwrap())
            .tls(UpstreamTls::new().sni("api.test"))
    };
    Bootstrap::new()
        .http(
            HttpListener::new("http")
                .tls(tls.clone())
                .filter(http.clone())
                .route(Route::all("servers")),
        )
        .tcp(
            TcpListener::new("tcp", "databases")
                .tls(tls)
                .filter(network.clone()),
        )
        .cluster(cluster("servers").filter(upstream.clone()))
        .cluster(cluster("databases"))
        .build()
}

#[tokio::test]
async fn a_filter_by_ecds_is_audited_as_the_same_filter_in_its_place() {
    let pki = Pki::new();
    let module = wasm::plugin_path().unwrap();
    let plugin = |role: &str, policy| {
        Wasm::new(&module, role)
            .configuration(json!({ "version": 1 }))
            .failure_policy(policy)
    };
    // The L4 filter is not as it should be; it has the HTTP filter's name.
    let mut filters = [
        plugin("downstream", FailurePolicy::FailClosed).http_filter(),
        plugin("network", FailurePolicy::FailOpen).network_filter(),
        plugin("upstream", FailurePolicy::FailClosed).http_filter(),
    ];
    for (filter, name) in filters.iter_mut().zip(["hopguard", "hopguard", "upstream"]) {
        filter["name"] = json!(name);
    }
    let files = ["http.json", "network.json", "upstream.json"];
    let resources = filters.each_ref().map(|filter| {
        let mut extension = filter.clone();
        extension["@type"] = json!("type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig");
        json!({ "resources": [extension] }).to_string()
    });
    let folder = folder(&[0, 1, 2].map(|i| (files[i], resources[i].as_bytes())));
    let discovered = [0, 1, 2].map(|i| {
        json!({
            "name": filters[i]["name"],
            "config_discovery": {
                "config_source": {
                    "resource_api_version": "V3",
                    "path_config_source": { "path": folder.path().join(files[i]) },
                },
                "type_urls": [filters[i]["typed_config"]["@type"]],
            },
        })
    });
    let envoy = Envoy::builder()
        .config(bootstrap(&pki, &discovered))
        .start()
        .await
        .unwrap();

    let dump = envoy.config_dump().await.unwrap();
    let live = report(&dump);
    let expected = report(&bootstrap(&pki, &filters));

    let of = |report: &Value| -> BTreeMap<String, Value> {
        let hops = report["hops"].as_array().unwrap().iter();
        hops.filter(|hop| hop["kind"] != "admin")
            .map(|hop| (hop["name"].to_string(), hop["hopguard"].clone()))
            .collect()
    };
    assert_eq!(of(&live), of(&expected), "{live}");
    for (hop, role) in [
        ("\"http/http\"", "downstream"),
        ("\"tcp/tcp\"", "network"),
        ("\"servers\"", "upstream"),
    ] {
        assert_eq!(of(&live)[hop]["roles"], json!([role]), "{hop}");
    }
    let rules = |report: &Value| {
        let mut found = findings(report);
        found.retain(|(rule, ..)| rule.starts_with("hopguard_"));
        found
    };
    assert_eq!(rules(&live), rules(&expected));
    let opens = (
        "hopguard_fails_open".into(),
        "error".into(),
        "tcp/tcp".into(),
    );
    assert!(rules(&live).contains(&opens));
}
