//! Protocol changes: WebSocket and CONNECT.

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route, UpstreamTls};
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::json;

use crate::support::{ACCESS_LOG, exactly_events, filter, gist, policy, start};

#[tokio::test]
async fn a_websocket_reaches_a_trusted_upstream_and_no_plaintext_one() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let trusted = Upstream::tls(&pki.server("api.test").issue())
        .start()
        .await
        .unwrap();
    let plain = Upstream::plaintext().start().await.unwrap();
    let guard = filter(
        "upstream",
        &policy(&pki, json!({ "default_trust_stores": ["ca"] })),
    );
    let listener = HttpListener::new("front")
        .access_log(ACCESS_LOG)
        .websocket()
        .route(Route::prefix("/trusted", "trusted"))
        .route(Route::prefix("/plain", "plain"));
    let envoy = start(
        Bootstrap::new()
            .http(listener)
            .cluster(
                Cluster::new("trusted")
                    .endpoint(trusted.addr())
                    .tls(UpstreamTls::new().sni("api.test"))
                    .filter(guard.clone()),
            )
            .cluster(Cluster::new("plain").endpoint(plain.addr()).filter(guard)),
    )
    .await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    for _ in 0..2 {
        let mut socket = client.raw().await.unwrap();
        let (status, _) = socket
            .upgrade("/trusted", "api.test", "websocket")
            .await
            .unwrap();
        assert_eq!(status, 101);
        socket.write(b"\x81\x05frame").await.unwrap();
        assert_eq!(socket.read_exact(7).await.unwrap(), b"\x81\x05frame");

        let mut socket = client.raw().await.unwrap();
        let (status, _) = socket
            .upgrade("/plain", "api.test", "websocket")
            .await
            .unwrap();
        assert_eq!(status, 503);
    }
    assert_eq!(plain.raw_received(), b"");
    for event in exactly_events(&envoy, 2).await {
        assert_eq!(
            gist(&event),
            ["hopguard.denied", "plaintext", "V9.2.2", "default"]
        );
    }
}

/// CONNECT that Envoy ends itself: what follows goes to the upstream as it is.
#[tokio::test]
async fn a_tunnel_reaches_a_trusted_upstream_and_no_plaintext_one() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let trusted = Upstream::tls(&pki.server("api.test").issue())
        .tcp_echo()
        .start()
        .await
        .unwrap();
    let plain = Upstream::plaintext().tcp_echo().start().await.unwrap();
    let guard = filter(
        "upstream",
        &policy(&pki, json!({ "default_trust_stores": ["ca"] })),
    );
    let tls = UpstreamTls::new().sni("api.test");
    let cluster = |name: &str, upstream: &Upstream| {
        let cluster = Cluster::new(name).endpoint(upstream.addr());
        cluster.filter(guard.clone())
    };
    let mut bootstrap = Bootstrap::new()
        .cluster(cluster("trusted", &trusted).tls(tls))
        .cluster(cluster("plain", &plain));
    for name in ["trusted", "plain"] {
        let route = Route::all(name)
            .option(
                json!({ "upgrade_configs": [{ "upgrade_type": "CONNECT", "connect_config": {} }] }),
            )
            .patch(|route| route["match"] = json!({ "connect_matcher": {} }));
        let listener = HttpListener::new(name)
            .manager(json!({ "upgrade_configs": [{ "upgrade_type": "CONNECT" }] }))
            .route(route);
        bootstrap = bootstrap.http(listener);
    }
    let envoy = start(bootstrap).await;

    const CONNECT: &[u8] = b"CONNECT api.test:443 HTTP/1.1\r\nhost: api.test:443\r\n\r\n";
    for _ in 0..2 {
        let client = Client::plaintext(envoy.listener("trusted").await.unwrap());
        let mut tunnel = client.raw().await.unwrap();
        tunnel.write(CONNECT).await.unwrap();
        let head = tunnel.read_until(b"\r\n\r\n").await.unwrap();
        assert!(head.starts_with(b"HTTP/1.1 200 "));
        tunnel.write(b"through").await.unwrap();
        assert_eq!(tunnel.read_exact(7).await.unwrap(), b"through");

        let client = Client::plaintext(envoy.listener("plain").await.unwrap());
        let mut tunnel = client.raw().await.unwrap();
        tunnel.write(CONNECT).await.unwrap();
        // Some clients do not wait for the answer.
        tunnel.write(b"secret").await.unwrap();
        let head = tunnel.read_until(b"\r\n\r\n").await.unwrap();
        assert!(
            head.starts_with(b"HTTP/1.1 503 "),
            "{}",
            String::from_utf8_lossy(&head)
        );
    }
    assert_eq!(plain.raw_received(), b"");
    exactly_events(&envoy, 2).await;
}
