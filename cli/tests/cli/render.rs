//! `hopguard render`: what it writes runs in a real Envoy, or is what a resource's
//! schema allows.

mod clusters;

use std::path::Path;

use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::free_port;
use hopguard_testbed::wasm;
use serde_json::{Value, json};

use crate::crds::assert_resource;
use crate::run::{DAY, Run, folder, hopguard, run_in};
use crate::site::{HOST, Site, site};

#[tokio::test]
async fn the_whole_configuration_runs() {
    let site = site().await;
    let envoy = site.start().await;
    site.assert_guarded(&envoy, "https", "orders").await;
}

#[tokio::test]
async fn what_each_role_puts_where_runs() {
    let site = site().await;
    let roles = site.render(&["--format", "json"]).json();
    let [downstream, upstream, network, log] = roles.as_array().unwrap().as_slice() else {
        panic!("{roles}");
    };
    let envoy = Envoy::builder()
        .config(bootstrap(&site, downstream, upstream, network, log))
        .start()
        .await
        .unwrap();
    site.assert_guarded(&envoy, "https", "orders").await;
}

#[tokio::test]
async fn the_role_posture_looks() {
    let port = free_port().unwrap();
    let policy = "version: 1\nposture: { cluster: admin, interval_seconds: 1 }\n";
    let folder = folder(&[("policy.yaml", policy.as_bytes())]);
    let module = wasm::plugin_path().unwrap();
    let arguments = [
        "render",
        "policy.yaml",
        "--for",
        "envoy",
        "--format",
        "json",
        "--wasm",
    ];
    let run = run_in(
        folder.path(),
        &[&arguments[..], &[module.to_str().unwrap()]].concat(),
        b"",
    );
    let roles = run.json();
    let admin = json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } });
    let config = json!({
        "bootstrap_extensions": roles[4],
        "static_resources": { "clusters": [{
            "name": "admin",
            "load_assignment": {
                "cluster_name": "admin",
                "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": admin } }] }],
            },
        }] },
    });
    let envoy = Envoy::builder()
        .config(config)
        .admin_port(port)
        .start()
        .await
        .unwrap();
    let looks = "wasmcustom.hopguard.result.=.read;.posture_looks";
    envoy.wait_for_stat(looks, |count| count > 1).await.unwrap();
}

fn bootstrap(
    site: &Site,
    downstream: &Value,
    upstream: &Value,
    network: &Value,
    log: &Value,
) -> Value {
    let own = json!({
        "certificate_chain": { "inline_string": site.own.chain_pem() },
        "private_key": { "inline_string": site.own.key_pem() },
    });
    let any_port = json!({ "socket_address": { "address": "127.0.0.1", "port_value": 0 } });
    let server = json!({
        "socket_address": { "address": "127.0.0.1", "port_value": site.upstream.addr().port() }
    });
    let extension = "type.googleapis.com/envoy.extensions";
    let mut http_filters = downstream.as_array().unwrap().clone();
    http_filters.push(json!({
        "name": "envoy.filters.http.router",
        "typed_config": {
            "@type": format!("{extension}.filters.http.router.v3.Router"),
            "upstream_log": log,
        }
    }));
    let mut tcp_filters = network.as_array().unwrap().clone();
    tcp_filters.push(json!({
        "name": "envoy.filters.network.tcp_proxy",
        "typed_config": {
            "@type": format!("{extension}.filters.network.tcp_proxy.v3.TcpProxy"),
            "stat_prefix": "tcp",
            "cluster": "orders",
        }
    }));
    let manager = json!({
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": format!("{extension}.filters.network.http_connection_manager.v3.HttpConnectionManager"),
            "stat_prefix": "https",
            "access_log": log,
            "http_filters": http_filters,
            "route_config": { "virtual_hosts": [{
                "name": "all",
                "domains": ["*"],
                "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "orders" } }],
            }] },
        }
    });
    let tls = json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": format!("{extension}.transport_sockets.tls.v3.DownstreamTlsContext"),
            "common_tls_context": { "tls_certificates": [own] },
        }
    });
    json!({ "static_resources": {
        "listeners": [
            {
                "name": "https",
                "address": any_port,
                "access_log": log,
                "filter_chains": [{ "transport_socket": tls, "filters": [manager] }],
            },
            {
                "name": "tcp",
                "address": any_port,
                "access_log": log,
                "filter_chains": [{ "filters": tcp_filters }],
            },
        ],
        "clusters": [{
            "name": "orders",
            "connect_timeout": "5s",
            "load_assignment": {
                "cluster_name": "orders",
                "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": server } }] }],
            },
            "transport_socket": {
                "name": "envoy.transport_sockets.tls",
                "typed_config": {
                    "@type": format!("{extension}.transport_sockets.tls.v3.UpstreamTlsContext"),
                    "sni": HOST,
                }
            },
            "typed_extension_protocol_options": upstream,
        }],
    } })
}

fn render(arguments: &[&str]) -> Run {
    hopguard(&[&["render", "policy.yaml", "--at", DAY], arguments].concat())
}

const ISTIO: [&str; 6] = [
    "--for",
    "istio",
    "--namespace",
    "shop",
    "--selector",
    "app=shop",
];
const IMAGE: &str = "oci://registry.example.com/hopguard:1.0.0";

#[test]
fn istio_gets_what_its_schemas_allow() {
    let digest = "ab".repeat(32);
    let plugins = [
        "--role",
        "downstream",
        "--role",
        "network",
        "--wasm",
        IMAGE,
        "--sha256",
        &digest,
    ];
    let run = render(&[&ISTIO[..], &plugins, &["--format", "json"]].concat());
    assert_eq!(run.code, 0, "{run:?}");
    let resources = run.json();
    for (resource, role, kind) in [
        (&resources[0], "downstream", "HTTP"),
        (&resources[1], "network", "NETWORK"),
    ] {
        assert_resource("wasmplugins.json", resource);
        let spec = &resource["spec"];
        assert_eq!(spec["pluginName"], role);
        assert_eq!(spec["type"], kind);
        assert_eq!(spec["failStrategy"], "FAIL_CLOSE");
        assert_eq!(spec["sha256"], digest.as_str());
        assert_eq!(spec["url"], IMAGE);
        assert_policy(&spec["pluginConfig"]);
    }
    let filters = [
        "--role",
        "upstream",
        "--role",
        "log",
        "--service",
        "pay.example.com:443",
    ];
    let run = render(&[&ISTIO[..], &filters, &["--format", "json"]].concat());
    assert_eq!(run.code, 0, "{run:?}");
    for (index, role) in ["upstream", "log"].iter().enumerate() {
        let resource = &run.json()[index];
        assert_resource("envoyfilters.json", resource);
        let text = resource.to_string();
        assert!(text.contains(&format!("\"root_id\":\"{role}\"")), "{text}");
        assert!(
            text.contains("\"failure_policy\":\"FAIL_CLOSED\""),
            "{text}"
        );
    }
}

#[test]
fn envoy_gateway_gets_what_its_schema_allows() {
    for wasm in [IMAGE, "https://files.example.com/hopguard.wasm"] {
        let arguments = [
            "--for",
            "envoy-gateway",
            "--namespace",
            "shop",
            "--gateway",
            "public",
            "--wasm",
            wasm,
            "--format",
            "json",
        ];
        let run = render(&arguments);
        assert_eq!(run.code, 0, "{run:?}");
        let resource = &run.json()[0];
        assert_resource("envoyextensionpolicies.json", resource);
        let wasm = &resource["spec"]["wasm"][0];
        assert_eq!(wasm["failOpen"], false);
        assert_eq!(wasm["rootID"], "downstream");
        assert_policy(&wasm["config"]);
    }
}

/// The PEM stands in the policy, and the plugin's own entry takes it.
fn assert_policy(policy: &Value) {
    let pem = policy["trust_stores"][0]["ca_certificates"]
        .as_str()
        .unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"));
    let day = 1_800_000_000;
    hopguard::config::parse(policy.to_string().as_bytes(), day).unwrap();
}

#[test]
fn the_yaml_is_the_json() {
    let cases: [&[&str]; 2] = [
        &["--for", "envoy", "--role", "downstream", "--role", "log"],
        &[
            "--for",
            "istio",
            "--namespace",
            "n",
            "--selector",
            "a=b",
            "--role",
            "upstream",
            "--role",
            "network",
        ],
    ];
    for arguments in cases {
        let yaml = render(arguments).out;
        let json = render(&[arguments, &["--format", "json"]].concat()).json();
        let read: Vec<Value> = serde_saphyr::from_multiple(&yaml).unwrap();
        assert_eq!(Value::Array(read), json);
    }
}

#[test]
fn what_a_proxy_has_no_place_for_is_refused() {
    let gateway = [
        "--for",
        "envoy-gateway",
        "--namespace",
        "a",
        "--gateway",
        "b",
    ];
    let digest = "00".repeat(32);
    for (arguments, sentence) in [
        (&["--for", "envoy", "--wasm", IMAGE][..], "from a file only"),
        (&["--for", "envoy", "--role", "posture"], "has no posture"),
        (
            &[&ISTIO[..], &["--role", "posture"]].concat(),
            "no place for the role posture",
        ),
        (
            &["--for", "envoy", "--sha256", &digest],
            "leave --sha256 out",
        ),
        (
            &["--for", "istio", "--selector", "a=b"],
            "--namespace is needed",
        ),
        (
            &["--for", "istio", "--namespace", "a"],
            "--selector is needed",
        ),
        (&ISTIO, "--role is needed"),
        (
            &[&ISTIO[..], &["--role", "upstream", "--wasm", IMAGE]].concat(),
            "from a file only",
        ),
        (
            &[&ISTIO[..], &["--role", "log", "--sha256", &digest]].concat(),
            "--sha256 does not go",
        ),
        (&gateway, "fetches the module"),
        (
            &[&gateway[..], &["--role", "upstream", "--wasm", IMAGE]].concat(),
            "from a file only",
        ),
        (
            &[&gateway[..], &["--role", "network"]].concat(),
            "--resource is needed",
        ),
        (
            &[&gateway[..], &["--role", "log", "--sha256", &digest]].concat(),
            "--sha256 does not go",
        ),
        (
            &[&gateway[..], &["--role", "posture"]].concat(),
            "no place for the role posture",
        ),
        (
            &[
                "--for",
                "envoy-gateway",
                "--namespace",
                "a",
                "--wasm",
                IMAGE,
            ],
            "--gateway is needed",
        ),
    ] {
        render(arguments).assert_failure(sentence);
    }
    for wrong in [
        &["--wasm", "hopguard.wasm"][..],
        &["--wasm", "http://files.example.com/hopguard.wasm"],
        &["--sha256", "abc"],
        &["--selector", "app"],
        &["--service", "pay.example.com"],
        &["--for", "nginx"],
    ] {
        let run = render(&[&["--for", "envoy"], wrong].concat());
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{wrong:?} {run:?}");
    }
}

#[test]
fn a_wrong_policy_is_not_rendered() {
    for format in ["text", "json"] {
        let arguments = [
            "render",
            "broken.yaml",
            "--for",
            "envoy",
            "--format",
            format,
        ];
        let run = hopguard(&arguments);
        assert_eq!((run.code, run.out.as_str()), (1, ""), "{run:?}");
        assert!(run.err.contains("broken.yaml"), "{run:?}");
    }
    let missing = run_in(
        Path::new("/"),
        &["render", "no-such.yaml", "--for", "envoy"],
        b"",
    );
    missing.assert_failure("no-such.yaml: No such file");
}
