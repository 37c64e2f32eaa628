//! Listeners with the HTTP connection manager.

use serde_json::{Value, json};

use super::downstream_tls::DownstreamTls;
use super::filter;
use super::patch::{Patches, patchable};
use super::route::Route;
use super::{listener, type_url};

/// A listener that speaks HTTP with its clients.
#[derive(Clone)]
pub struct HttpListener {
    name: String,
    port: u16,
    tls: Option<DownstreamTls>,
    network_filters: Vec<Value>,
    filters: Vec<Value>,
    routes: Vec<Route>,
    access_logs: Vec<Value>,
    upstream_logs: Vec<Value>,
    manager: Patches,
    patches: Patches,
}

patchable!(HttpListener);

impl HttpListener {
    /// On a free port of 127.0.0.1, without TLS and routes.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            port: 0,
            tls: None,
            network_filters: Vec::new(),
            filters: Vec::new(),
            routes: Vec::new(),
            access_logs: Vec::new(),
            upstream_logs: Vec::new(),
            manager: Patches::default(),
            patches: Patches::default(),
        }
    }

    /// On this port, such as one of [`free_port`](crate::free_port).
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// With TLS.
    pub fn tls(mut self, tls: DownstreamTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Adds an L4 filter before the HTTP connection manager.
    pub fn network_filter(mut self, filter: Value) -> Self {
        self.network_filters.push(filter);
        self
    }

    /// Adds an HTTP filter; the router follows the last one.
    pub fn filter(mut self, filter: Value) -> Self {
        self.filters.push(filter);
        self
    }

    /// Adds a route; among those of one host, the first that fits is taken.
    pub fn route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    /// Adds an access log to stdout, with such lines.
    pub fn access_log(self, format: &str) -> Self {
        self.access_logger(filter::stdout_log(format))
    }

    /// Adds an access logger of any kind.
    pub fn access_logger(mut self, logger: Value) -> Self {
        self.access_logs.push(logger);
        self
    }

    /// Adds an access logger to the router: it logs every attempt towards an upstream.
    pub fn upstream_logger(mut self, logger: Value) -> Self {
        self.upstream_logs.push(logger);
        self
    }

    /// Lets WebSocket through.
    pub fn websocket(self) -> Self {
        self.manager(json!({ "upgrade_configs": [{ "upgrade_type": "websocket" }] }))
    }

    /// `x-forwarded-client-cert`: what becomes of one that comes in (`APPEND_FORWARD`,
    /// `SANITIZE_SET`, …), and that a new one carries the client's certificate.
    pub fn forward_client_cert(self, details: &str) -> Self {
        self.manager(json!({
            "forward_client_cert_details": details,
            "set_current_client_cert_details":
                { "cert": true, "chain": true, "subject": true, "dns": true, "uri": true },
        }))
    }

    /// Anything else in `HttpConnectionManager`, merged in.
    pub fn manager(mut self, json: Value) -> Self {
        self.manager
            .push(move |built| super::patch::merge(built, json.clone()));
        self
    }

    pub(super) fn build(&self) -> Value {
        let mut router = json!({ "@type": type_url("extensions.filters.http.router.v3.Router") });
        if !self.upstream_logs.is_empty() {
            router["upstream_log"] = json!(self.upstream_logs);
        }
        let mut filters = self.filters.clone();
        filters.push(json!({ "name": "envoy.filters.http.router", "typed_config": router }));
        let manager = self.manager.apply(json!({
            "@type": type_url(
                "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
            ),
            "stat_prefix": self.name,
            "route_config": { "name": self.name, "virtual_hosts": self.virtual_hosts() },
            "http_filters": filters,
            "access_log": self.access_logs,
        }));
        let mut network = self.network_filters.clone();
        network.push(json!({
            "name": "envoy.filters.network.http_connection_manager", "typed_config": manager,
        }));
        self.patches
            .apply(listener(&self.name, self.port, self.tls.as_ref(), network))
    }

    /// One for each host, in the order in which they first appear.
    fn virtual_hosts(&self) -> Vec<Value> {
        let mut hosts: Vec<(&str, Vec<Value>)> = Vec::new();
        for route in &self.routes {
            match hosts.iter_mut().find(|(host, _)| *host == route.host) {
                Some((_, routes)) => routes.push(route.build()),
                None => hosts.push((&route.host, vec![route.build()])),
            }
        }
        hosts
            .into_iter()
            .map(|(host, routes)| json!({ "name": host, "domains": [host], "routes": routes }))
            .collect()
    }
}
