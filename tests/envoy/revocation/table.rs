//! Tables of certificates: of servers and of clients, over HTTP and TCP; for each
//! row a certificate of its own and a rule about it.

use std::net::SocketAddr;

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, TcpListener, UpstreamTls,
};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use super::row::Row;
use super::{MAX_WAIT_MS, World, gate, responder};
use crate::support::{exactly_events, filter, gist, merge, metric, plugin, policy, start};

/// What clients say.
const SECRET: &str = "a secret";

/// Makes the lists (PEM) that a policy of the table carries.
type Lists = Box<dyn Fn(&World) -> Vec<String>>;

/// A table, and what its rows have in common.
pub struct Table<'a> {
    world: &'a World,
    rows: Vec<Row>,
    crls: Lists,
    sources: Vec<Value>,
    responders: Vec<Value>,
    clusters: Vec<Cluster>,
}

impl<'a> Table<'a> {
    /// Of certificates of this world, whose responder is `ocsp.test`.
    pub fn new(world: &'a World, rows: impl IntoIterator<Item = Row>) -> Self {
        Self {
            world,
            rows: rows.into_iter().collect(),
            crls: Box::new(|_| Vec::new()),
            sources: Vec::new(),
            responders: vec![responder()],
            clusters: vec![world.responder_cluster()],
        }
    }

    /// With the world's responder under the names of these rows, too: one that
    /// fails gets a pause, and takes nothing from the others.
    pub fn responder_for(self, rows: &[&str]) -> Self {
        let address = self.world.responder.addr();
        rows.iter().fold(self, |table, name| {
            let (host, cluster) = (format!("{name}.test"), format!("ocsp-{name}"));
            table.responder(&host, &cluster, address, 30_000)
        })
    }

    /// With these lists, made when all certificates are.
    pub fn crls(mut self, make: impl Fn(&World) -> Vec<String> + 'static) -> Self {
        self.crls = Box::new(make);
        self
    }

    /// With a list that is fetched from here (`crl_sources`).
    pub fn source(mut self, source: Value, cluster: Cluster) -> Self {
        self.sources.push(source);
        self.clusters.push(cluster);
        self
    }

    /// With a responder of this host behind a cluster of its own, which is given so long.
    pub fn responder(
        mut self,
        host: &str,
        cluster: &str,
        address: SocketAddr,
        timeout_ms: u32,
    ) -> Self {
        self.responders
            .push(json!({ "host": host, "cluster": cluster, "timeout_ms": timeout_ms }));
        self.clusters.push(Cluster::new(cluster).endpoint(address));
        self
    }

    /// With a responder of this name whose cluster does not exist.
    pub fn responder_without_cluster(mut self, name: &str) -> Self {
        let cluster = format!("ocsp-{name}");
        let responder = json!({ "host": format!("{name}.test"), "cluster": cluster });
        self.responders.push(responder);
        self
    }

    /// Certificates of servers, over HTTP.
    pub async fn walk_servers(&self) -> Envoy {
        let mut servers = Vec::new();
        for row in &self.rows {
            let builder = self.world.pki.server("api.test");
            let certificate = row.issue(self.world, builder);
            servers.push(Upstream::tls(&certificate).start().await.unwrap());
        }
        let rules = self.rules(|row| json!({ "clusters": [row.name] }));
        let guard = filter("upstream", &self.policy(json!({ "upstream": rules })));
        let mut listener = HttpListener::new("front");
        let mut bootstrap = self.bootstrap();
        for (row, server) in self.rows.iter().zip(&servers) {
            let tls = UpstreamTls::new().sni("api.test");
            let cluster = Cluster::new(&row.name).endpoint(server.addr()).tls(tls);
            bootstrap = bootstrap.cluster(cluster.filter(guard.clone()));
            listener = listener.route(Route::prefix(&format!("/{}/", row.name), &row.name));
        }
        let envoy = start(bootstrap.http(listener)).await;
        let client = Client::plaintext(envoy.listener("front").await.unwrap());
        for (row, server) in self.rows.iter().zip(&servers) {
            let name = &row.name;
            let request = Request::post(&format!("/{name}/"), SECRET);
            let status = client.send(request).await.unwrap().status;
            let expected = if row.outcome.is_served() { 200 } else { 503 };
            assert_eq!(status, expected, "{name}");
            match row.outcome.is_served() {
                true => assert_eq!(server.requests()[0].body, SECRET.as_bytes(), "{name}"),
                false => assert_eq!(server.received(), b"", "{name}"),
            }
        }
        self.check(&envoy, "upstream").await;
        for (row, server) in self.rows.iter().zip(&servers) {
            let count = usize::from(row.outcome.is_served());
            assert_eq!(server.requests().len(), count, "{}", row.name);
        }
        envoy
    }

    /// Certificates of clients, over HTTP.
    pub async fn walk_clients(&self) -> Envoy {
        let certificates: Vec<_> = self
            .rows
            .iter()
            .map(|row| row.issue(self.world, self.world.pki.client("client")))
            .collect();
        let backend = Upstream::plaintext().start().await.unwrap();
        let rules = self.rules(|row| json!({ "paths": [format!("/{}/", row.name)] }));
        let policy = self.policy(json!({ "downstream": rules }));
        let own = self.world.pki.server("envoy.test").issue();
        let listener = HttpListener::new("front")
            .tls(DownstreamTls::new(&own).accept_any_client())
            .filter(filter("downstream", &policy))
            .route(Route::all("backend"));
        let cluster = Cluster::new("backend").endpoint(backend.addr());
        let envoy = start(self.bootstrap().http(listener).cluster(cluster)).await;
        let address = envoy.listener("front").await.unwrap();
        let mut served = 0;
        for (row, certificate) in self.rows.iter().zip(&certificates) {
            let request = Request::post(&format!("/{}/", row.name), SECRET);
            let client = Client::tls(address).certificate(certificate);
            let status = client.send(request).await.unwrap().status;
            let expected = if row.outcome.is_served() { 200 } else { 403 };
            assert_eq!(status, expected, "{}", row.name);
            served += usize::from(row.outcome.is_served());
            assert_eq!(backend.requests().len(), served, "{}", row.name);
        }
        self.check(&envoy, "downstream").await;
        envoy
    }

    /// Certificates of servers, over TCP.
    pub async fn walk_tcp_servers(&self) -> Envoy {
        let mut servers = Vec::new();
        for row in &self.rows {
            let builder = self.world.pki.server("api.test");
            let certificate = row.issue(self.world, builder);
            let server = Upstream::tls(&certificate).tcp_echo();
            servers.push(server.start().await.unwrap());
        }
        let local = json!([{ "name": "local", "waive": [{
            "controls": ["V9.2.1", "V9.2.2"], "reason": "same host", "until": "2099-12-31",
        }]}]);
        let rules = self.rules(|row| json!({ "clusters": [row.name] }));
        let policy = self.policy(json!({ "upstream": rules, "downstream": local }));
        let listeners = self
            .rows
            .iter()
            .map(|row| TcpListener::new(&row.name, &row.name));
        let envoy = self.tcp(&policy, listeners, &servers).await;
        for (row, server) in self.rows.iter().zip(&servers) {
            let client = Client::plaintext(envoy.listener(&row.name).await.unwrap());
            converse(&client, row, server).await;
        }
        self.check(&envoy, "upstream").await;
        envoy
    }

    /// Certificates of clients, over TCP.
    pub async fn walk_tcp_clients(&self) -> Envoy {
        let own = self.world.pki.server("api.test").issue();
        let mut certificates = Vec::new();
        let mut servers = Vec::new();
        for row in &self.rows {
            certificates.push(row.issue(self.world, self.world.pki.client("client")));
            servers.push(Upstream::tls(&own).tcp_echo().start().await.unwrap());
        }
        let rules = self.rules(|row| json!({ "filter_chains": [row.name] }));
        let policy = self.policy(json!({ "downstream": rules }));
        let listeners = self.rows.iter().map(|row| {
            let tls = DownstreamTls::new(&own).accept_any_client();
            TcpListener::new(&row.name, &row.name).tls(tls)
        });
        let envoy = self.tcp(&policy, listeners, &servers).await;
        for ((row, certificate), server) in self.rows.iter().zip(&certificates).zip(&servers) {
            let address = envoy.listener(&row.name).await.unwrap();
            let client = Client::tls(address).certificate(certificate);
            converse(&client, row, server).await;
        }
        self.check(&envoy, "downstream").await;
        envoy
    }

    fn rules(&self, matches: impl Fn(&Row) -> Value) -> Value {
        self.rows.iter().map(|row| row.rule(matches(row))).collect()
    }

    fn policy(&self, rules: Value) -> Value {
        let crls = (self.crls)(self.world);
        let revocation = json!({
            "responders": self.responders, "crls": crls, "crl_sources": self.sources,
            "max_wait_ms": MAX_WAIT_MS,
        });
        let fields = json!({
            "default_trust_stores": ["ca"], "revocation": revocation, "gate": gate(),
        });
        let mut policy = policy(&self.world.pki, fields);
        merge(&mut policy, rules);
        policy
    }

    fn bootstrap(&self) -> Bootstrap {
        let clusters = self.clusters.iter().cloned();
        clusters.fold(Bootstrap::new(), Bootstrap::cluster)
    }

    async fn tcp(
        &self,
        policy: &Value,
        listeners: impl Iterator<Item = TcpListener>,
        servers: &[Upstream],
    ) -> Envoy {
        let guard = plugin("network", policy).network_filter();
        let mut bootstrap = self.bootstrap();
        for ((row, listener), server) in self.rows.iter().zip(listeners).zip(servers) {
            let tls = UpstreamTls::new().sni("api.test");
            bootstrap = bootstrap
                .tcp(listener.filter(guard.clone()))
                .cluster(Cluster::new(&row.name).endpoint(server.addr()).tls(tls));
        }
        start(bootstrap).await
    }

    /// Exactly the events that there had to be, and nobody waits any more.
    async fn check(&self, envoy: &Envoy, direction: &str) {
        let told: Vec<_> = self
            .rows
            .iter()
            .filter_map(|row| row.outcome.event().map(|event| (row, event)))
            .collect();
        let events = exactly_events(envoy, told.len()).await;
        for ((row, [kind, cause, words]), event) in told.into_iter().zip(&events) {
            let name = &row.name;
            assert_eq!(gist(event), [kind, cause, "V9.2.4", name], "{event:#}");
            assert_eq!(event["hopguard.direction"], direction, "{name}");
            let detail = event["hopguard.detail"].as_str().unwrap_or_default();
            assert!(detail.contains(words), "{name}: {words:?} in {detail:?}");
            if let Some(source) = row.source {
                assert_eq!(event["hopguard.revocation.source"], source, "{event:#}");
            }
        }
        assert_eq!(metric(envoy, &["gate_pending"]).await, 0);
    }
}

/// The client of this row speaks, and the server is an echo.
async fn converse(client: &Client, row: &Row, server: &Upstream) {
    let name = &row.name;
    let mut connection = client.raw().await.unwrap();
    if row.outcome.is_served() {
        connection.write(SECRET.as_bytes()).await.unwrap();
        let echo = connection.read_exact(SECRET.len()).await.unwrap();
        assert_eq!(echo, SECRET.as_bytes(), "{name}");
        return;
    }
    // It may be closed by now.
    let _ = connection.write(SECRET.as_bytes()).await;
    if let Ok(tail) = connection.read_to_end().await {
        assert_eq!(tail.bytes, b"", "{name}");
    }
    let ended = server.wait_for(|seen| seen.open_connections() == 0).await;
    assert_eq!(ended.unwrap().application(), b"", "{name}");
}
