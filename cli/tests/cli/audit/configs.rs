//! Parts of configurations of Envoy.

use serde_json::{Value, json};

const EXTENSION: &str = "type.googleapis.com/envoy.extensions";

/// The object with these fields besides; `null` takes one away.
pub fn with(mut object: Value, more: Value) -> Value {
    let fields = object.as_object_mut().unwrap();
    let Value::Object(more) = more else { panic!() };
    for (field, value) in more {
        if value.is_null() {
            fields.remove(&field);
        } else {
            fields.insert(field, value);
        }
    }
    object
}

/// Plaintext.
pub fn cluster(name: &str, address: &str) -> Value {
    json!({
        "name": name,
        "connect_timeout": "1s",
        "load_assignment": { "cluster_name": name, "endpoints": [{ "lb_endpoints": [{ "endpoint": {
            "address": { "socket_address": { "address": address, "port_value": 443 } }
        } }] }] }
    })
}

/// On another machine.
pub fn tls_cluster(name: &str, context: Value) -> Value {
    let mut cluster = cluster(name, "192.0.2.1");
    let context = with(
        context,
        json!({ "@type": format!("{EXTENSION}.transport_sockets.tls.v3.UpstreamTlsContext") }),
    );
    cluster["transport_socket"] =
        json!({ "name": "envoy.transport_sockets.tls", "typed_config": context });
    cluster
}

/// HTTP; its logs are those of the listener, too.
pub fn listener(name: &str, address: &str, socket: Value, logs: &Value) -> Value {
    let router = json!({ "@type": format!("{EXTENSION}.filters.http.router.v3.Router") });
    let manager = json!({
        "@type": format!("{EXTENSION}.filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": name,
        "access_log": logs,
        "route_config": { "virtual_hosts": [] },
        "http_filters": [{ "name": "envoy.filters.http.router", "typed_config": router }]
    });
    let mut chain = json!({ "filters": [{
        "name": "envoy.filters.network.http_connection_manager", "typed_config": manager
    }] });
    if !socket.is_null() {
        chain["transport_socket"] = socket;
    }
    json!({
        "name": name,
        "address": { "socket_address": { "address": address, "port_value": 8443 } },
        "access_log": logs,
        "filter_chains": [chain]
    })
}

pub fn tls_listener(name: &str, context: Value, logs: &Value) -> Value {
    let context = with(
        context,
        json!({ "@type": format!("{EXTENSION}.transport_sockets.tls.v3.DownstreamTlsContext") }),
    );
    let socket = json!({ "name": "envoy.transport_sockets.tls", "typed_config": context });
    listener(name, "0.0.0.0", socket, logs)
}

/// hopguard in this role.
pub fn plugin(role: &str, kind: &str, policy: &Value) -> Value {
    let package = match kind {
        "WasmAccessLog" => "access_loggers.wasm.v3",
        "WasmService" => "wasm.v3",
        _ => "filters.http.wasm.v3",
    };
    json!({ "name": "wasm", "typed_config": {
        "@type": format!("{EXTENSION}.{package}.{kind}"),
        "config": {
            "name": "hopguard",
            "root_id": role,
            "failure_policy": "FAIL_CLOSED",
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": policy.to_string()
            }
        }
    } })
}
