//! Bodies that come before the verdict wait as well.

use std::time::Duration;

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route, UpstreamTls};
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use crate::support::{exactly_events, gist, guarded_clusters, pending, plugin, policy, start};

const CHUNKED: &[u8] =
    b"POST /bad HTTP/1.1\r\nhost: api.test\r\ntransfer-encoding: chunked\r\n\r\n\
    6\r\nsecret\r\n";
const CONTENT_LENGTH: &[u8] =
    b"POST /bad HTTP/1.1\r\nhost: api.test\r\ncontent-length: 600\r\n\r\nsecret";
const EXPECT: &[u8] = b"POST /bad HTTP/1.1\r\nhost: api.test\r\ncontent-length: 6\r\n\
    expect: 100-continue\r\n\r\n";

/// The `upstream` role, in both ways that a plugin's headers can be stopped: with
/// `allow_on_headers_stop_iteration` (from Envoy 1.35 on) a plugin may have the
/// body come on while its headers wait.
fn guards(policy: &Value) -> [Value; 2] {
    [false, true].map(|allowed| {
        let option = json!({ "allow_on_headers_stop_iteration": allowed });
        plugin("upstream", policy).merge(option).http_filter()
    })
}

#[tokio::test]
async fn no_byte_of_a_body_reaches_a_denied_upstream() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    for guard in guards(&policy) {
        no_byte_of_a_body_passes(&pki, guard).await;
    }
}

async fn no_byte_of_a_body_passes(pki: &Pki, guard: Value) {
    let bad = pki.server("api.test").issuer(&pki.other).issue();
    let untrusted = Upstream::tls(&bad).start().await.unwrap();
    let plain = Upstream::plaintext().start().await.unwrap();
    let mut bootstrap = Bootstrap::new();
    for (name, upstream) in [("plain", &plain), ("untrusted", &untrusted)] {
        let cluster = Cluster::new(name).endpoint(upstream.addr());
        let cluster = match name {
            "plain" => cluster,
            _ => cluster.tls(UpstreamTls::new().sni("api.test")),
        };
        bootstrap = bootstrap.cluster(cluster.filter(guard.clone()));
        for (suffix, passes_on) in [("", false), ("-100", true)] {
            bootstrap = bootstrap.http(
                HttpListener::new(&format!("{name}{suffix}"))
                    .manager(json!({ "proxy_100_continue": passes_on }))
                    .route(Route::all(name)),
            );
        }
    }
    let envoy = start(bootstrap).await;

    let mut denied = 0;
    for (listener, request) in [
        ("plain", CHUNKED),
        ("plain", CONTENT_LENGTH),
        ("plain", EXPECT),
        ("plain-100", EXPECT),
        ("untrusted", CHUNKED),
        ("untrusted", CONTENT_LENGTH),
        ("untrusted", EXPECT),
        ("untrusted-100", EXPECT),
    ] {
        let address = envoy.listener(listener).await.unwrap();
        let mut raw = Client::plaintext(address).raw().await.unwrap();
        // The answer comes though the body never ends.
        raw.write(request).await.unwrap();
        let mut head = raw.read_until(b"\r\n\r\n").await.unwrap();
        if head.starts_with(b"HTTP/1.1 100 ") {
            // By Envoy itself, before any upstream is asked.
            assert!(!listener.ends_with("-100"));
            head = raw.read_until(b"\r\n\r\n").await.unwrap();
        }
        assert!(
            head.starts_with(b"HTTP/1.1 503 "),
            "{listener}: {}",
            String::from_utf8_lossy(&head)
        );
        denied += 1;
    }

    assert_eq!(plain.raw_received(), b"");
    assert_eq!(untrusted.received(), b"");
    let events = exactly_events(&envoy, denied).await;
    let causes: Vec<_> = events.iter().map(|e| gist(e)[1]).collect();
    assert_eq!(causes[..denied / 2], ["plaintext"; 4]);
    assert_eq!(causes[denied / 2..], ["certificate_unknown_issuer"; 4]);
}

#[tokio::test]
async fn a_body_that_waited_arrives_whole() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    for guard in guards(&policy) {
        a_body_waits(&pki, guard).await;
    }
}

async fn a_body_waits(pki: &Pki, guard: Value) {
    let upstream = Upstream::tls(&pki.server("api.test").issue())
        .held()
        .start()
        .await
        .unwrap();
    let cluster = Cluster::new("backend")
        .filter(guard)
        .endpoint(upstream.addr())
        .tls(UpstreamTls::new().sni("api.test"))
        .connect_timeout(Duration::from_secs(60));
    let listener = HttpListener::new("front").route(Route::all("backend"));
    let envoy = start(Bootstrap::new().http(listener).cluster(cluster)).await;
    let address = envoy.listener("front").await.unwrap();

    // More than Envoy keeps for a stream (1 MiB): it stops reading meanwhile.
    let body: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    for http2 in [false, true] {
        upstream.hold();
        let client = Client::plaintext(address);
        let client = if http2 { client.http2() } else { client };
        let request = Request::post("/large", body.clone());
        let request = tokio::spawn(async move { client.send(request).await });
        pending(&envoy, 1).await;
        assert_eq!(upstream.received(), b"");
        upstream.release();

        assert_eq!(request.await.unwrap().unwrap().status, 200);
        assert!(upstream.requests()[0].body == body, "http2: {http2}");
        // The next one needs a new connection.
        upstream.hang_up();
        envoy
            .wait_for_stat("cluster.backend.upstream_cx_active", |n| n == 0)
            .await
            .unwrap();
        upstream.clear();
    }
    exactly_events(&envoy, 0).await;
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_body_leaves_the_client_usable() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let good = Upstream::tls(&pki.server("api.test").issue())
        .start()
        .await
        .unwrap();
    let plain = Upstream::plaintext().start().await.unwrap();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let tls = UpstreamTls::new().sni("api.test");
    let clusters = [
        (
            "good".to_owned(),
            Cluster::new("good").endpoint(good.addr()).tls(tls),
        ),
        (
            "plain".to_owned(),
            Cluster::new("plain").endpoint(plain.addr()),
        ),
    ];
    let envoy = guarded_clusters(clusters, &policy, |route| route).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap()).http2();

    let connection = client.connect().await.unwrap();
    for _ in 0..2 {
        let body = vec![b'x'; 100_000];
        let denied = connection.send(Request::post("/plain", body.clone()));
        assert_eq!(denied.await.unwrap().status, 503);
        let allowed = connection.send(Request::post("/good", body)).await.unwrap();
        assert_eq!(allowed.status, 200);
    }
    assert_eq!(plain.raw_received(), b"");
    assert_eq!(good.requests().len(), 2);
}
