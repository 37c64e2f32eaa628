//! What Istio makes of its resources, in a real Envoy: the steps that it takes are
//! those of its sources (`pilot/pkg/model/extensions.go`, `pkg/proto/merge`).

use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::wasm;
use serde_json::{Value, json};

use super::{adapt, base, documents, roles};
use crate::site::site;

/// The filter of a WasmPlugin.
fn filter(resource: &Value, kind: &str) -> Value {
    let spec = &resource["spec"];
    let metadata = &resource["metadata"];
    let name = format!(
        "{}.{}",
        metadata["namespace"].as_str().unwrap(),
        metadata["name"].as_str().unwrap()
    );
    json!({
        "name": name,
        "typed_config": {
            "@type": format!("type.googleapis.com/envoy.extensions.filters.{kind}.wasm.v3.Wasm"),
            "config": {
                "name": name,
                "root_id": spec["pluginName"],
                "failure_policy": "FAIL_CLOSED",
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": spec["pluginConfig"].to_string(),
                },
                "vm_config": {
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": { "local": { "filename": wasm::plugin_path().unwrap() } },
                    "environment_variables": { "key_values": {
                        "ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION": "1",
                    } },
                },
            },
        },
    })
}

/// Merges as Istio does: lists grow, but an entry of the map of protocol options
/// takes the place of the one before.
fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (name, value) in patch {
                let entry = into.entry(name).or_insert(Value::Null);
                if name.starts_with("envoy.extensions.upstreams.") {
                    *entry = value.clone();
                } else {
                    merge(entry, value);
                }
            }
        }
        (Value::Array(into), Value::Array(patch)) => into.extend(patch.iter().cloned()),
        (into, patch) => *into = patch.clone(),
    }
}

fn named<'a>(list: &'a mut Value, name: &Value) -> impl Iterator<Item = &'a mut Value> {
    let list = list.as_array_mut().unwrap().iter_mut();
    list.filter(move |entry| entry["name"] == *name)
}

/// Applies an EnvoyFilter to a configuration.
fn apply(config: &mut Value, resource: &Value) {
    for patch in resource["spec"]["configPatches"].as_array().unwrap() {
        assert_eq!(patch["patch"]["operation"], "MERGE");
        let value = &patch["patch"]["value"];
        let chosen = &patch["match"]["listener"]["filterChain"]["filter"];
        let resources = &mut config["static_resources"];
        match patch["applyTo"].as_str().unwrap() {
            "CLUSTER" => {
                let clusters = resources["clusters"].as_array_mut().unwrap();
                clusters.iter_mut().for_each(|c| merge(c, value));
                continue;
            }
            "LISTENER" => {
                let listeners = resources["listeners"].as_array_mut().unwrap();
                listeners.iter_mut().for_each(|l| merge(l, value));
                continue;
            }
            "NETWORK_FILTER" | "HTTP_FILTER" => {}
            other => panic!("{other}"),
        }
        let mut patched = 0;
        for listener in resources["listeners"].as_array_mut().unwrap() {
            let filters = &mut listener["filter_chains"][0]["filters"];
            for filter in named(filters, &chosen["name"]) {
                if chosen["subFilter"].is_null() {
                    merge(filter, value);
                    patched += 1;
                    continue;
                }
                let filters = &mut filter["typed_config"]["http_filters"];
                for filter in named(filters, &chosen["subFilter"]["name"]) {
                    merge(filter, value);
                    patched += 1;
                }
            }
        }
        assert_eq!(patched, 1, "{patch}");
    }
}

#[tokio::test]
async fn what_istio_makes_of_them_runs_and_guards() {
    let site = site().await;
    let load = |file: &str| {
        let mut documents = documents(file);
        documents.iter_mut().for_each(|d| adapt(d, &site.root));
        documents
    };
    let downstream = filter(&load("istio/downstream.yaml")[0], "http");
    let mut config = base(&site, "https", "orders", &[downstream]);
    let network = filter(&load("istio/network.yaml")[0], "network");
    let tcp = &mut config["static_resources"]["listeners"][1]["filter_chains"][0]["filters"];
    tcp.as_array_mut().unwrap().insert(0, network);
    for file in ["istio/upstream.yaml", "istio/log.yaml"] {
        apply(&mut config, &load(file)[0]);
    }
    let labels = &documents("istio/mesh-config.yaml")[0]["meshConfig"]["extensionProviders"][0]["envoyFileAccessLog"]
        ["logFormat"]["labels"];
    let manager = &mut config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0];
    let logs = manager["typed_config"]["access_log"]
        .as_array_mut()
        .unwrap();
    logs[0]["typed_config"]["log_format"] = json!({ "json_format": labels });
    assert_eq!(logs.len(), 2, "its own log, and hopguard's");
    // The log's places: two listeners, requests, attempts.
    assert_eq!(roles(&config), [1, 1, 1, 4]);

    let envoy = Envoy::builder().config(config).start().await.unwrap();

    site.assert_guarded(&envoy, "https", "orders").await;
    let verdict = |line: &str| {
        let entry: Option<Value> = serde_json::from_str(line).ok();
        entry.is_some_and(|e| e["path"] == "/untrusted" && e["hopguard_verdict"] == "deny")
    };
    envoy.wait_for_log(verdict).await.unwrap();
}

/// TrafficExtension has the same fields as WasmPlugin, those of the plugin in a
/// place of their own.
#[test]
fn a_traffic_extension_is_the_wasm_plugin_in_another_form() {
    let extensions = documents("istio/traffic-extension.yaml");
    let plugins = ["istio/downstream.yaml", "istio/network.yaml"].map(|f| documents(f).remove(0));
    assert_eq!(extensions.len(), plugins.len());
    for (mut extension, plugin) in extensions.into_iter().zip(plugins) {
        assert_eq!(extension["metadata"], plugin["metadata"]);
        let spec = extension["spec"].as_object_mut().unwrap();
        let wasm = spec.remove("wasm").unwrap();
        spec.extend(wasm.as_object().unwrap().clone());
        assert_eq!(extension["spec"], plugin["spec"]);
    }
}
