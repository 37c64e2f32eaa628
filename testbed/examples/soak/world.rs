//! One Envoy with every role, and what is behind it.

use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, TcpListener, UpstreamTls, Wasm,
};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::policy::trust_store;
use hopguard_testbed::upstream::Upstream;
use hopguard_testbed::wasm;
use serde_json::json;
use std::net::SocketAddr;

use crate::Result;

/// Where clients go.
pub struct World {
    pub envoy: Envoy,
    pub pki: Pki,
    pub http: SocketAddr,
    pub tcp: SocketAddr,
    pub server: Upstream,
    pub echo: Upstream,
    /// TLS is expected of it, and it speaks none.
    _plaintext: Upstream,
}

impl World {
    pub async fn start() -> Result<Self> {
        let pki = Pki::new();
        let certificate = pki.server("api.test").issue();
        let server = Upstream::tls(&certificate).counting_only().start().await?;
        let echo = Upstream::tls(&certificate).tcp_echo().counting_only();
        let echo = echo.start().await?;
        let plaintext = Upstream::plaintext().counting_only().start().await?;
        let policy = json!({
            "version": 1,
            "trust_stores": [trust_store("ca", &pki.root, &[&pki.intermediate])],
            "default_trust_stores": ["ca"],
            "downstream": [{ "name": "clients", "match": {}, "require": {
                "peer_certificate": { "trust_stores": ["ca"], "names": "any" },
            }}],
        });
        let module = wasm::plugin_path()?;
        let role = |role: &str| Wasm::new(&module, role).configuration(&policy);
        let tls = DownstreamTls::new(&certificate).accept_any_client();
        let cluster = |name: &str, server: &Upstream| {
            let most = json!({
                "max_connections": 100_000, "max_pending_requests": 100_000,
                "max_requests": 100_000,
            });
            Cluster::new(name)
                .endpoint(server.addr())
                .tls(UpstreamTls::new().sni("api.test"))
                .merge(json!({ "circuit_breakers": { "thresholds": [most] } }))
        };
        let guard = role("upstream").http_filter();
        let failed = json!({ "response_flag_filter": { "flags": ["UF", "UC"] } });
        let mut logger = role("log").access_logger();
        logger["filter"] = failed;
        let http = HttpListener::new("http")
            .tls(tls.clone())
            .filter(role("downstream").http_filter())
            .access_logger(logger.clone())
            .upstream_logger(logger)
            .route(Route::prefix("/plaintext", "plaintext"))
            .route(Route::all("server"));
        let tcp = TcpListener::new("tcp", "echo")
            .tls(tls)
            .filter(role("network").network_filter());
        let bootstrap = Bootstrap::new()
            .http(http)
            .tcp(tcp)
            .cluster(cluster("server", &server).filter(guard.clone()))
            .cluster(cluster("plaintext", &plaintext).filter(guard))
            .cluster(cluster("echo", &echo));
        let envoy = Envoy::builder().config(bootstrap).concurrency(2).start();
        let envoy = envoy.await?;
        Ok(Self {
            http: envoy.listener("http").await?,
            tcp: envoy.listener("tcp").await?,
            envoy,
            pki,
            server,
            echo,
            _plaintext: plaintext,
        })
    }
}
