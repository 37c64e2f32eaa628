//! What Envoy Gateway makes of its resources, in a real Envoy: the steps that it
//! takes are those of its sources (`internal/xds/translator`).

use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::wasm;
use json_patch::{AddOperation, Patch, PatchOperation};
use serde_json::{Value, json};
use serde_json_path::JsonPath;

use super::{adapt, base, documents, roles};
use crate::site::site;

const LISTENER: &str = "shop/public/https";
const CLUSTER: &str = "httproute/shop/orders/rule/0";

/// The filter of an EnvoyExtensionPolicy.
fn filter(resource: &Value) -> Value {
    let wasm = &resource["spec"]["wasm"][0];
    let id = "envoyextensionpolicy/shop/hopguard-downstream/wasm/0";
    json!({
        "name": format!("envoy.filters.http.wasm/{id}"),
        "disabled": true,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": wasm["name"],
                "root_id": wasm["rootID"],
                "fail_open": wasm["failOpen"],
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": wasm["config"].to_string(),
                },
                "vm_config": {
                    "vm_id": id,
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": { "local": { "filename": wasm::plugin_path().unwrap() } },
                },
            },
        },
    })
}

/// Applies one patch of an EnvoyPatchPolicy to the resource that it names.
fn apply(config: &mut Value, patch: &Value) {
    let kind = match patch["type"].as_str().unwrap() {
        "type.googleapis.com/envoy.config.listener.v3.Listener" => "listeners",
        "type.googleapis.com/envoy.config.cluster.v3.Cluster" => "clusters",
        other => panic!("{other}"),
    };
    let resources = config["static_resources"][kind].as_array_mut().unwrap();
    let resource = resources.iter_mut().find(|r| r["name"] == patch["name"]);
    let resource = resource.unwrap_or_else(|| panic!("{}", patch["name"]));
    let operation = &patch["operation"];
    assert_eq!(operation["op"], "add");
    let path = operation["path"].as_str().unwrap();
    let places = match operation["jsonPath"].as_str() {
        None => vec![String::new()],
        Some(json_path) => {
            let found = JsonPath::parse(json_path).unwrap().query_located(resource);
            found.locations().map(|l| l.to_json_pointer()).collect()
        }
    };
    assert_eq!(places.len(), 1, "{operation}");
    for place in places {
        let mut place = format!("{place}{path}");
        let mut value = operation["value"].clone();
        // Envoy Gateway makes the list that a patch wants to add to.
        if let Some(list) = place.strip_suffix("/-")
            && resource.pointer(list).is_none()
        {
            place = list.to_owned();
            value = json!([value]);
        }
        let path = place.parse().unwrap();
        let add = PatchOperation::Add(AddOperation { path, value });
        json_patch::patch(resource, &Patch(vec![add])).unwrap();
    }
}

#[tokio::test]
async fn what_envoy_gateway_makes_of_them_runs_and_guards() {
    let site = site().await;
    let load = |file: &str| {
        let mut resource = documents(file).remove(0);
        adapt(&mut resource, &site.root);
        resource
    };
    let downstream = filter(&load("gateway/downstream.yaml"));
    let name = downstream["name"].as_str().unwrap().to_owned();
    let mut config = base(&site, LISTENER, CLUSTER, &[downstream]);
    let manager = &mut config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0];
    manager["typed_config"]["route_config"]["virtual_hosts"][0]["routes"][0]["typed_per_filter_config"] = json!({
        name: {
            "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig",
            "config": {},
        },
    });
    let patches = load("gateway/patch.yaml");
    for patch in patches["spec"]["jsonPatches"].as_array().unwrap() {
        apply(&mut config, patch);
    }
    // The log's places: the listener, requests, attempts.
    assert_eq!(roles(&config), [1, 1, 1, 3]);
    let postgres = &config["static_resources"]["listeners"][1]["filter_chains"][0];
    assert_eq!(postgres["filters"][0]["name"], "hopguard");

    let envoy = Envoy::builder().config(config).start().await.unwrap();

    site.assert_guarded(&envoy, LISTENER, CLUSTER).await;
    // The filter is on where the route says so: the policy's partners.
    let client = hopguard_testbed::client::Client::tls(envoy.listener(LISTENER).await.unwrap());
    let partner = hopguard_testbed::client::Request::get("/v2/x").host("api.example.com");
    assert_eq!(client.send(partner).await.unwrap().status, 403);
}
