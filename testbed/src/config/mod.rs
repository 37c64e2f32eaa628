//! Envoy's configuration, in as few words as a test needs; all else through `merge`
//! and `patch`, which every builder has.
//!
//! ```
//! use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route, UpstreamTls};
//!
//! let config = Bootstrap::new()
//!     .http(HttpListener::new("ingress").route(Route::all("backend")))
//!     .cluster(
//!         Cluster::new("backend")
//!             .endpoint("127.0.0.1:8443".parse().unwrap())
//!             .tls(UpstreamTls::new().sni("api.test")),
//!     )
//!     .build();
//! assert_eq!(config["static_resources"]["clusters"][0]["name"], "backend");
//! ```

mod cluster;
mod downstream_tls;
mod filter;
mod http_listener;
mod patch;
mod route;
mod stats_tags;
mod tcp_listener;
mod tls;
mod upstream_tls;
mod wasm;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::{Value, json};

pub use self::cluster::Cluster;
pub use self::downstream_tls::DownstreamTls;
pub use self::filter::{lua, native_no_op, stdout_log};
pub use self::http_listener::HttpListener;
use self::patch::{Patches, patchable};
pub use self::route::Route;
pub use self::stats_tags::stats_tags;
pub use self::tcp_listener::TcpListener;
pub use self::upstream_tls::UpstreamTls;
pub use self::wasm::{FailurePolicy, Wasm};

/// A whole configuration, with static resources.
#[derive(Clone, Default)]
pub struct Bootstrap {
    listeners: Vec<Value>,
    clusters: Vec<Value>,
    extensions: Vec<Value>,
    patches: Patches,
}

patchable!(Bootstrap);

impl Bootstrap {
    /// Without anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a listener that speaks HTTP.
    pub fn http(mut self, listener: HttpListener) -> Self {
        self.listeners.push(listener.build());
        self
    }

    /// Adds a listener that passes bytes on.
    pub fn tcp(mut self, listener: TcpListener) -> Self {
        self.listeners.push(listener.build());
        self
    }

    /// Adds a cluster.
    pub fn cluster(mut self, cluster: Cluster) -> Self {
        self.clusters.push(cluster.build());
        self
    }

    /// Adds a bootstrap extension, such as [`Wasm::singleton`].
    pub fn extension(mut self, extension: Value) -> Self {
        self.extensions.push(extension);
        self
    }

    /// The configuration.
    pub fn build(&self) -> Value {
        let mut bootstrap = json!({
            "static_resources": { "listeners": self.listeners, "clusters": self.clusters },
        });
        if !self.extensions.is_empty() {
            bootstrap["bootstrap_extensions"] = json!(self.extensions);
        }
        self.patches.apply(bootstrap)
    }
}

impl From<Bootstrap> for Value {
    fn from(bootstrap: Bootstrap) -> Self {
        bootstrap.build()
    }
}

/// A listener with one filter chain; port 0: on a free one.
fn listener(name: &str, port: u16, tls: Option<&DownstreamTls>, filters: Vec<Value>) -> Value {
    let mut chain = json!({ "name": name, "filters": filters });
    if let Some(tls) = tls {
        chain["transport_socket"] = tls.build();
    }
    json!({
        "name": name,
        "address": socket_address(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)),
        "filter_chains": [chain],
    })
}

fn socket_address(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip(), "port_value": address.port() } })
}

/// The type URL of one of Envoy's messages.
fn type_url(message: &str) -> String {
    format!("type.googleapis.com/envoy.{message}")
}
