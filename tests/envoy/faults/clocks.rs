//! Certificates that end while they serve.

use std::time::{Duration, Instant, SystemTime};

use hopguard_testbed::client::{Client, Connection, Request};
use hopguard_testbed::config::{Bootstrap, Cluster, DownstreamTls, HttpListener, Route};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use super::{backend, client};
use crate::support::{exactly_events, filter, gist, guarded_cluster, metric, policy, start};

/// Long enough for an Envoy to start and to serve, on a slow machine too: should it
/// not be, the first request says so.
const LIFE: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_secs(60);

fn strict(pki: &Pki, fields: Value) -> Value {
    let mut policy = policy(pki, fields);
    policy["clock_skew_seconds"] = json!(0);
    policy
}

/// The last second of a certificate that is issued now.
fn end() -> SystemTime {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    SystemTime::UNIX_EPOCH + Duration::from_secs(now) + LIFE
}

/// Nothing is served that was asked for after the last second. A worker that is busy
/// with counters looks at the clock as often as it tells of them, each 100 ms; ten
/// times that, for a slow machine.
fn assert_in_time(asked: SystemTime, end: SystemTime) {
    let late = asked.duration_since(end + Duration::from_secs(1));
    let late = late.unwrap_or_default();
    assert!(late < Duration::from_secs(1), "{late:?}");
}

/// Asks until it is denied, with this status: neither before the end nor later.
/// Returns how often it was served.
async fn serves_to_the_end(connection: &Connection, end: SystemTime, denied: u16) -> usize {
    let started = Instant::now();
    let mut served = 0;
    loop {
        let before = SystemTime::now();
        let response = connection.send(Request::post("/", "secret")).await.unwrap();
        if response.status == denied {
            break;
        }
        assert_eq!(response.status, 200);
        served += 1;
        assert_in_time(before, end);
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(SystemTime::now() >= end, "denied while it was valid");
    assert!(served > 0, "it had ended before the first request");
    served
}

/// Of a server, on a connection that stays open, and whose verdict is remembered.
#[tokio::test]
async fn a_server_certificate_that_ends_ends_what_was_decided_by_it() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let now = SystemTime::now();
    let end = end();
    let certificate = pki.server("api.test").validity(now - LIFE, end).issue();
    let upstream = Upstream::tls(&certificate).start().await.unwrap();
    let policy = strict(&pki, json!({ "default_trust_stores": ["ca"] }));
    let envoy = guarded_cluster(backend(&upstream), &policy).await;
    let client = client(&envoy).await;
    let connection = client.connect().await.unwrap();

    let served = serves_to_the_end(&connection, end, 503).await;
    for _ in 0..3 {
        let again = client.send(Request::post("/", "secret")).await.unwrap();
        assert_eq!(again.status, 503);
    }

    assert_eq!(upstream.requests().len(), served);
    assert_told(&envoy, "default", 4).await;
    assert_eq!(metric(&envoy, &["gate_pending"]).await, 0);
}

/// First that it ends soon, then that it has ended, so many times.
async fn assert_told(envoy: &Envoy, rule: &str, denied: usize) {
    let events = exactly_events(envoy, 1 + denied).await;
    let near = [
        "hopguard.warning",
        "certificate_near_expiry",
        "V9.2.1",
        rule,
    ];
    assert_eq!(gist(&events[0]), near);
    for event in &events[1..] {
        let expected = ["hopguard.denied", "certificate_expired", "V9.2.1", rule];
        assert_eq!(gist(event), expected, "{event}");
    }
}

/// Of a client, whose connection stays open.
#[tokio::test]
async fn a_client_certificate_that_ends_ends_what_was_decided_by_it() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let now = SystemTime::now();
    let end = end();
    let certificate = pki.client("web").validity(now - LIFE, end).issue();
    let upstream = Upstream::plaintext().start().await.unwrap();
    let peer = json!({ "trust_stores": ["ca"], "names": "any" });
    let rule = json!([{ "name": "clients", "require": { "peer_certificate": peer } }]);
    let policy = strict(&pki, json!({ "downstream": rule }));
    let own = pki.server("api.test").issue();
    let listener = HttpListener::new("front")
        .tls(DownstreamTls::new(&own).accept_any_client())
        .filter(filter("downstream", &policy))
        .route(Route::all("backend"));
    let cluster = Cluster::new("backend").endpoint(upstream.addr());
    let envoy = start(Bootstrap::new().http(listener).cluster(cluster)).await;
    let client = Client::tls(envoy.listener("front").await.unwrap()).certificate(&certificate);
    let connection = client.connect().await.unwrap();

    let served = serves_to_the_end(&connection, end, 403).await;

    assert_eq!(upstream.requests().len(), served);
    assert_told(&envoy, "clients", 1).await;
    // Another client of the same Envoy is well.
    let good = pki.client("web").issue();
    let other = Client::tls(envoy.listener("front").await.unwrap()).certificate(&good);
    assert_eq!(other.get("/").await.unwrap().status, 200);
}
