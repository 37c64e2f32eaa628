//! Responders that are away for a while: what is known serves on, what is not is
//! denied in time, and who asks again does so by a back-off.

use std::time::{Duration, Instant};

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route, UpstreamTls};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::revocation::{Known, OpensslResponder, Signing};
use hopguard_testbed::upstream::{PATIENCE, Reply};
use serde_json::json;

use super::{World, status, tls};
use crate::support::{events, exactly_events, filter, gist, merge, metric, start};

#[tokio::test]
async fn a_responder_that_hangs_costs_no_longer_than_the_policy_says() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let certificate = world.server();
    world.responder.set(&certificate, Known::Good);
    world.responder.server().hold_responses();
    let server = tls(&certificate).await;
    let mut policy = world.policy(&json!({}));
    merge(
        &mut policy["revocation"],
        json!({ "max_wait_ms": 200, "responders": [
            { "host": "ocsp.test", "cluster": "ocsp", "timeout_ms": 60_000 },
        ]}),
    );
    let envoy = world.envoy_before(&server, &policy).await;
    assert_eq!(status(&envoy, "/").await, 503);
    let events = exactly_events(&envoy, 1).await;
    assert_eq!(gist(&events[0])[1], "revocation_unreachable");
    // It comes back, and so does its client.
    world.responder.server().release_responses();
    until_served(&envoy, "/").await;
    assert_eq!(world.responder.requests(), 1);
}

/// A real `openssl ocsp` is killed, and comes back.
#[tokio::test]
async fn what_is_known_serves_on_and_what_is_not_waits_for_the_responder() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let database = world.responder.database();
    let signing = Signing::default();
    let mut bootstrap = Bootstrap::new();
    let mut listener = HttpListener::new("front");
    let guard = filter("upstream", &world.policy(&json!({})));
    let mut servers = Vec::new();
    for name in ["known", "new"] {
        // OpenSSL takes the whole path of a GET for the question.
        let url = "http://ocsp.test/";
        let certificate = world.pki.server("api.test").ocsp_url(url).issue();
        database.set(&certificate, Known::Good);
        let server = tls(&certificate).await;
        let tls = UpstreamTls::new().sni("api.test");
        let cluster = Cluster::new(name).endpoint(server.addr()).tls(tls);
        bootstrap = bootstrap.cluster(cluster.filter(guard.clone()));
        listener = listener.route(Route::prefix(&format!("/{name}"), name));
        servers.push(server);
    }
    let responder = OpensslResponder::start(database, &signing).await.unwrap();
    let address = responder.addr();
    let ocsp = Cluster::new("ocsp").endpoint(address);
    let envoy = start(bootstrap.http(listener).cluster(ocsp)).await;
    assert_eq!(status(&envoy, "/known").await, 200);

    drop(responder);
    assert_eq!(status(&envoy, "/new").await, 503);
    assert_eq!(status(&envoy, "/known").await, 200);
    // The one of Envoy's connection to the responder, the other of the server.
    let events = exactly_events(&envoy, 2).await;
    let mut causes: Vec<_> = events.iter().map(|event| gist(event)[1]).collect();
    causes.sort_unstable();
    assert_eq!(
        causes,
        ["connection_unestablished", "revocation_unreachable"]
    );
    assert_eq!(servers[1].received(), b"");

    let _responder = OpensslResponder::start_again(database, &signing, address)
        .await
        .unwrap();
    until_served(&envoy, "/new").await;
    assert_eq!(servers[1].requests().len(), 1);
}

/// The longest pause that a responder gets.
const PAUSE: Duration = Duration::from_secs(30);

/// Asks until it is served: denied until then.
async fn until_served(envoy: &Envoy, path: &str) {
    let started = Instant::now();
    loop {
        match status(envoy, path).await {
            200 => return,
            status => assert_eq!(status, 503),
        }
        assert!(started.elapsed() < PAUSE + PATIENCE, "it never comes back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Seconds after the first failure before which a worker asks no further time,
/// at the least: the pauses are of 1, 2, 5, 15 and 30 seconds, each counted from
/// the beginning of the second in which a failure came, so that it may be a
/// second shorter.
const NOT_BEFORE: [u64; 5] = [0, 1, 5, 19, 48];

/// However many ask, each worker bothers a responder that is away as often as
/// its back-off allows.
#[tokio::test]
async fn under_load_an_outage_costs_the_responder_little() {
    crate::support::needs!(PeerCertificate);
    const WORKERS: u32 = 4;
    let world = World::new().await;
    let certificate = world.server();
    world.responder.set(&certificate, Known::Good);
    world.responder.reply(&certificate, |_, _| Reply::close());
    let server = tls(&certificate).await;
    let policy = world.policy(&json!({}));
    let envoy = Envoy::builder()
        .config(world.before(&server, &policy))
        .concurrency(WORKERS)
        .start()
        .await
        .unwrap();
    let address = envoy.listener("front").await.unwrap();
    let started = Instant::now();
    let clients: Vec<_> = (0..32)
        .map(|_| {
            tokio::spawn(async move {
                let connection = Client::plaintext(address).connect().await.unwrap();
                let mut denied = 0;
                while started.elapsed() < Duration::from_secs(2) {
                    let response = connection.send(Request::get("/")).await.unwrap();
                    assert_eq!(response.status, 503);
                    denied += 1;
                }
                denied
            })
        })
        .collect();
    let mut denied = 0;
    for client in clients {
        denied += client.await.unwrap();
    }
    // Read before the clock is: what comes in between counts against us.
    let requests = world.responder.requests() as u64;
    let seconds = started.elapsed().as_secs() + 1;
    let retries = NOT_BEFORE.iter().filter(|after| **after < seconds).count() as u64;
    let bound = u64::from(WORKERS) * (1 + retries);
    assert!((1..=bound).contains(&requests), "{requests}, not {bound}");
    assert!(denied > 4 * bound, "{denied} is no load");
    assert_eq!(server.received(), b"");
    let told = metric(&envoy, &["decisions", "deny", "revocation_unreachable"]).await;
    assert_eq!(told, denied);
    let causes = events(&envoy);
    assert!(
        causes
            .iter()
            .all(|e| e["error.type"] == "revocation_unreachable")
    );

    // It is back, and served to all who come.
    world.responder.sign(&certificate, Signing::default());
    until_served(&envoy, "/").await;
}
