//! An Envoy with hopguard in four roles, to which everything has happened that metrics tell of.

use std::time::{Duration, Instant};

use hopguard::telemetry::metrics;
use hopguard_testbed::client::Client;
use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, UpstreamTls, stats_tags,
};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::free_port;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::revocation::{Known, Responder};
use hopguard_testbed::upstream::{Fault, PATIENCE, Upstream};
use serde_json::{Value, json};

use super::scrape::{Scrape, prometheus_name};
use crate::support::{day, filter, plugin, policy};

/// The labels are made as a user makes them.
const SHIPPED: &str = include_str!("../../../envoy/envoy.yaml");

pub struct World {
    envoy: Envoy,
    _responder: Responder,
    _upstreams: Vec<Upstream>,
}

impl World {
    /// Starts it and lets it all happen.
    pub async fn start(version: &str) -> Self {
        let pki = Pki::new();
        let responder = Responder::start(&pki.intermediate).await.unwrap();
        let policy = rules(&pki);
        let soon = pki
            .server("api.test")
            .ocsp_url("http://ocsp.test/")
            .ends_in_days(5)
            .issue();
        responder.set(&soon, Known::Good);
        let good = Upstream::tls(&soon).start().await.unwrap();
        let plain = Upstream::plaintext().start().await.unwrap();
        let broken = Upstream::tls(&soon)
            .fault(Fault::Alert(80))
            .start()
            .await
            .unwrap();
        let collector = Upstream::plaintext().start().await.unwrap();

        let admin = free_port().unwrap();
        let log = plugin("log", &policy).access_logger();
        let listener = |name: &str| {
            let clusters = ["good", "plain", "broken"];
            let routes = clusters.map(|name| Route::prefix(&format!("/{name}"), name));
            let listener = HttpListener::new(name)
                .filter(filter("downstream", &policy))
                .upstream_logger(log.clone())
                .access_logger(log.clone());
            routes.into_iter().fold(listener, HttpListener::route)
        };
        let tls = DownstreamTls::new(&pki.server("envoy.test").issue());
        let to = |name: &str, upstream: &Upstream| Cluster::new(name).endpoint(upstream.addr());
        let guarded = |cluster: Cluster| cluster.filter(filter("upstream", &policy));
        let secure = |cluster: Cluster| guarded(cluster.tls(UpstreamTls::new().sni("api.test")));
        let bootstrap = Bootstrap::new()
            .merge(stats_tags(SHIPPED))
            .extension(plugin("posture", &policy).singleton())
            .http(listener("secure").tls(tls))
            .http(listener("plaintext"))
            .http(listener("reported"))
            .http(listener("waived"))
            .cluster(secure(to("good", &good)))
            .cluster(guarded(to("plain", &plain)))
            .cluster(secure(to("broken", &broken)))
            .cluster(to("collector", &collector))
            .cluster(Cluster::new("ocsp").endpoint(responder.addr()))
            .cluster(Cluster::new("admin").endpoint(([127, 0, 0, 1], admin).into()));
        let envoy = Envoy::builder()
            .config(bootstrap)
            .admin_port(admin)
            .version(version)
            .start()
            .await
            .unwrap();

        let client = Client::tls(envoy.listener("secure").await.unwrap());
        for (path, status) in [("/good", 200), ("/plain", 503), ("/broken", 503)] {
            assert_eq!(client.get(path).await.unwrap().status, status, "{path}");
        }
        for (listener, status) in [("plaintext", 403), ("reported", 200), ("waived", 200)] {
            let client = Client::plaintext(envoy.listener(listener).await.unwrap());
            assert_eq!(
                client.get("/good").await.unwrap().status,
                status,
                "{listener}"
            );
        }
        Self {
            envoy,
            _responder: responder,
            _upstreams: vec![good, plain, broken, collector],
        }
    }

    /// What Envoy shows, once it has all of hopguard's metrics.
    pub async fn scrape(&self) -> Scrape {
        let started = Instant::now();
        loop {
            let text = self.envoy.admin_get("/stats/prometheus").await.unwrap();
            let scrape = Scrape::parse(&text);
            let untagged = scrape
                .names()
                .find(|n| n.starts_with("hopguard_") && n.contains("__"));
            assert_eq!(untagged, None, "a label is left in a name");
            let names = metrics::ALL.map(prometheus_name);
            let missing: Vec<_> = names.iter().filter(|name| !scrape.has(name)).collect();
            if missing.is_empty() {
                return scrape;
            }
            assert!(started.elapsed() < PATIENCE, "missing: {missing:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A policy of which every part is used.
fn rules(pki: &Pki) -> Value {
    let peer = json!({ "trust_stores": ["ca"], "names": "any", "revocation": {} });
    let waiver = json!({ "controls": ["V9.2.2"], "reason": "legacy", "until": day(10) });
    policy(
        pki,
        json!({
            "default_trust_stores": ["ca"],
            "collector": { "cluster": "collector" },
            "posture": { "cluster": "admin", "interval_seconds": 1 },
            // Longer than anything takes on a machine that is busy.
            "gate": { "timeout_ms": 50_000 },
            "revocation": {
                "responders": [{ "host": "ocsp.test", "cluster": "ocsp", "timeout_ms": 30_000 }],
                "max_wait_ms": 40_000,
            },
            "downstream": [
                { "name": "newcomer", "match": { "filter_chains": ["reported"] }, "mode": "report" },
                { "name": "scanner", "match": { "filter_chains": ["waived"] }, "waive": [waiver] },
            ],
            "upstream": [{
                "name": "live",
                "match": { "clusters": ["good"] },
                "require": { "peer_certificate": peer },
            }],
        }),
    )
}
