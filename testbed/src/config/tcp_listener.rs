//! Listeners with the TCP proxy.

use serde_json::{Value, json};

use super::downstream_tls::DownstreamTls;
use super::filter;
use super::patch::{Patches, patchable};
use super::{listener, type_url};

/// A listener that passes bytes on to a cluster.
#[derive(Clone)]
pub struct TcpListener {
    name: String,
    cluster: String,
    port: u16,
    tls: Option<DownstreamTls>,
    filters: Vec<Value>,
    access_logs: Vec<Value>,
    proxy: Patches,
    patches: Patches,
}

patchable!(TcpListener);

impl TcpListener {
    /// On a free port of 127.0.0.1, without TLS.
    pub fn new(name: &str, cluster: &str) -> Self {
        Self {
            name: name.to_owned(),
            cluster: cluster.to_owned(),
            port: 0,
            tls: None,
            filters: Vec::new(),
            access_logs: Vec::new(),
            proxy: Patches::default(),
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

    /// Adds an L4 filter; the TCP proxy follows the last one.
    pub fn filter(mut self, filter: Value) -> Self {
        self.filters.push(filter);
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

    /// Anything else in `TcpProxy`, merged in.
    pub fn proxy(mut self, json: Value) -> Self {
        self.proxy
            .push(move |built| super::patch::merge(built, json.clone()));
        self
    }

    pub(super) fn build(&self) -> Value {
        let proxy = self.proxy.apply(json!({
            "@type": type_url("extensions.filters.network.tcp_proxy.v3.TcpProxy"),
            "stat_prefix": self.name,
            "cluster": self.cluster,
            "access_log": self.access_logs,
        }));
        let mut filters = self.filters.clone();
        filters.push(json!({ "name": "envoy.filters.network.tcp_proxy", "typed_config": proxy }));
        self.patches
            .apply(listener(&self.name, self.port, self.tls.as_ref(), filters))
    }
}
