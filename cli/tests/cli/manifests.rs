//! The resources that `envoy/istio` and `envoy/gateway` ship: what their schemas
//! allow, what `hopguard render` writes, and what a real Envoy runs.

mod agreement;
mod gateway;
mod istio;

use std::path::{Path, PathBuf};

use hopguard_testbed::pki::Authority;
use hopguard_testbed::wasm;
use serde_json::{Value, json};

use crate::crds::{assert_resource, errors, schema};
use crate::site::Site;

const MODULE: &str = "/etc/hopguard/hopguard.wasm";
/// What stands in the shipped policy, in the place of a certificate.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n";

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy")
}

/// The documents of a shipped file.
fn documents(file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(shipped().join(file)).unwrap();
    serde_saphyr::from_multiple(&text).unwrap()
}

/// The shipped policy, with this authority.
fn policy(root: &Authority) -> Value {
    let text = std::fs::read_to_string(shipped().join("policy.json")).unwrap();
    let mut policy = serde_json::from_str(&text).unwrap();
    adapt(&mut policy, root);
    policy
}

/// Puts the module and a certificate in their places. Policies within strings
/// become policies.
fn adapt(value: &mut Value, root: &Authority) {
    match value {
        Value::String(text) if text == CERTIFICATE => *text = root.pem(),
        Value::String(text) if text == MODULE => {
            *text = wasm::plugin_path().unwrap().to_string_lossy().into_owned();
        }
        Value::String(text) if text.starts_with("{\n") => {
            let mut policy: Value = serde_json::from_str(text).unwrap();
            adapt(&mut policy, root);
            *text = policy.to_string();
        }
        Value::Array(list) => list.iter_mut().for_each(|v| adapt(v, root)),
        Value::Object(fields) => fields.values_mut().for_each(|v| adapt(v, root)),
        _ => {}
    }
}

/// Every resource that is shipped, with its file.
fn all() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for folder in ["istio", "gateway"] {
        for entry in std::fs::read_dir(shipped().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let file = format!("{folder}/{name}");
            all.extend(documents(&file).into_iter().map(|d| (file.clone(), d)));
        }
    }
    all
}

/// Calls with every object in a value.
fn each_object(value: &Value, see: &mut impl FnMut(&Value)) {
    match value {
        Value::Array(list) => list.iter().for_each(|v| each_object(v, see)),
        Value::Object(fields) => {
            see(value);
            fields.values().for_each(|v| each_object(v, see));
        }
        _ => {}
    }
}

/// Values of a chart, which have no schema; what is shipped of them.
fn mesh_config_schema() -> jsonschema::Validator {
    let object = |properties: Value| json!({ "type": "object", "properties": properties, "additionalProperties": false });
    let strings = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let log = object(json!({
        "path": { "type": "string" },
        "logFormat": object(json!({ "labels": strings })),
    }));
    let provider = object(json!({ "name": { "type": "string" }, "envoyFileAccessLog": log }));
    let proxy = object(json!({
        "extraStatTags": { "type": "array", "items": { "type": "string" } },
    }));
    let mesh = object(json!({
        "extensionProviders": { "type": "array", "items": provider },
        "defaultConfig": proxy,
    }));
    jsonschema::validator_for(&object(json!({ "meshConfig": mesh }))).unwrap()
}

const SCHEMAS: [(&str, &str); 6] = [
    ("WasmPlugin", "wasmplugins.json"),
    ("TrafficExtension", "trafficextensions.json"),
    ("EnvoyFilter", "envoyfilters.json"),
    ("Telemetry", "telemetries.json"),
    ("EnvoyExtensionPolicy", "envoyextensionpolicies.json"),
    ("EnvoyPatchPolicy", "envoypatchpolicies.json"),
];

#[test]
fn every_resource_is_what_its_schema_allows() {
    let mut seen = Vec::new();
    for (file, resource) in all() {
        let Some(kind) = resource["kind"].as_str() else {
            assert_eq!(file, "istio/mesh-config.yaml");
            assert_eq!(errors(&mesh_config_schema(), &resource), [""; 0]);
            continue;
        };
        let known = SCHEMAS.iter().find(|(known, _)| *known == kind);
        let (_, schema_file) = known.unwrap_or_else(|| panic!("{file}: {kind}"));
        assert_resource(schema_file, &resource);
        for field in ["name", "namespace"] {
            assert!(resource["metadata"][field].is_string(), "{file}");
        }
        seen.push(kind.to_owned());

        // Any field that is written otherwise is none.
        let (_, validator) = schema(schema_file);
        let spec = resource["spec"].as_object().unwrap();
        for name in spec.keys() {
            let mut misspelt = spec.clone();
            let value = misspelt.remove(name).unwrap();
            misspelt.insert(format!("{name}x"), value);
            let found = errors(&validator, &Value::Object(misspelt));
            assert!(!found.is_empty(), "{file}: {name}x");
        }
    }
    for (kind, _) in SCHEMAS {
        assert!(seen.iter().any(|seen| seen == kind), "{kind}");
    }
}

#[test]
fn every_resource_fails_closed_and_names_a_role() {
    for (file, resource) in all() {
        let mut places = 0;
        each_object(&resource, &mut |object| {
            for (field, closed) in [
                ("failStrategy", json!("FAIL_CLOSE")),
                ("failure_policy", json!("FAIL_CLOSED")),
                ("failOpen", json!(false)),
            ] {
                if let Some(value) = object.get(field) {
                    assert_eq!(*value, closed, "{file}");
                    let role = ["pluginName", "root_id", "rootID"];
                    let role = role.iter().find_map(|name| object[*name].as_str());
                    let roles = ["downstream", "upstream", "network", "log"];
                    assert!(roles.contains(&role.unwrap()), "{file}: {role:?}");
                    places += 1;
                }
            }
            // No place without one.
            let is_wasm = object.get("vm_config").is_some() || object.get("pluginConfig").is_some();
            let is_closed = ["failStrategy", "failure_policy"]
                .iter()
                .any(|f| object.get(*f).is_some());
            assert!(!is_wasm || is_closed, "{file}");
        });
        let text = resource.to_string();
        let expects = text.contains("hopguard")
            && resource["kind"] != "Telemetry"
            && resource["kind"].is_string();
        assert_eq!(places > 0, expects, "{file}");
    }
}

/// An Envoy as a control plane configures it, before hopguard: one listener, one
/// cluster, and access logs of its own.
fn base(site: &Site, listener: &str, cluster: &str, http_filters: &[Value]) -> Value {
    let extension = "type.googleapis.com/envoy.extensions";
    let log = json!({
        "name": "envoy.access_loggers.stdout",
        "typed_config": { "@type": format!("{extension}.access_loggers.stream.v3.StdoutAccessLog") },
    });
    let mut http_filters = http_filters.to_vec();
    http_filters.push(json!({
        "name": "envoy.filters.http.router",
        "typed_config": { "@type": format!("{extension}.filters.http.router.v3.Router") },
    }));
    let manager = json!({
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": format!("{extension}.filters.network.http_connection_manager.v3.HttpConnectionManager"),
            "stat_prefix": "http",
            "access_log": [log],
            "http_filters": http_filters,
            "route_config": { "virtual_hosts": [{
                "name": "all",
                "domains": ["*"],
                "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": cluster } }],
            }] },
        }
    });
    let tls = json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": format!("{extension}.transport_sockets.tls.v3.DownstreamTlsContext"),
            "common_tls_context": { "tls_certificates": [{
                "certificate_chain": { "inline_string": site.own.chain_pem() },
                "private_key": { "inline_string": site.own.key_pem() },
            }] },
        }
    });
    let tcp = json!({
        "name": "envoy.filters.network.tcp_proxy",
        "typed_config": {
            "@type": format!("{extension}.filters.network.tcp_proxy.v3.TcpProxy"),
            "stat_prefix": "tcp",
            "cluster": cluster,
        }
    });
    let address =
        |port: u16| json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } });
    json!({ "static_resources": {
        "listeners": [
            {
                "name": listener,
                "address": address(0),
                "access_log": [log],
                "filter_chains": [{ "transport_socket": tls, "filters": [manager] }],
            },
            {
                "name": "shop/public/postgres",
                "address": address(0),
                "filter_chains": [{ "filters": [tcp] }],
            },
        ],
        "clusters": [{
            "name": cluster,
            "connect_timeout": "5s",
            "load_assignment": { "cluster_name": cluster, "endpoints": [
                { "lb_endpoints": [{ "endpoint": { "address": address(site.upstream.addr().port()) } }] },
            ] },
            "transport_socket": {
                "name": "envoy.transport_sockets.tls",
                "typed_config": {
                    "@type": format!("{extension}.transport_sockets.tls.v3.UpstreamTlsContext"),
                    "sni": crate::site::HOST,
                }
            },
        }],
    } })
}

/// How often hopguard stands in a configuration, by role.
fn roles(config: &Value) -> [usize; 4] {
    let mut counts = [0; 4];
    each_object(config, &mut |object| {
        for (index, role) in ["downstream", "upstream", "network", "log"]
            .iter()
            .enumerate()
        {
            counts[index] += usize::from(object["root_id"] == *role);
        }
    });
    counts
}
