//! Every pause ends, and only so many requests wait.

use std::time::Duration;

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Cluster, UpstreamTls};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::support::{exactly_events, gist, guarded_cluster, metric, pending, policy};

/// A server whose handshakes wait, behind a guard with this policy.
async fn held(pki: &Pki, fields: Value) -> (Upstream, Envoy, Client) {
    let upstream = Upstream::tls(&pki.server("api.test").issue())
        .held()
        .start()
        .await
        .unwrap();
    let mut fields = fields;
    fields["default_trust_stores"] = json!(["ca"]);
    let cluster = Cluster::new("backend")
        .endpoint(upstream.addr())
        .tls(UpstreamTls::new().sni("api.test"))
        .connect_timeout(Duration::from_secs(60));
    let envoy = guarded_cluster(cluster, &policy(pki, fields)).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    (upstream, envoy, client)
}

#[tokio::test]
async fn a_request_does_not_wait_beyond_the_deadline() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let (upstream, envoy, client) = held(&pki, json!({ "gate": { "timeout_ms": 50 } })).await;

    assert_eq!(client.get("/late").await.unwrap().status, 503);
    pending(&envoy, 0).await;
    assert_eq!(metric(&envoy, &["gate_waits", "timeout"]).await, 1);
    upstream.release();
    upstream
        .wait_for(|s| s.handshakes().len() == 1)
        .await
        .unwrap();
    envoy
        .wait_for_stat("cluster.backend.ssl.handshake", |n| n == 1)
        .await
        .unwrap();
    assert_eq!(client.get("/next").await.unwrap().status, 200);

    let paths: Vec<_> = upstream.requests().into_iter().map(|r| r.path).collect();
    assert_eq!(paths, ["/next"]);
    let events = exactly_events(&envoy, 1).await;
    assert_eq!(
        gist(&events[0]),
        ["hopguard.denied", "gate_timeout", "V9.2.2", "default"]
    );
    assert_eq!(events[0]["hopguard.cluster"], "backend");
}

#[tokio::test]
async fn in_report_mode_a_request_goes_on_to_wait_after_the_deadline() {
    let pki = Pki::new();
    let fields = json!({ "mode": "report", "gate": { "timeout_ms": 50 } });
    let (upstream, envoy, client) = held(&pki, fields).await;

    let request = tokio::spawn(async move { client.get("/late").await });
    let events = exactly_events(&envoy, 1).await;
    assert_eq!(
        gist(&events[0]),
        ["hopguard.would_deny", "gate_timeout", "V9.2.2", "default"]
    );
    pending(&envoy, 0).await;
    upstream.release();

    assert_eq!(request.await.unwrap().unwrap().status, 200);
    exactly_events(&envoy, 1).await;
}

#[tokio::test]
async fn only_so_many_requests_wait() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let (upstream, envoy, client) = held(&pki, json!({ "gate": { "max_pending": 2 } })).await;

    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.get("/early").await.unwrap().status })
        })
        .collect();
    pending(&envoy, 2).await;
    for _ in 0..2 {
        assert_eq!(client.get("/many").await.unwrap().status, 503);
    }
    upstream.release();
    for request in waiting {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert_eq!(client.get("/next").await.unwrap().status, 200);

    assert_eq!(upstream.requests().len(), 3);
    for event in exactly_events(&envoy, 2).await {
        assert_eq!(
            gist(&event),
            ["hopguard.denied", "gate_overflow", "V9.2.2", "default"]
        );
    }
    pending(&envoy, 0).await;
    assert_eq!(metric(&envoy, &["gate_waits", "overflow"]).await, 2);
}

#[tokio::test]
async fn requests_that_wait_are_served_while_listeners_drain() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    for drain in ["/drain_listeners", "/drain_listeners?graceful"] {
        let (upstream, envoy, client) = held(&pki, json!({})).await;

        let request = tokio::spawn(async move { client.get("/").await });
        pending(&envoy, 1).await;
        envoy.admin_post(drain).await.unwrap();
        upstream.release();

        assert_eq!(request.await.unwrap().unwrap().status, 200, "{drain}");
        pending(&envoy, 0).await;
    }
}

/// TCP itself takes its time: the kernel drops the SYN while the listener's
/// queue of one is full, and sends it again after a second.
#[tokio::test]
async fn a_plaintext_server_that_is_slow_to_accept_receives_nothing() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener: TcpListener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let _queued = TcpStream::connect(address).await.unwrap();
    let policy = policy(&Pki::new(), json!({}));
    let cluster = Cluster::new("backend")
        .endpoint(address)
        .connect_timeout(Duration::from_secs(60));
    let envoy = guarded_cluster(cluster, &policy).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    let request = tokio::spawn(async move { client.get("/").await });
    pending(&envoy, 1).await;
    listener.accept().await.unwrap();
    let (connection, _) = listener.accept().await.unwrap();

    assert_eq!(request.await.unwrap().unwrap().status, 503);
    let events = exactly_events(&envoy, 1).await;
    assert_eq!(gist(&events[0])[1], "plaintext");
    // Closed, or still open without a byte.
    match connection.try_read(&mut [0]) {
        Ok(read) => assert_eq!(read, 0),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
    }
}
