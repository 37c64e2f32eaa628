//! The listener of a case.

use hopguard_testbed::config::{DownstreamTls, TcpListener};
use serde_json::{Value, json};

use super::case::{Case, Door};
use crate::access;
use crate::pki::Certificates;
use crate::plugin::Plugin;

/// The listener of a case, and of its name.
pub fn listener(case: &Case, c: &Certificates, plugin: &Plugin<'_>) -> TcpListener {
    let mut listener = TcpListener::new(case.name, case.name);
    let tls = DownstreamTls::new(&c.envoy);
    listener = match case.door {
        Door::Tcp => listener,
        Door::Tls => listener.tls(tls),
        Door::TlsWithCertificate => listener.tls(tls.accept_any_client()),
    };
    if case.connects_late {
        listener = listener.filter(tells_of_handshake()).proxy(json!({
            "upstream_connect_mode": "ON_DOWNSTREAM_TLS_HANDSHAKE",
            "max_early_data_bytes": 1,
        }));
    }
    plugin.guard_tcp(listener).patch(|listener| {
        if let Some(logs) = listener["access_log"].as_array_mut() {
            logs.push(access::of_connections());
        }
    })
}

/// Tells the filters after it that the client's handshake is complete.
fn tells_of_handshake() -> Value {
    let kind = "type.googleapis.com/envoy.extensions.filters.network.set_filter_state.v3.Config";
    json!({ "name": "handshake", "typed_config": {
        "@type": kind,
        "on_downstream_tls_handshake": [{
            "object_key": "hopguard.downstream_tls_handshake",
            "factory_key": "envoy.string",
            "format_string": { "text_format_source": { "inline_string": "complete" } },
        }],
    }})
}
