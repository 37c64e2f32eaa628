//! One failed attempt of a request is told of once, whichever places see it.
//!
//! The cluster's filter and `upstream_log` see each attempt, the log of requests
//! only the last one of each.

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::{Fault, Upstream};
use serde_json::{Value, json};

use crate::support::failing::tls;
use crate::support::logs::{exactly_failures, logger};
use crate::support::{filter, nobody, policy};

/// Where the module is installed.
#[derive(Clone, Copy, Debug)]
struct Places {
    cluster: bool,
    upstream_log: bool,
    request_log: bool,
}

/// How the Envoy is set up besides.
#[derive(Clone, Copy)]
struct Setup {
    places: Places,
    workers: u32,
    /// Envoy gives requests an id.
    ids: bool,
    /// The roles share one VM.
    one_vm: bool,
    /// The newest unless told.
    version: Option<&'static str>,
}

const EVERYWHERE: Places = Places {
    cluster: true,
    upstream_log: true,
    request_log: true,
};

const USUAL: Setup = Setup {
    places: EVERYWHERE,
    workers: 1,
    ids: true,
    one_vm: true,
    version: None,
};

/// Clusters whose servers fail in several ways, and one that is good at last.
struct Servers {
    good: Upstream,
    closes: Upstream,
    resets: Upstream,
    expired: Upstream,
    nobody: (tokio::net::TcpSocket, std::net::SocketAddr),
}

/// Retries, and whether the last of all attempts succeeds.
const CLUSTERS: [(&str, u32, bool); 7] = [
    ("alone", 0, false),
    ("thrice-alike", 2, false),
    ("thrice-other", 2, false),
    ("at-last", 3, true),
    ("kept-alive", 0, false),
    ("multiplexed", 1, false),
    ("of-one-connection", 0, false),
];

impl Servers {
    async fn start(pki: &Pki) -> Self {
        let good = pki.server("api.test").issue();
        let faulty = |fault| Upstream::tls(&good).fault(fault).start();
        Self {
            good: Upstream::tls(&good).start().await.unwrap(),
            closes: faulty(Fault::Close).await.unwrap(),
            resets: faulty(Fault::Reset).await.unwrap(),
            expired: Upstream::tls(&pki.server("api.test").expired().issue())
                .start()
                .await
                .unwrap(),
            nobody: nobody(),
        }
    }

    fn cluster(&self, name: &str, pki: &Pki) -> Cluster {
        let (_, nobody) = self.nobody;
        let endpoints = match name {
            "alone" | "multiplexed" | "of-one-connection" => vec![self.expired.addr()],
            "thrice-alike" => vec![self.closes.addr()],
            "thrice-other" => vec![self.closes.addr(), self.resets.addr(), nobody],
            "at-last" => vec![self.closes.addr(), self.expired.addr(), self.good.addr()],
            _ => vec![self.resets.addr()],
        };
        // By default three retries at a time.
        let cluster = Cluster::new(name)
            .tls(tls().trusted_ca(&pki.root))
            .merge(json!({ "circuit_breakers": { "thresholds": [{ "max_retries": 100 }] } }));
        let cluster = match name {
            "of-one-connection" => cluster.http2(),
            _ => cluster,
        };
        endpoints.into_iter().fold(cluster, Cluster::endpoint)
    }
}

async fn start(setup: Setup, servers: &Servers, pki: &Pki) -> Envoy {
    // Before 1.38 Envoy shows no certificate to judge.
    let waived =
        json!([{ "controls": ["V9.2.1"], "reason": "other tests", "until": "2099-12-31" }]);
    let policy = policy(
        pki,
        json!({ "default_trust_stores": ["ca"], "upstream": [{ "name": "all", "waive": waived }] }),
    );
    let places = setup.places;
    let in_vm = |mut extension: Value, vm: &str| {
        if !setup.one_vm {
            extension["typed_config"]["config"]["vm_config"]["vm_id"] = json!(vm);
        }
        extension
    };
    let mut listener = HttpListener::new("front").manager(json!({
        "generate_request_id": setup.ids,
        "preserve_external_request_id": true,
    }));
    if places.upstream_log {
        listener = listener.upstream_logger(in_vm(logger(&policy), "attempts"));
    }
    if places.request_log {
        listener = listener.access_logger(in_vm(logger(&policy), "requests"));
    }
    let mut bootstrap = Bootstrap::new();
    for (name, retries, _) in CLUSTERS {
        let mut cluster = servers.cluster(name, pki);
        if places.cluster {
            cluster = cluster.filter(in_vm(filter("upstream", &policy), "clusters"));
        }
        bootstrap = bootstrap.cluster(cluster);
        let route = Route::prefix(&format!("/{name}"), name);
        listener = listener.route(route.retry("connect-failure,reset", retries));
    }
    let mut envoy = Envoy::builder().config(bootstrap.http(listener));
    if let Some(version) = setup.version {
        envoy = envoy.version(version);
    }
    envoy.concurrency(setup.workers).start().await.unwrap()
}

/// Sends what makes failures of all kinds, and returns how many there were, of
/// attempts and of requests.
async fn fail(envoy: &Envoy) -> (u64, u64) {
    let front = envoy.listener("front").await.unwrap();
    let client = Client::plaintext(front);
    let mut requests = 0;
    for (name, _, succeeds) in &CLUSTERS[..4] {
        for _ in 0..3 {
            let status = client.get(&format!("/{name}")).await.unwrap().status;
            assert_eq!(status, if *succeeds { 200 } else { 503 }, "{name}");
            requests += u64::from(!succeeds);
        }
    }
    let connection = client.connect().await.unwrap();
    for _ in 0..4 {
        let response = connection.send(Request::get("/kept-alive")).await.unwrap();
        assert_eq!(response.status, 503);
        requests += 1;
    }
    // All at once on one connection.
    let connection = Client::plaintext(front).http2().connect().await.unwrap();
    let connection = std::sync::Arc::new(connection);
    let send = |path| {
        let connection = std::sync::Arc::clone(&connection);
        let request = Request::get(path);
        tokio::spawn(async move { connection.send(request).await.unwrap().status })
    };
    let all: Vec<_> = ["/multiplexed", "/of-one-connection"]
        .into_iter()
        .flat_map(|path| [path; 5])
        .map(send)
        .collect();
    for one in all {
        assert_eq!(one.await.unwrap(), 503);
        requests += 1;
    }
    let mut attempts = 0;
    for (name, ..) in CLUSTERS {
        attempts += failed_attempts(envoy, name).await;
    }
    (attempts, requests)
}

/// What Envoy knows of it: requests that were waiting for a connection which
/// failed.
async fn failed_attempts(envoy: &Envoy, cluster: &str) -> u64 {
    let name = format!("cluster.{cluster}.upstream_rq_pending_failure_eject");
    envoy.stat(&name).await.unwrap().unwrap()
}

async fn each_attempt_is_told_of_once(setup: Setup) {
    let pki = Pki::new();
    let servers = Servers::start(&pki).await;
    let envoy = start(setup, &servers, &pki).await;

    let (attempts, _) = fail(&envoy).await;

    assert_eq!(failed_attempts(&envoy, "thrice-alike").await, 9);
    assert_eq!(failed_attempts(&envoy, "multiplexed").await, 10);
    assert_eq!(failed_attempts(&envoy, "of-one-connection").await, 5);
    let mut of_clusters = Vec::new();
    for (name, ..) in CLUSTERS {
        of_clusters.push(failed_attempts(&envoy, name).await);
    }
    let events = exactly_failures(&envoy, usize::try_from(attempts).unwrap()).await;
    for ((name, ..), count) in CLUSTERS.into_iter().zip(of_clusters) {
        let told = events.iter().filter(|e| e["hopguard.cluster"] == name);
        assert_eq!(told.count() as u64, count, "{name}: {events:#?}");
    }
    for upstream in [&servers.closes, &servers.resets, &servers.expired] {
        assert_eq!(upstream.received(), b"");
    }
    assert_eq!(servers.good.requests().len(), 3);
}

#[tokio::test]
async fn a_failed_attempt_is_told_of_once_whichever_places_see_it() {
    for (cluster, upstream_log, request_log) in [
        (true, false, false),
        (false, true, false),
        (true, true, false),
        (true, false, true),
        (false, true, true),
        (true, true, true),
    ] {
        let places = Places {
            cluster,
            upstream_log,
            request_log,
        };
        each_attempt_is_told_of_once(Setup { places, ..USUAL }).await;
    }
}

#[tokio::test]
async fn it_is_told_of_once_by_any_worker() {
    each_attempt_is_told_of_once(Setup {
        workers: 2,
        ..USUAL
    })
    .await;
}

#[tokio::test]
async fn it_is_told_of_once_where_requests_have_no_id() {
    each_attempt_is_told_of_once(Setup {
        ids: false,
        ..USUAL
    })
    .await;
}

#[tokio::test]
async fn it_is_told_of_once_by_older_envoys() {
    for version in ["1.36.4", "1.37.0", "1.39.3"] {
        each_attempt_is_told_of_once(Setup {
            version: Some(version),
            ..USUAL
        })
        .await;
    }
}

#[tokio::test]
async fn it_is_told_of_once_where_requests_of_older_envoys_have_no_id() {
    for version in ["1.36.4", "1.37.0"] {
        each_attempt_is_told_of_once(Setup {
            version: Some(version),
            ids: false,
            ..USUAL
        })
        .await;
    }
}

#[tokio::test]
async fn the_log_of_requests_alone_tells_of_the_last_attempt_of_each() {
    let pki = Pki::new();
    let servers = Servers::start(&pki).await;
    let places = Places {
        cluster: false,
        upstream_log: false,
        request_log: true,
    };
    let envoy = start(Setup { places, ..USUAL }, &servers, &pki).await;

    let (attempts, requests) = fail(&envoy).await;

    assert!(attempts > requests);
    let events = exactly_failures(&envoy, usize::try_from(requests).unwrap()).await;
    assert!(events.iter().all(|e| e["hopguard.cluster"] != "at-last"));
}

/// VMs know nothing of each other.
#[tokio::test]
async fn each_vm_tells_of_what_it_sees() {
    crate::support::needs!(OwnMetricNames);
    let pki = Pki::new();
    let servers = Servers::start(&pki).await;
    let setup = Setup {
        one_vm: false,
        ..USUAL
    };
    let envoy = start(setup, &servers, &pki).await;

    let (attempts, requests) = fail(&envoy).await;

    let count = usize::try_from(2 * attempts + requests).unwrap();
    exactly_failures(&envoy, count).await;
}
