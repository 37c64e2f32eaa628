//! Revocation by OCSP (V9.2.4): `openssl ocsp` answers, on both sides of Envoy.

use std::time::Duration;

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, TcpListener, UpstreamTls,
};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::{Issued, Pki};
use hopguard_testbed::upstream::{Fault, Reply, Upstream};
use serde_json::{Value, json};

use crate::support::ocsp::{Known, Responder, response};
use crate::support::{
    events, exactly_events, filter, gist, merge, metric_is, plugin, policy, start,
};

const URL: &str = "http://ocsp.test/ca";

/// A PKI whose issuing CA has a responder.
struct World {
    pki: Pki,
    responder: Responder,
}

impl World {
    async fn new() -> Self {
        let pki = Pki::new();
        let responder = Responder::start(&pki.intermediate).await;
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
                "revocation": { "responders": [{ "host": "ocsp.test", "cluster": "ocsp" }] },
                "upstream": rule,
                "downstream": rule,
            }),
        )
    }

    fn responder_cluster(&self) -> Cluster {
        Cluster::new("ocsp").endpoint(self.responder.addr())
    }

    /// An Envoy whose plaintext listener `front` leads to this server, which the
    /// role `upstream` judges.
    async fn before(&self, server: &Upstream, policy: &Value) -> Envoy {
        let tls = UpstreamTls::new().sni("api.test");
        let cluster = Cluster::new("backend").endpoint(server.addr()).tls(tls);
        let listener = HttpListener::new("front").route(Route::all("backend"));
        start(
            Bootstrap::new()
                .http(listener)
                .cluster(cluster.filter(filter("upstream", policy)))
                .cluster(self.responder_cluster()),
        )
        .await
    }
}

async fn tls(certificate: &Issued) -> Upstream {
    Upstream::tls(certificate).start().await.unwrap()
}

async fn status(envoy: &Envoy, path: &str) -> u16 {
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    client.get(path).await.unwrap().status
}

#[tokio::test]
async fn a_good_server_is_asked_about_once() {
    let world = World::new().await;
    let certificate = world.server();
    world.responder.set(&certificate, Known::Good);
    let server = tls(&certificate).await;
    let envoy = world.before(&server, &world.policy(&json!({}))).await;
    for n in 0..3 {
        assert_eq!(status(&envoy, &format!("/{n}")).await, 200);
        server.hang_up();
    }
    exactly_events(&envoy, 0).await;
    assert_eq!(world.responder.requests(), 1);
    let request = &world.responder.server().requests()[0];
    assert_eq!(request.authority, "ocsp.test");
}

#[tokio::test]
async fn a_revoked_server_gets_no_byte_whatever_the_rule_allows() {
    let world = World::new().await;
    let certificate = world.server();
    world.responder.set(&certificate, Known::Revoked);
    let server = tls(&certificate).await;
    let lenient = json!({
        "unknown": "allow", "no_source": "allow", "unreachable": "allow",
        "invalid": "allow", "stale": "allow",
    });
    let envoy = world.before(&server, &world.policy(&lenient)).await;
    for _ in 0..2 {
        assert_eq!(status(&envoy, "/secret").await, 503);
    }
    assert_eq!(server.received(), b"");
    for event in exactly_events(&envoy, 2).await {
        let expected = ["hopguard.denied", "certificate_revoked", "V9.2.4", "live"];
        assert_eq!(gist(&event), expected);
    }
    assert_eq!(world.responder.requests(), 1);
}

/// Each kind of trouble, denied by default and allowed by name alone.
#[tokio::test]
async fn trouble_denies_unless_the_rule_names_it() {
    type Spoil = Box<dyn Fn(&Responder)>;
    let spoil = |make: fn(Vec<u8>) -> Reply| -> Spoil { Box::new(move |r| r.spoil(make)) };
    let cases: Vec<(&str, &str, Spoil)> = vec![
        ("unknown", "revocation_unknown", Box::new(|_| ())),
        (
            "unreachable",
            "revocation_unreachable",
            spoil(|_| Reply::status(500)),
        ),
        (
            "unreachable",
            "revocation_unreachable",
            spoil(|_| Reply::status(302).header("location", "http://elsewhere.test/")),
        ),
        (
            "unreachable",
            "revocation_unreachable",
            spoil(|_| Reply::close()),
        ),
        // tryLater
        (
            "unreachable",
            "revocation_unreachable",
            spoil(|_| response(b"\x30\x03\x0a\x01\x03".to_vec())),
        ),
        (
            "invalid",
            "revocation_invalid",
            spoil(|der| Reply::ok(der).header("content-type", "text/html")),
        ),
        (
            "invalid",
            "revocation_invalid",
            spoil(|_| response(b"no answer".to_vec())),
        ),
        (
            "invalid",
            "revocation_invalid",
            spoil(|der| response(der[..der.len() - 1].to_vec())),
        ),
        (
            "invalid",
            "revocation_invalid",
            spoil(|mut der| {
                // The last byte is of the signature.
                *der.last_mut().unwrap() ^= 1;
                response(der)
            }),
        ),
        (
            "invalid",
            "revocation_invalid",
            spoil(|_| response(vec![0x30; 10 << 20])),
        ),
    ];
    for (trouble, cause, spoil) in cases {
        let world = World::new().await;
        let certificate = world.server();
        if trouble != "unknown" {
            world.responder.set(&certificate, Known::Good);
        }
        spoil(&world.responder);
        let server = tls(&certificate).await;
        let envoy = world.before(&server, &world.policy(&json!({}))).await;
        assert_eq!(status(&envoy, "/secret").await, 503, "{cause}");
        assert_eq!(server.received(), b"", "{cause}");
        let events = exactly_events(&envoy, 1).await;
        assert_eq!(
            gist(&events[0]),
            ["hopguard.denied", cause, "V9.2.4", "live"]
        );

        let allowing = world.policy(&json!({ trouble: "allow" }));
        let envoy = world.before(&server, &allowing).await;
        for _ in 0..2 {
            assert_eq!(status(&envoy, "/secret").await, 200, "{cause}");
        }
        // Told of once, and counted each time.
        metric_is(&envoy, &[".warnings", &format!("{cause};")], 2).await;
        let events = exactly_events(&envoy, 1).await;
        assert_eq!(
            gist(&events[0]),
            ["hopguard.warning", cause, "V9.2.4", "live"]
        );
    }
}

#[tokio::test]
async fn a_responder_that_nobody_named_is_never_asked() {
    let world = World::new().await;
    let elsewhere = format!("http://{}/", world.responder.addr());
    for builder in [
        world.pki.server("api.test"),
        world.pki.server("api.test").ocsp_url(&elsewhere),
        world.pki.server("api.test").ocsp_url("https://ocsp.test/"),
    ] {
        let server = tls(&builder.issue()).await;
        let envoy = world.before(&server, &world.policy(&json!({}))).await;
        assert_eq!(status(&envoy, "/").await, 503);
        assert_eq!(server.received(), b"");
        let events = exactly_events(&envoy, 1).await;
        let expected = ["hopguard.denied", "revocation_no_source", "V9.2.4", "live"];
        assert_eq!(gist(&events[0]), expected);
    }
    assert_eq!(world.responder.requests(), 0);
}

#[tokio::test]
async fn a_responder_that_hangs_costs_no_longer_than_the_policy_says() {
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
    let envoy = world.before(&server, &policy).await;
    assert_eq!(status(&envoy, "/").await, 503);
    let events = exactly_events(&envoy, 1).await;
    assert_eq!(gist(&events[0])[1], "revocation_unreachable");
    // It comes back, and so does its client.
    world.responder.server().release_responses();
    let ok = async {
        while status(&envoy, "/").await != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ok)
        .await
        .unwrap();
}

#[tokio::test]
async fn many_first_contacts_make_one_request() {
    let world = World::new().await;
    let certificate = world.server();
    world.responder.set(&certificate, Known::Good);
    world.responder.server().hold_responses();
    let server = tls(&certificate).await;
    let envoy = world.before(&server, &world.policy(&json!({}))).await;
    let listener = envoy.listener("front").await.unwrap();
    let requests: Vec<_> = (0..100)
        .map(|n| {
            tokio::spawn(async move {
                let client = Client::plaintext(listener);
                client.get(&format!("/{n}")).await.unwrap().status
            })
        })
        .collect();
    crate::support::pending(&envoy, 100).await;
    world.responder.server().release_responses();
    for request in requests {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert_eq!(world.responder.requests(), 1);
}

/// Four workers and both roles of a process ask as one.
#[tokio::test]
async fn workers_ask_as_one() {
    let world = World::new().await;
    let certificate = world.server();
    world.responder.set(&certificate, Known::Good);
    world.responder.server().hold_responses();
    let server = tls(&certificate).await;
    let policy = world.policy(&json!({}));
    let tls = UpstreamTls::new().sni("api.test");
    let cluster = Cluster::new("backend").endpoint(server.addr()).tls(tls);
    let listener = HttpListener::new("front").route(Route::all("backend"));
    let envoy = Envoy::builder()
        .config(
            Bootstrap::new()
                .http(listener)
                .cluster(cluster.filter(filter("upstream", &policy)))
                .cluster(world.responder_cluster()),
        )
        .concurrency(4)
        .start()
        .await
        .unwrap();
    let address = envoy.listener("front").await.unwrap();
    let requests: Vec<_> = (0..1_000)
        .map(|n| {
            tokio::spawn(async move {
                let client = Client::plaintext(address);
                client.get(&format!("/{n}")).await.unwrap().status
            })
        })
        .collect();
    crate::support::pending(&envoy, 1_000).await;
    world.responder.server().release_responses();
    for request in requests {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert_eq!(world.responder.requests(), 1);
    exactly_events(&envoy, 0).await;
}

#[tokio::test]
async fn must_staple_makes_an_answer_mandatory_where_no_rule_asks_for_it() {
    let world = World::new().await;
    let mut policy = world.policy(&json!({}));
    policy["upstream"][0]["require"]["peer_certificate"]
        .as_object_mut()
        .unwrap()
        .remove("revocation");
    for (builder, expected) in [
        (world.pki.server("api.test"), 200),
        (world.pki.server("api.test").must_staple(), 503),
        (
            world.pki.server("api.test").must_staple().ocsp_url(URL),
            200,
        ),
    ] {
        let certificate = builder.issue();
        world.responder.set(&certificate, Known::Good);
        let server = tls(&certificate).await;
        let envoy = world.before(&server, &policy).await;
        let name = certificate.serial_hex();
        assert_eq!(
            status(&envoy, "/").await,
            expected,
            "{name} {:#?}",
            events(&envoy)
        );
    }
}

#[tokio::test]
async fn clients_are_asked_about_before_their_request_goes_on() {
    let world = World::new().await;
    let backend = Upstream::plaintext().start().await.unwrap();
    let policy = world.policy(&json!({}));
    let own = world.pki.server("envoy.test").issue();
    let listener = HttpListener::new("front")
        .tls(DownstreamTls::new(&own).accept_any_client())
        .filter(filter("downstream", &policy))
        .route(Route::all("backend"));
    let envoy = start(
        Bootstrap::new()
            .http(listener)
            .cluster(Cluster::new("backend").endpoint(backend.addr()))
            .cluster(world.responder_cluster()),
    )
    .await;
    let address = envoy.listener("front").await.unwrap();
    let client = |name: &str| world.pki.client(name).ocsp_url(URL).issue();
    let (good, revoked, unknown) = (client("good"), client("revoked"), client("unknown"));
    world.responder.set(&good, Known::Good);
    world.responder.set(&revoked, Known::Revoked);
    for (certificate, status) in [(&good, 200), (&revoked, 403), (&unknown, 403)] {
        let client = Client::tls(address).certificate(certificate);
        let connection = client.connect().await.unwrap();
        for _ in 0..2 {
            let response = connection
                .send(hopguard_testbed::client::Request::get("/"))
                .await
                .unwrap();
            assert_eq!(response.status, status);
        }
    }
    assert_eq!(backend.requests().len(), 2);
    assert_eq!(world.responder.requests(), 3);
    let causes: Vec<_> = exactly_events(&envoy, 4).await;
    let causes: Vec<_> = causes.iter().map(|e| gist(e)[1].to_owned()).collect();
    let (revoked, unknown) = ("certificate_revoked", "revocation_unknown");
    assert_eq!(causes, [revoked, revoked, unknown, unknown]);
}

#[tokio::test]
async fn tcp_waits_for_the_answer_about_its_server() {
    let world = World::new().await;
    let (good, revoked) = (world.server(), world.server());
    world.responder.set(&good, Known::Good);
    world.responder.set(&revoked, Known::Revoked);
    let mut policy = world.policy(&json!({}));
    policy["downstream"] = json!([{
        "name": "local",
        "waive": [{ "controls": ["V9.2.1", "V9.2.2", "V9.2.3"], "reason": "r", "until": "2099-12-31" }],
    }]);
    for (certificate, expected) in [(&good, &b"hello"[..]), (&revoked, b"")] {
        let server = Upstream::tls(certificate).tcp_echo().start().await.unwrap();
        let tls = UpstreamTls::new().sni("api.test");
        let guard = plugin("network", &policy).network_filter();
        let envoy = start(
            Bootstrap::new()
                .tcp(TcpListener::new("front", "backend").filter(guard))
                .cluster(Cluster::new("backend").endpoint(server.addr()).tls(tls))
                .cluster(world.responder_cluster()),
        )
        .await;
        let client = Client::plaintext(envoy.listener("front").await.unwrap());
        let mut connection = client.raw().await.unwrap();
        connection.write(b"hello").await.unwrap();
        connection.half_close().await.unwrap();
        assert_eq!(connection.read_to_end().await.unwrap().bytes, expected);
        assert_eq!(server.received(), expected);
        assert_eq!(crate::support::metric(&envoy, &["gate_pending"]).await, 0);
    }
}

/// A responder behind TLS that fails is a failed connection of our own.
#[tokio::test]
async fn a_responder_that_cannot_be_reached_is_told_of() {
    let world = World::new().await;
    let certificate = world.server();
    let server = tls(&certificate).await;
    let broken = Upstream::tls(&certificate)
        .fault(Fault::Reset)
        .start()
        .await
        .unwrap();
    let policy = world.policy(&json!({}));
    let tls = UpstreamTls::new().sni("api.test");
    let envoy = start(
        Bootstrap::new()
            .http(HttpListener::new("front").route(Route::all("backend")))
            .cluster(
                Cluster::new("backend")
                    .endpoint(server.addr())
                    .tls(tls.clone())
                    .filter(filter("upstream", &policy)),
            )
            .cluster(Cluster::new("ocsp").endpoint(broken.addr()).tls(tls)),
    )
    .await;
    assert_eq!(status(&envoy, "/").await, 503);
    let mut causes: Vec<_> = exactly_events(&envoy, 2)
        .await
        .iter()
        .map(|e| format!("{} {}", gist(e)[1], e["hopguard.cluster"]))
        .collect();
    causes.sort();
    let expected = [
        "connection_unestablished \"ocsp\"",
        "revocation_unreachable \"backend\"",
    ];
    assert_eq!(causes, expected);
}
