//! Answers that end: the next one is fetched before, and counts at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use hopguard_testbed::client::{Client, Connection, Request};
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route, UpstreamTls};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Issued;
use hopguard_testbed::revocation::{Answer, Known, Signing, Status, response};
use hopguard_testbed::upstream::{PATIENCE, Upstream};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{URL, World, all_pending};
use crate::support::{exactly_events, filter, gist, start};

impl World {
    /// The responder's first answer about this certificate is that it is good
    /// for so many seconds; those after it are what its CA knows, for a day.
    fn good_at_first(&self, certificate: &Issued, seconds: u64) {
        self.responder.set(certificate, Known::Good);
        let (ca, certificate) = (self.pki.intermediate.clone(), certificate.clone());
        let first = AtomicBool::new(true);
        self.responder
            .reply(&certificate.clone(), move |database, question| {
                if first.swap(false, Ordering::Relaxed) {
                    let now = SystemTime::now();
                    let answer = Answer::new(&ca, &certificate, Status::Good).validity(
                        now - Duration::from_secs(3_600),
                        now + Duration::from_secs(seconds),
                    );
                    return response(answer.sign().unwrap());
                }
                let signing = Signing::default();
                response(database.answer(&question.der, &signing).unwrap())
            });
    }

    fn policy_without_skew(&self) -> Value {
        let mut policy = self.policy(&json!({}));
        policy["clock_skew_seconds"] = json!(0);
        policy
    }
}

/// Asks until the responder's second answer is with Envoy, and once more: that
/// request is the next one after it. Nothing was denied before.
async fn until_denied(envoy: &Envoy, connection: &Connection, denied: u16) -> usize {
    let mut served = 0;
    let started = Instant::now();
    loop {
        let answers = envoy.stat("cluster.ocsp.upstream_rq_200").await.unwrap();
        let status = connection.send(Request::get("/")).await.unwrap().status;
        if status == denied {
            return served;
        }
        assert_eq!(status, 200);
        assert!(
            answers < Some(2),
            "served after the answer that it is revoked"
        );
        assert!(started.elapsed() < PATIENCE, "never asked again");
        served += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Without a restart, and on connections that are there: of HTTP/1.1, and the
/// next stream of HTTP/2.
#[tokio::test]
async fn a_server_that_is_revoked_later_gets_no_further_request() {
    crate::support::needs!(PeerCertificate);
    for http2 in [false, true] {
        let world = World::new().await;
        let certificate = world.server();
        world.good_at_first(&certificate, 4);
        let server = Upstream::tls(&certificate);
        let server = if http2 { server.http2() } else { server };
        let server = server.start().await.unwrap();
        let tls = UpstreamTls::new().sni("api.test");
        let cluster = Cluster::new("backend").endpoint(server.addr()).tls(tls);
        let cluster = if http2 { cluster.http2() } else { cluster };
        let guard = filter("upstream", &world.policy_without_skew());
        let envoy = start(
            Bootstrap::new()
                .http(HttpListener::new("front").route(Route::all("backend")))
                .cluster(cluster.filter(guard))
                .cluster(world.responder_cluster()),
        )
        .await;
        let client = Client::plaintext(envoy.listener("front").await.unwrap());
        let client = if http2 { client.http2() } else { client };
        let connection = client.connect().await.unwrap();
        let first = connection.send(Request::get("/")).await.unwrap();
        assert_eq!(first.status, 200);
        world.responder.set(&certificate, Known::Revoked);
        let served = until_denied(&envoy, &connection, 503).await;
        assert_eq!(server.connections(), 1);
        for _ in 0..2 {
            let next = connection.send(Request::get("/")).await.unwrap();
            assert_eq!(next.status, 503);
        }
        assert_eq!(server.requests().len(), 1 + served);
        assert_eq!(world.responder.requests(), 2);
        for event in exactly_events(&envoy, 3).await {
            let expected = ["hopguard.denied", "certificate_revoked", "V9.2.4", "live"];
            assert_eq!(gist(&event), expected);
        }
    }
}

#[tokio::test]
async fn a_client_that_is_revoked_later_gets_no_further_answer() {
    crate::support::needs!(PeerCertificate);
    for http2 in [false, true] {
        let world = World::new().await;
        let certificate = world.pki.client("client").ocsp_url(URL).issue();
        world.good_at_first(&certificate, 4);
        let backend = Upstream::plaintext().start().await.unwrap();
        let tls = world.any_client();
        let tls = if http2 { tls.alpn(&["h2"]) } else { tls };
        let policy = world.policy_without_skew();
        let envoy = world.envoy_behind(tls, &backend, &policy).await;
        let address = envoy.listener("front").await.unwrap();
        let client = Client::tls(address).certificate(&certificate);
        let client = if http2 { client.http2() } else { client };
        let connection = client.connect().await.unwrap();
        let first = connection.send(Request::get("/")).await.unwrap();
        assert_eq!(first.status, 200);
        world.responder.set(&certificate, Known::Revoked);
        let served = until_denied(&envoy, &connection, 403).await;
        assert_eq!(backend.requests().len(), 1 + served);
        assert_eq!(world.responder.requests(), 2);
        let events = exactly_events(&envoy, 1).await;
        let expected = ["hopguard.denied", "certificate_revoked", "V9.2.4", "live"];
        assert_eq!(gist(&events[0]), expected);
    }
}

/// While the next answer is awaited, the one that is known serves, in all
/// workers, and only one of them asks.
#[tokio::test]
async fn under_load_one_worker_asks_for_all() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let certificate = world.server();
    // It is asked for again when three of these seconds are over, and ends with
    // the sixth.
    world.good_at_first(&certificate, 6);
    let server = super::tls(&certificate).await;
    let policy = world.policy_without_skew();
    let envoy = Envoy::builder()
        .config(world.before(&server, &policy))
        .concurrency(4)
        .start()
        .await
        .unwrap();
    assert_eq!(super::status(&envoy, "/").await, 200);
    let responder = world.responder.server();
    responder.hold_responses();

    let load = Load::start(envoy.listener("front").await.unwrap(), 32);
    responder
        .wait_for(|seen| seen.requests.len() == 2)
        .await
        .unwrap();
    // The answer that is known ends while the next one is held back: then, all
    // of them wait, and for the same one.
    all_pending(&envoy, 32).await;
    assert_eq!(world.responder.requests(), 2);
    responder.release_responses();
    let counted = server.requests().len();
    server
        .wait_for(|seen| seen.requests.len() > counted + 400)
        .await
        .unwrap();
    load.stop().await;
    assert_eq!(world.responder.requests(), 2);
    exactly_events(&envoy, 0).await;
}

/// Clients that ask, one request after the other, until they are stopped.
struct Load {
    clients: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
}

impl Load {
    fn start(address: SocketAddr, clients: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let clients = (0..clients)
            .map(|_| {
                let stop = Arc::clone(&stop);
                tokio::spawn(async move {
                    let connection = Client::plaintext(address).connect().await.unwrap();
                    while !stop.load(Ordering::Relaxed) {
                        let response = connection.send(Request::get("/")).await.unwrap();
                        assert_eq!(response.status, 200);
                    }
                })
            })
            .collect();
        Self { clients, stop }
    }

    async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.unwrap();
        }
    }
}
