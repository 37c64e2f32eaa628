//! Everything that runs: the servers, and one Envoy in front of them.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, FailurePolicy, HttpListener, Route, Wasm,
};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::upstream::Upstream;
use hopguard_testbed::{Result, TlsVersion, wasm};
use serde_json::{Value, json};

use crate::case::{Caller, Case, Server};
use crate::outcome::{ACCESS_LOG, Outcome, event};
use crate::pki::{Certificates, HOST};

/// A case with its servers, running.
pub struct Running {
    pub case: Case,
    upstreams: Vec<Upstream>,
    id: String,
}

/// All cases, and the Envoy between their clients and servers.
pub struct World {
    pub envoy: Envoy,
    pub running: Vec<Running>,
    listeners: BTreeMap<&'static str, SocketAddr>,
}

impl World {
    pub async fn start(cases: Vec<Case>, c: &Certificates, policy: &Value) -> Result<Self> {
        let plugin = |role: &str| -> Result<Value> {
            Ok(Wasm::new(&wasm::plugin_path()?, role)
                .configuration(policy)
                .failure_policy(FailurePolicy::FailClosed)
                .http_filter())
        };
        let (downstream, upstream) = (plugin("downstream")?, plugin("upstream")?);
        let mut bootstrap = Bootstrap::new();
        let mut listeners: BTreeMap<&'static str, HttpListener> = BTreeMap::new();
        let mut running = Vec::new();
        for (index, mut case) in cases.into_iter().enumerate() {
            if case.servers.is_empty() {
                case.servers
                    .push(Server::tls(&c.company.server(HOST).issue()));
            }
            let id = format!("demo-{}", index + 1);
            let name = case.cluster.unwrap_or(&id);
            let (cluster, upstreams) = start_servers(name, &mut case.servers).await?;
            bootstrap = bootstrap.cluster(cluster.filter(upstream.clone()));
            let listener = listeners
                .remove(case.listener)
                .unwrap_or_else(|| listener(case.listener, c).filter(downstream.clone()));
            let route = Route::prefix(&path(&id), name).option(json!({
                "metadata_match": { "filter_metadata": { "envoy.lb": {
                    "endpoint": case.endpoint.to_string(),
                }}},
            }));
            listeners.insert(case.listener, listener.route(route));
            running.push(Running {
                case,
                upstreams,
                id,
            });
        }
        let names: Vec<_> = listeners.keys().copied().collect();
        for listener in listeners.into_values() {
            bootstrap = bootstrap.http(listener);
        }
        let envoy = Envoy::builder().config(bootstrap).start().await?;
        let mut listeners = BTreeMap::new();
        for name in names {
            listeners.insert(name, envoy.listener(name).await?);
        }
        Ok(Self {
            envoy,
            running,
            listeners,
        })
    }

    pub fn address(&self, running: &Running) -> SocketAddr {
        self.listeners[running.case.listener]
    }

    /// Sends the request of each case, and collects what came of it.
    pub async fn run(&self) -> Result<Vec<Outcome>> {
        let mut statuses = Vec::new();
        for running in &self.running {
            statuses.push(running.send(self.address(running)).await?);
        }
        let mut access = Vec::new();
        for running in &self.running {
            let start = format!("DEMO {} ", running.id);
            access.push(
                self.envoy
                    .wait_for_log(|line| line.starts_with(&start))
                    .await?,
            );
        }
        let events = self.all_events().await?;
        let outcomes = self.running.iter().zip(statuses).zip(access);
        Ok(outcomes
            .map(|((running, status), access)| {
                let mut own = events.clone();
                own.retain(|e| e["hopguard.request.id"] == running.id);
                Outcome::new(status, &access, running.bytes(), &own)
            })
            .collect())
    }

    /// All events, once the log has as many as the plugin has counted.
    async fn all_events(&self) -> Result<Vec<Value>> {
        let counters = self.envoy.stats("wasmcustom.hopguard.result").await?;
        let written: u64 = counters
            .iter()
            .filter(|(name, _)| name.ends_with(".events"))
            .map(|(_, count)| count)
            .sum();
        let mut seen = 0;
        if written > 0 {
            self.envoy
                .wait_for_log(|line| {
                    seen += u64::from(event(line).is_some());
                    seen >= written
                })
                .await?;
        }
        Ok(self.envoy.logs().iter().filter_map(|l| event(l)).collect())
    }
}

impl Running {
    /// The path that leads to the case's servers.
    pub fn path(&self) -> String {
        path(&self.id)
    }

    async fn send(&self, listener: SocketAddr) -> Result<u16> {
        let client = match &self.case.caller {
            Caller::Plaintext => Client::plaintext(listener),
            Caller::Tls => Client::tls(listener),
            Caller::Certificate(_, certificate) => Client::tls(listener).certificate(certificate),
            Caller::OldTls => {
                Client::openssl(listener).tls_versions(TlsVersion::V1_1, TlsVersion::V1_1)
            }
        };
        let mut request = Request::post(&self.path(), "the application's secret")
            .host(HOST)
            .header("x-request-id", &self.id);
        if let Some((name, value)) = self.case.header {
            request = request.header(name, value);
        }
        Ok(client.send(request).await?.status)
    }

    /// Bytes of the application that any of the case's servers received.
    fn bytes(&self) -> usize {
        self.upstreams.iter().map(|u| u.received().len()).sum()
    }
}

fn path(id: &str) -> String {
    format!("/{id}/")
}

/// A listener of this name; the name says what it speaks.
fn listener(name: &str, c: &Certificates) -> HttpListener {
    let tls = DownstreamTls::new(&c.envoy);
    let listener = HttpListener::new(name)
        .access_log(ACCESS_LOG)
        .manager(json!({ "preserve_external_request_id": true }));
    match name {
        "public" => listener.tls(tls),
        // Envoy takes any certificate or none: hopguard is to judge.
        "partners" | "workloads" => listener.tls(tls.accept_any_client()),
        "legacy" => listener.tls(tls.tls_versions(TlsVersion::V1_0, TlsVersion::V1_3)),
        _ => listener,
    }
}

/// The servers of a cluster. Each is a subset of its own, so that a route can
/// name the one that it leads to.
async fn start_servers(name: &str, servers: &mut Vec<Server>) -> Result<(Cluster, Vec<Upstream>)> {
    let mut cluster = Cluster::new(name).merge(json!({ "lb_subset_config": {
        "subset_selectors": [{ "keys": ["endpoint"] }],
    }}));
    let mut upstreams = Vec::new();
    for (index, server) in servers.drain(..).enumerate() {
        let upstream = server.upstream.start().await?;
        let kind = index.to_string();
        cluster = cluster
            .endpoint_of_kind(upstream.addr(), &kind)
            .socket_match(&kind, server.tls.as_ref())
            .patch(move |cluster| {
                let endpoints = &mut cluster["load_assignment"]["endpoints"][0]["lb_endpoints"];
                endpoints[index]["metadata"]["filter_metadata"]["envoy.lb"] =
                    json!({ "endpoint": kind });
            });
        upstreams.push(upstream);
    }
    Ok((cluster, upstreams))
}
