//! Envoy's own configuration.

use serde_json::{Value, json};

use super::{Arguments, Rendered, clusters, policy_text};
use crate::policy::Checked;
use crate::reply::Failure;
use crate::role::Role;

/// The configuration that is shipped, and that tests run.
const SHIPPED: &str = include_str!("../../../../envoy/envoy.yaml");
const SHIPPED_MODULE: &str = "/etc/hopguard/hopguard.wasm";

/// The cluster of the shipped configuration, which is an example.
const SHIPPED_CLUSTER: &str = "orders";

/// The role `posture`, of a configuration that names module and policy elsewhere.
const POSTURE: &str = r#"
# KEEP: a service of its own; `singleton`, or each worker looks, and tells.
bootstrap_extensions:
- name: envoy.bootstrap.wasm
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.wasm.v3.WasmService
    singleton: true
    config:
      name: hopguard
      root_id: posture
      failure_policy: FAIL_CLOSED
      vm_config: *vm
      configuration: *policy
"#;

/// The filter of attempts and requests that failed, which spares the others a call.
const FAILED: [&str; 2] = ["UF", "UC"];

/// The shipped configuration, with this policy and module, and what else the policy
/// names: clusters of hopguard's own calls, and the role `posture`.
pub fn whole(arguments: &Arguments, checked: &Checked) -> Result<String, Failure> {
    let module = module(arguments)?;
    let mut text = String::new();
    let mut lines = SHIPPED.lines().peekable();
    // What is said there of the policy is not so of this one.
    while lines.next_if(|line| line.starts_with('#')).is_some() {}
    text.push_str(
        "# hopguard in a plain Envoy (1.39 or later) in front of HTTP services: the roles\n\
         # downstream and upstream judge, log tells of handshakes that failed. Replace\n\
         # Envoy's certificate and key, listener and cluster by your own; lines marked\n\
         # KEEP go with them as they are.\n",
    );
    while let Some(line) = lines.next() {
        if line.contains(SHIPPED_MODULE) {
            let path = Value::from(module).to_string();
            text.push_str(&line.replace(SHIPPED_MODULE, &path));
        } else {
            text.push_str(line);
        }
        text.push('\n');
        if line.trim() == "value: |" {
            let indent = indent(line);
            let is_of_the_value =
                |line: &&str| line.trim().is_empty() || self::indent(line) > indent;
            while lines.next_if(is_of_the_value).is_some() {}
            for line in policy_text(checked).lines() {
                text.push_str(&format!("{:1$}{line}\n", "", indent + 2));
            }
        }
    }
    // The clusters are the last in the shipped configuration.
    let given = &arguments.clusters;
    let named = clusters::text(&checked.policy, given, &[SHIPPED_CLUSTER])?;
    if !named.is_empty() {
        text.push_str("  # What the policy names.\n");
        text.push_str(&named);
    }
    if checked.policy.posture.is_some() {
        text.push_str(POSTURE);
    }
    Ok(text)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// What each role puts where; all roles if none is named.
pub fn roles(arguments: &Arguments, checked: &Checked) -> Result<Vec<Rendered>, Failure> {
    let module = module(arguments)?;
    let policy = policy_text(checked);
    let mut roles = arguments.roles.clone();
    let posture = checked.policy.posture.as_ref();
    if roles.is_empty() {
        roles = vec![Role::Downstream, Role::Upstream, Role::Network, Role::Log];
        roles.extend(posture.map(|_| Role::Posture));
    }
    if roles.contains(&Role::Posture) && posture.is_none() {
        return Err(Failure(
            "the policy has no posture, which that role needs".into(),
        ));
    }
    let cluster = posture.map(|p| p.cluster.to_string()).unwrap_or_default();
    Ok(roles
        .iter()
        .map(|role| {
            let config = config(*role, module, &policy);
            match role {
                Role::Downstream => Rendered {
                    comment: "downstream: the first of http_filters of a listener's HTTP connection manager".into(),
                    value: json!([http_filter(config)]),
                },
                Role::Upstream => Rendered {
                    comment: "upstream: typed_extension_protocol_options of a cluster. A cluster without is one that\nnobody guards. Of explicit_http_config, say what you have: http2_protocol_options for HTTP/2".into(),
                    value: protocol_options(config),
                },
                Role::Network => Rendered {
                    comment: "network: among the filters of a listener's filter chain, before tcp_proxy".into(),
                    value: json!([network_filter(config)]),
                },
                Role::Log => Rendered {
                    comment: "log: access_log of a listener as it is here; access_log of the HTTP connection manager,\nand upstream_log of the router, with: filter: { response_flag_filter: { flags: [UF, UC] } }".into(),
                    value: json!([access_log(config, false)]),
                },
                Role::Posture => Rendered {
                    comment: format!("posture: among bootstrap_extensions. The cluster {cluster} has to lead to the admin interface,\nas in envoy/posture.yaml"),
                    value: json!([service(config)]),
                },
            }
        })
        .collect())
}

fn module(arguments: &Arguments) -> Result<&str, Failure> {
    if arguments.sha256.is_some() {
        return Err(Failure(
            "Envoy does not compare a file with a digest: leave --sha256 out, and compare it where the file is put".into(),
        ));
    }
    arguments.wasm.file("Envoy")
}

/// A `PluginConfig`. All but the role is the same everywhere, so that a worker has
/// one VM for all roles.
pub fn config(role: Role, module: &str, policy: &str) -> Value {
    json!({
        "name": "hopguard",
        "root_id": role.root_id(),
        "failure_policy": "FAIL_CLOSED",
        "vm_config": {
            "vm_id": "hopguard",
            "runtime": "envoy.wasm.runtime.v8",
            "code": { "local": { "filename": module } },
        },
        "configuration": {
            "@type": "type.googleapis.com/google.protobuf.StringValue",
            "value": policy,
        },
    })
}

pub fn http_filter(config: Value) -> Value {
    filter(
        "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        config,
    )
}

pub fn network_filter(config: Value) -> Value {
    filter(
        "type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm",
        config,
    )
}

fn filter(kind: &str, config: Value) -> Value {
    json!({ "name": "hopguard", "typed_config": { "@type": kind, "config": config } })
}

pub fn access_log(config: Value, failed_only: bool) -> Value {
    let filter = if failed_only {
        json!({ "response_flag_filter": { "flags": FAILED } })
    } else {
        Value::Null
    };
    super::object([
        ("name", json!("envoy.access_loggers.wasm")),
        ("filter", filter),
        (
            "typed_config",
            json!({
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.wasm.v3.WasmAccessLog",
                "config": config,
            }),
        ),
    ])
}

/// `singleton`, or each worker looks, and tells.
fn service(config: Value) -> Value {
    json!({
        "name": "envoy.bootstrap.wasm",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.wasm.v3.WasmService",
            "singleton": true,
            "config": config,
        },
    })
}

pub fn protocol_options(config: Value) -> Value {
    let codec = "type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec";
    json!({
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": { "http_protocol_options": {} },
            "http_filters": [
                http_filter(config),
                {
                    "name": "envoy.filters.http.upstream_codec",
                    "typed_config": { "@type": codec },
                },
            ],
        },
    })
}
