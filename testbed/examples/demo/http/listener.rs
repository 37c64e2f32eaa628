//! The listeners of the demo.

use hopguard_testbed::TlsVersion::{V1_0, V1_3};
use hopguard_testbed::config::{DownstreamTls, HttpListener};
use serde_json::json;

use crate::access;
use crate::pki::Certificates;
use crate::plugin::Plugin;

/// A listener of this name; the name says what it speaks.
pub fn listener(name: &str, c: &Certificates, plugin: &Plugin<'_>) -> HttpListener {
    let tls = DownstreamTls::new(&c.envoy);
    let listener = HttpListener::new(name).manager(json!({ "preserve_external_request_id": true }));
    let listener = match name {
        "public" | "tls-only" => listener.tls(tls),
        // Envoy takes any certificate or none: hopguard is to judge.
        "partners" | "workloads" | "staff" => listener.tls(tls.accept_any_client()),
        "legacy" => listener.tls(tls.tls_versions(V1_0, V1_3)),
        "modern" => listener.tls(tls.tls_versions(V1_3, V1_3)),
        _ => listener,
    };
    plugin
        .guard_http(listener)
        .access_logger(access::of_requests())
        .patch(|listener| {
            if let Some(logs) = listener["access_log"].as_array_mut() {
                logs.push(access::of_connections());
            }
        })
}
