//! Clusters.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::patch::{Patches, patchable};
use super::route::seconds;
use super::type_url;
use super::upstream_tls::UpstreamTls;

/// Upstreams that Envoy balances over, round robin.
#[derive(Clone)]
pub struct Cluster {
    name: String,
    endpoints: Vec<Endpoint>,
    tls: Option<UpstreamTls>,
    matches: Vec<Value>,
    protocol: Value,
    filters: Vec<Value>,
    connect_timeout: Duration,
    patches: Patches,
}

#[derive(Clone)]
struct Endpoint {
    address: SocketAddr,
    kind: Option<String>,
    priority: u32,
}

patchable!(Cluster);

impl Cluster {
    /// Without endpoints and TLS, in HTTP/1.1.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            endpoints: Vec::new(),
            tls: None,
            matches: Vec::new(),
            protocol: json!({ "explicit_http_config": { "http_protocol_options": {} } }),
            filters: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            patches: Patches::default(),
        }
    }

    /// Adds an endpoint.
    pub fn endpoint(self, address: SocketAddr) -> Self {
        self.add(Endpoint {
            address,
            kind: None,
            priority: 0,
        })
    }

    /// Adds an endpoint that uses the transport socket match of that kind.
    pub fn endpoint_of_kind(self, address: SocketAddr, kind: &str) -> Self {
        self.add(Endpoint {
            address,
            kind: Some(kind.to_owned()),
            priority: 0,
        })
    }

    /// Adds an endpoint that is used when those of lower priority numbers fail.
    pub fn endpoint_with_priority(self, address: SocketAddr, priority: u32) -> Self {
        self.add(Endpoint {
            address,
            kind: None,
            priority,
        })
    }

    /// With TLS.
    pub fn tls(mut self, tls: UpstreamTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Endpoints of this kind use this TLS, or plaintext, in place of the cluster's own.
    pub fn socket_match(mut self, kind: &str, tls: Option<&UpstreamTls>) -> Self {
        let socket = match tls {
            Some(tls) => tls.build(),
            None => json!({
                "name": "envoy.transport_sockets.raw_buffer",
                "typed_config":
                    { "@type": type_url("extensions.transport_sockets.raw_buffer.v3.RawBuffer") },
            }),
        };
        self.matches.push(json!({
            "name": kind, "match": { "kind": kind }, "transport_socket": socket,
        }));
        self
    }

    /// Speaks HTTP/1.1. The default.
    pub fn http1(mut self) -> Self {
        self.protocol = json!({ "explicit_http_config": { "http_protocol_options": {} } });
        self
    }

    /// Speaks HTTP/2, whatever ALPN says.
    pub fn http2(mut self) -> Self {
        self.protocol = json!({ "explicit_http_config": { "http2_protocol_options": {} } });
        self
    }

    /// Speaks what ALPN agrees upon; needs TLS.
    pub fn http_by_alpn(mut self) -> Self {
        self.protocol = json!({
            "auto_config": { "http_protocol_options": {}, "http2_protocol_options": {} },
        });
        self
    }

    /// Adds an HTTP filter to the cluster; the codec follows the last one.
    pub fn filter(mut self, filter: Value) -> Self {
        self.filters.push(filter);
        self
    }

    /// How long TCP and TLS together may take; 5 s unless told.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Opens that many connections for each one that is needed: 1.0 to 3.0.
    pub fn preconnect(self, ratio: f64) -> Self {
        self.merge(json!({ "preconnect_policy": { "per_upstream_preconnect_ratio": ratio } }))
    }

    pub(super) fn build(&self) -> Value {
        let mut http = self.protocol.clone();
        http["@type"] = type_url("extensions.upstreams.http.v3.HttpProtocolOptions").into();
        if !self.filters.is_empty() {
            let mut filters = self.filters.clone();
            filters.push(json!({
                "name": "envoy.filters.http.upstream_codec",
                "typed_config":
                    { "@type": type_url("extensions.filters.http.upstream_codec.v3.UpstreamCodec") },
            }));
            http["http_filters"] = json!(filters);
        }
        let mut cluster = json!({
            "name": self.name,
            "type": "STATIC",
            "lb_policy": "ROUND_ROBIN",
            "connect_timeout": seconds(self.connect_timeout),
            "load_assignment": { "cluster_name": self.name, "endpoints": self.localities() },
            "typed_extension_protocol_options":
                { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http },
        });
        if let Some(tls) = &self.tls {
            cluster["transport_socket"] = tls.build();
        }
        if !self.matches.is_empty() {
            cluster["transport_socket_matches"] = json!(self.matches);
        }
        self.patches.apply(cluster)
    }

    fn add(mut self, endpoint: Endpoint) -> Self {
        self.endpoints.push(endpoint);
        self
    }

    /// One locality for each priority.
    fn localities(&self) -> Vec<Value> {
        let highest = self
            .endpoints
            .iter()
            .map(|endpoint| endpoint.priority)
            .max()
            .unwrap_or(0);
        (0..=highest)
            .map(|priority| {
                let endpoints: Vec<_> = self
                    .endpoints
                    .iter()
                    .filter(|endpoint| endpoint.priority == priority)
                    .map(Endpoint::build)
                    .collect();
                json!({ "priority": priority, "lb_endpoints": endpoints })
            })
            .collect()
    }
}

impl Endpoint {
    fn build(&self) -> Value {
        let mut endpoint = json!({
            "endpoint": { "address": super::socket_address(self.address) },
        });
        if let Some(kind) = &self.kind {
            endpoint["metadata"] =
                json!({ "filter_metadata": { "envoy.transport_socket_match": { "kind": kind } } });
        }
        endpoint
    }
}
