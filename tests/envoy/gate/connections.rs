//! Connections of all kinds: pooled, shared by streams, mixed in a cluster,
//! replaced, resumed.

use hopguard_testbed::TlsVersion;
use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{Cluster, UpstreamTls};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use crate::support::{exactly_events, gist, guarded_cluster, guarded_clusters, metric, policy};

const STREAMS: usize = 100;

fn trusting(pki: &Pki) -> Value {
    policy(pki, json!({ "default_trust_stores": ["ca"] }))
}

/// The statuses of so many requests at once on one HTTP/2 connection.
async fn at_once(envoy: &Envoy, path: &str, count: usize) -> Vec<u16> {
    let client = Client::plaintext(envoy.listener("front").await.unwrap()).http2();
    let connection = std::sync::Arc::new(client.connect().await.unwrap());
    let requests: Vec<_> = (0..count)
        .map(|_| {
            let connection = std::sync::Arc::clone(&connection);
            let request = Request::post(path, "secret");
            tokio::spawn(async move { connection.send(request).await.unwrap().status })
        })
        .collect();
    let mut statuses = Vec::new();
    for request in requests {
        statuses.push(request.await.unwrap());
    }
    statuses
}

/// Whether there is a stream in what a server received of an HTTP/2
/// connection: a frame (RFC 9113, section 4.1) other than the connection's own.
fn has_http2_streams(received: &[u8]) -> bool {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut rest = received.strip_prefix(PREFACE).unwrap_or(received);
    while let [a, b, c, _, _, s1, s2, s3, s4, tail @ ..] = rest {
        if [*s1, *s2, *s3, *s4] != [0; 4] {
            return true;
        }
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        rest = tail.get(length..).unwrap_or_default();
    }
    !rest.is_empty()
}

#[tokio::test]
async fn all_streams_of_an_http2_connection_are_judged() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let good = pki.server("api.test").issue();
    let bad = pki.server("api.test").issuer(&pki.other).issue();
    let trusted = Upstream::tls(&good).http2().start().await.unwrap();
    let untrusted = Upstream::tls(&bad).http2().start().await.unwrap();
    let plain = Upstream::plaintext().http2().start().await.unwrap();
    let tls = UpstreamTls::new().sni("api.test").alpn(&["h2"]);
    let of = |name: &str, upstream: &Upstream| {
        let cluster = Cluster::new(name).endpoint(upstream.addr()).http2();
        (name.to_owned(), cluster)
    };
    let [trusted_cluster, untrusted_cluster] = [("trusted", &trusted), ("untrusted", &untrusted)]
        .map(|(name, upstream)| {
            let (name, cluster) = of(name, upstream);
            (name, cluster.tls(tls.clone()))
        });
    let clusters = [trusted_cluster, untrusted_cluster, of("plain", &plain)];
    let envoy = guarded_clusters(clusters, &trusting(&pki), |route| route).await;

    // The pool is cold, then warm.
    for round in 1..=2 {
        assert_eq!(at_once(&envoy, "/trusted", STREAMS).await, [200; STREAMS]);
        assert_eq!(at_once(&envoy, "/untrusted", STREAMS).await, [503; STREAMS]);
        assert_eq!(at_once(&envoy, "/plain", STREAMS).await, [503; STREAMS]);
        assert_eq!(trusted.requests().len(), round * STREAMS);
    }

    for (upstream, cause) in [
        (&untrusted, "certificate_unknown_issuer"),
        (&plain, "plaintext"),
    ] {
        assert!(upstream.received().starts_with(b"PRI * HTTP/2.0"));
        assert!(!has_http2_streams(&upstream.received()), "{cause}");
        let denied = metric(&envoy, &["decisions", "verdict.=.deny", cause]).await;
        assert_eq!(denied, 2 * STREAMS as u64);
    }
    assert!(has_http2_streams(&trusted.received()));
    let told = metric(&envoy, &["events"]).await;
    assert_eq!(told, 4 * STREAMS as u64);
}

#[tokio::test]
async fn each_request_of_a_mixed_cluster_is_judged_by_its_own_endpoint() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let secure = Upstream::tls(&pki.server("api.test").issue())
        .start()
        .await
        .unwrap();
    let plain = Upstream::plaintext().start().await.unwrap();
    let tls = UpstreamTls::new().sni("api.test");
    let cluster = Cluster::new("backend")
        .endpoint_of_kind(secure.addr(), "tls")
        .endpoint_of_kind(plain.addr(), "plain")
        .socket_match("tls", Some(&tls))
        .socket_match("plain", None);
    let envoy = guarded_cluster(cluster, &trusting(&pki)).await;

    // Round robin: half of them, whatever the order. Cold pools, then warm.
    for _ in 0..2 {
        let mut statuses = at_once(&envoy, "/", 20).await;
        statuses.sort_unstable();
        assert_eq!(statuses, [[200; 10], [503; 10]].concat());
    }
    assert_eq!(secure.requests().len(), 20);
    assert_eq!(plain.raw_received(), b"");
    assert_eq!(metric(&envoy, &["decisions", "plaintext"]).await, 20);
}

#[tokio::test]
async fn a_connection_after_a_rotation_is_judged_anew() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let good = pki.server("api.test").issue();
    let bad = pki.server("api.test").issuer(&pki.other).issue();
    for versions in [TlsVersion::V1_2, TlsVersion::V1_3] {
        let upstream = Upstream::tls(&good).start().await.unwrap();
        let cluster = Cluster::new("backend").endpoint(upstream.addr()).tls(
            UpstreamTls::new()
                .sni("api.test")
                .tls_versions(versions, versions),
        );
        let envoy = guarded_cluster(cluster, &trusting(&pki)).await;
        let client = Client::plaintext(envoy.listener("front").await.unwrap());
        let fresh = async || {
            upstream.hang_up();
            envoy
                .wait_for_stat("cluster.backend.upstream_cx_active", |n| n == 0)
                .await
                .unwrap();
            upstream.clear();
            client.get("/").await.unwrap().status
        };

        assert_eq!(client.get("/").await.unwrap().status, 200);
        upstream.rotate(&bad).unwrap();
        // The pooled connection is the one that was judged.
        assert_eq!(client.get("/").await.unwrap().status, 200);
        assert_eq!(fresh().await, 503);
        assert_eq!(upstream.received(), b"");

        // A resumed session shows the certificate that it began with.
        assert_eq!(fresh().await, 503);
        assert_eq!(upstream.received(), b"");
        upstream.rotate(&good).unwrap();
        assert_eq!(fresh().await, 200);
        upstream.rotate_keeping_sessions(&bad).unwrap();
        assert_eq!(fresh().await, 200);

        let seen = upstream.seen();
        let resumed: Vec<_> = seen.handshakes().iter().map(|h| h.resumed).collect();
        if versions == TlsVersion::V1_3 {
            // For Envoy it is done before it is for the server, whose tickets come
            // after it: of a connection that is denied the server may see neither.
            assert_eq!(resumed.first(), Some(&false));
            assert!(resumed.ends_with(&[false, true]), "{resumed:?}");
        } else {
            assert_eq!(resumed, [false, false, true, false, true]);
        }
        for event in exactly_events(&envoy, 2).await {
            let cause = [
                "hopguard.denied",
                "certificate_unknown_issuer",
                "V9.2.1",
                "default",
            ];
            assert_eq!(gist(&event), cause);
        }
    }
}

#[tokio::test]
async fn every_connection_is_judged_where_each_serves_one_request() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let good = pki.server("api.test").issue();
    let bad = pki.server("api.test").issuer(&pki.other).issue();
    let closing = Upstream::tls(&good).close_after(1).start().await.unwrap();
    let limited = Upstream::tls(&good).start().await.unwrap();
    let untrusted = Upstream::tls(&bad).close_after(1).start().await.unwrap();
    let tls = UpstreamTls::new().sni("api.test");
    let of = |name: &str, upstream: &Upstream| {
        let cluster = Cluster::new(name).endpoint(upstream.addr());
        (name.to_owned(), cluster.tls(tls.clone()))
    };
    let (name, cluster) = of("limited", &limited);
    let protocol = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let cluster = cluster.merge(json!({ "typed_extension_protocol_options": { protocol: {
        "common_http_protocol_options": { "max_requests_per_connection": 1 },
    }}}));
    let clusters = [
        of("closing", &closing),
        (name, cluster),
        of("untrusted", &untrusted),
    ];
    let envoy = guarded_clusters(clusters, &trusting(&pki), |route| route).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    for _ in 0..5 {
        assert_eq!(client.get("/closing").await.unwrap().status, 200);
        assert_eq!(client.get("/limited").await.unwrap().status, 200);
        assert_eq!(client.get("/untrusted").await.unwrap().status, 503);
    }

    assert_eq!(closing.handshakes(), 5);
    assert_eq!(limited.handshakes(), 5);
    assert_eq!(untrusted.received(), b"");
    exactly_events(&envoy, 5).await;
}
