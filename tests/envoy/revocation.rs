//! Revocation (V9.2.4), on both sides of Envoy, for HTTP and TCP: the decision
//! table of docs/revocation.md row by row, responders that misbehave, every kind
//! of answer and list.

use std::time::{Duration, Instant};

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, TcpListener, UpstreamTls,
};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::{Issued, Pki};
use hopguard_testbed::revocation::Responder;
use hopguard_testbed::upstream::{PATIENCE, Upstream};
use serde_json::{Value, json};

use crate::support::{filter, metric, plugin, policy, start};

mod answers;
mod bounds;
mod clients;
mod decisions;
mod fetched;
mod first_contact;
mod lists;
mod misbehaving;
mod must_staple;
mod nonce;
mod outage;
mod policy_responses;
mod refresh;
mod row;
mod sources;
mod staples;
mod table;
mod tcp;
mod whole_path;

/// A URL in certificates that leads to the world's responder.
const URL: &str = "http://ocsp.test/ca";

/// A PKI whose issuing CA has a responder.
struct World {
    pki: Pki,
    responder: Responder,
}

impl World {
    async fn new() -> Self {
        let pki = Pki::new();
        let responder = Responder::start(&pki.intermediate).await.unwrap();
        Self { pki, responder }
    }

    fn server(&self) -> Issued {
        self.pki.server("api.test").ocsp_url(URL).issue()
    }

    /// A policy that demands revocation of servers and clients, with this for
    /// each kind of trouble.
    fn policy(&self, trouble: &Value) -> Value {
        let peer = json!({ "trust_stores": ["ca"], "names": "any", "revocation": trouble });
        let rule = json!([{ "name": "live", "require": { "peer_certificate": peer } }]);
        policy(
            &self.pki,
            json!({
                "revocation": { "responders": [responder()], "max_wait_ms": MAX_WAIT_MS },
                "gate": gate(),
                "upstream": rule,
                "downstream": rule,
            }),
        )
    }

    fn responder_cluster(&self) -> Cluster {
        Cluster::new("ocsp").endpoint(self.responder.addr())
    }

    /// A plaintext listener `front` that leads to this server, which the role
    /// `upstream` judges.
    fn before(&self, server: &Upstream, policy: &Value) -> Bootstrap {
        self.before_with(server, policy, self.responder_cluster())
    }

    /// The same with another responder.
    fn before_with(&self, server: &Upstream, policy: &Value, responder: Cluster) -> Bootstrap {
        let tls = UpstreamTls::new().sni("api.test");
        let cluster = Cluster::new("backend").endpoint(server.addr()).tls(tls);
        let listener = HttpListener::new("front").route(Route::all("backend"));
        Bootstrap::new()
            .http(listener)
            .cluster(cluster.filter(filter("upstream", policy)))
            .cluster(responder)
    }

    /// An Envoy with one worker and a listener `front` with this TLS that leads to
    /// this server, and whose clients the role `downstream` judges.
    async fn envoy_behind(
        &self,
        clients: DownstreamTls,
        server: &Upstream,
        policy: &Value,
    ) -> Envoy {
        let listener = HttpListener::new("front")
            .tls(clients)
            .filter(filter("downstream", policy))
            .route(Route::all("backend"));
        start(
            Bootstrap::new()
                .http(listener)
                .cluster(Cluster::new("backend").endpoint(server.addr()))
                .cluster(self.responder_cluster()),
        )
        .await
    }

    /// TLS that takes every client's certificate.
    fn any_client(&self) -> DownstreamTls {
        DownstreamTls::new(&self.pki.server("envoy.test").issue()).accept_any_client()
    }

    /// An Envoy with a plaintext TCP listener `front` that leads to this server,
    /// and which the role `network` judges. Clients are waived.
    async fn tcp_before(&self, server: &Upstream, policy: &Value) -> Envoy {
        let mut policy = policy.clone();
        policy["downstream"] = json!([{ "name": "local", "waive": [{
            "controls": ["V9.2.1", "V9.2.2"], "reason": "same host", "until": "2099-12-31",
        }]}]);
        let tls = UpstreamTls::new().sni("api.test");
        let guard = plugin("network", &policy).network_filter();
        start(
            Bootstrap::new()
                .tcp(TcpListener::new("front", "backend").filter(guard))
                .cluster(Cluster::new("backend").endpoint(server.addr()).tls(tls))
                .cluster(self.responder_cluster()),
        )
        .await
    }

    /// What [`before`](Self::before) describes, in an Envoy with one worker.
    async fn envoy_before(&self, server: &Upstream, policy: &Value) -> Envoy {
        start(self.before(server, policy)).await
    }
}

/// How long a peer waits for an answer: on this machine, whatever else it does.
const MAX_WAIT_MS: u32 = 40_000;

/// The world's responder, for a policy.
fn responder() -> Value {
    json!({ "host": "ocsp.test", "cluster": "ocsp", "timeout_ms": 30_000 })
}

/// No gate gives up before.
fn gate() -> Value {
    json!({ "timeout_ms": 50_000 })
}

async fn tls(certificate: &Issued) -> Upstream {
    Upstream::tls(certificate).start().await.unwrap()
}

async fn status(envoy: &Envoy, path: &str) -> u16 {
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    client.get(path).await.unwrap().status
}

/// So many clients ask at once, and wait: what they wait for comes by `release`.
/// All of them are served then, and nothing came to this server before.
async fn all_wait(envoy: &Envoy, server: &Upstream, clients: u64, release: impl FnOnce()) {
    let address = envoy.listener("front").await.unwrap();
    let requests: Vec<_> = (0..clients)
        .map(|n| {
            tokio::spawn(async move {
                let client = Client::plaintext(address);
                client.get(&format!("/{n}")).await.unwrap().status
            })
        })
        .collect();
    all_pending(envoy, clients).await;
    assert_eq!(server.received(), b"");
    release();
    for request in requests {
        assert_eq!(request.await.unwrap(), 200);
    }
}

/// Waits until so many wait: longer than for a few.
async fn all_pending(envoy: &Envoy, count: u64) {
    let started = Instant::now();
    let mut waiting = 0;
    while waiting < count {
        assert!(started.elapsed() < 5 * PATIENCE, "{waiting} of {count}");
        tokio::time::sleep(Duration::from_millis(10)).await;
        waiting = metric(envoy, &["gate_pending"]).await;
    }
}

/// Every kind of trouble allowed by name.
fn lenient() -> Value {
    json!({
        "unknown": "allow", "no_source": "allow", "unreachable": "allow",
        "invalid": "allow", "stale": "allow",
    })
}
