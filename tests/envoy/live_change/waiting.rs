//! A policy changes while requests and connections wait for their verdict. The
//! role that they wait for stays until the last of them is gone: each is judged,
//! once, by the policy that it came under.

use hopguard_testbed::client::{Client, RawConnection};
use hopguard_testbed::config::{Bootstrap, TcpListener};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use super::watched::{HTTP_FILTER, NETWORK_FILTER, Watched};
use super::{Way, backend, broken, configured, front, named, start};
use crate::support::{filter, metric, pending, plugin, policy};

const MANY: usize = 20;

/// A policy that denies every peer here.
fn denying(pki: &Pki) -> Value {
    let newest = json!([{ "name": "newest", "require": { "min_tls_version": "1.3" } }]);
    policy(
        pki,
        json!({ "default_trust_stores": ["ca"], "downstream": newest, "upstream": newest }),
    )
}

async fn server(pki: &Pki) -> Upstream {
    let certificate = pki.server("api.test").issue();
    Upstream::tls(&certificate).start().await.unwrap()
}

/// Clients that each sent a request that waits at the gate.
async fn waiting(envoy: &Envoy, client: &Client) -> Vec<RawConnection> {
    let mut clients = Vec::new();
    for _ in 0..MANY {
        let mut raw = client.raw().await.unwrap();
        raw.write(b"POST /early HTTP/1.1\r\nhost: api.test\r\nconnection: close\r\ncontent-length: 6\r\n\r\nsecret")
            .await
            .unwrap();
        clients.push(raw);
    }
    pending(envoy, MANY as u64).await;
    clients
}

/// Requests wait for the server's handshake; the policy changes to one that denies
/// every server, and to one that cannot be.
async fn change_while_requests_wait(pki: &Pki, upstream: &Upstream, envoy: &Envoy, way: Way<'_>) {
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    upstream.hold();
    let clients = waiting(envoy, &client).await;

    way.accepted(envoy, &denying(pki)).await;
    configured(envoy, 2).await;
    way.rejected(envoy, &broken(&denying(pki))).await;
    // A later request already waits under the new policy.
    let mut late = client.raw().await.unwrap();
    late.write(b"GET /late HTTP/1.1\r\nhost: api.test\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    pending(envoy, MANY as u64 + 1).await;
    upstream.release();

    for mut client in clients {
        let answer = client.read_to_end().await.unwrap();
        let text = String::from_utf8_lossy(&answer.bytes);
        assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
        assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{text}");
    }
    let answer = late.read_to_end().await.unwrap();
    assert!(answer.bytes.starts_with(b"HTTP/1.1 503 "), "{answer:?}");
    let requests = upstream.requests();
    assert!(
        requests
            .iter()
            .all(|r| r.path == "/early" && r.body == b"secret")
    );
    assert_eq!(requests.len(), MANY);
    pending(envoy, 0).await;
    assert_eq!(
        metric(envoy, &["gate_waits", "judged"]).await,
        MANY as u64 + 1
    );
    assert_eq!(metric(envoy, &["decisions", "upstream", "deny"]).await, 1);
}

#[tokio::test]
async fn requests_wait_while_the_clusters_filter_changes() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let upstream = server(&pki).await;
    let watched = Watched::new();
    let put = |policy: &_| watched.put_filter(&filter("upstream", policy));
    put(&named(&pki, "before", false));
    let cluster = backend(&upstream).filter(watched.discovered(HTTP_FILTER));
    let envoy = start(Bootstrap::new().http(front()).cluster(cluster)).await;

    let way = Way::clusters_filter(&put);
    change_while_requests_wait(&pki, &upstream, &envoy, way).await;
}

#[tokio::test]
async fn requests_wait_while_the_cluster_changes() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let upstream = server(&pki).await;
    let watched = Watched::new();
    let put = |policy: &Value| {
        let cluster = backend(&upstream).filter(filter("upstream", policy));
        watched.put_cluster(cluster);
    };
    put(&named(&pki, "before", false));
    let envoy = start(watched.cds(Bootstrap::new().http(front()))).await;

    let way = Way::cluster(&put);
    change_while_requests_wait(&pki, &upstream, &envoy, way).await;
}

/// The listener that requests came by is replaced while they wait in the cluster.
#[tokio::test]
async fn requests_wait_while_the_listener_changes() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let upstream = server(&pki).await;
    let watched = Watched::new();
    let port = hopguard_testbed::free_port().unwrap();
    let rule = named(&pki, "before", false);
    let put = |policy: &Value| {
        let listener = front().port(port).filter(filter("downstream", policy));
        watched.put_listener(listener);
    };
    put(&rule);
    let cluster = backend(&upstream).filter(filter("upstream", &rule));
    let envoy = start(watched.lds(Bootstrap::new().cluster(cluster))).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    upstream.hold();
    let clients = waiting(&envoy, &client).await;

    let way = Way::listener(&put);
    way.accepted(&envoy, &denying(&pki)).await;
    way.rejected(&envoy, &broken(&denying(&pki))).await;
    // Its own two policies, and the cluster's.
    configured(&envoy, 3).await;
    envoy
        .wait_for_stat("listener_manager.total_filter_chains_draining", |n| n > 0)
        .await
        .unwrap();
    assert_eq!(client.get("/late").await.unwrap().status, way.denial);
    upstream.release();

    for mut client in clients {
        let answer = client.read_to_end().await.unwrap();
        let text = String::from_utf8_lossy(&answer.bytes);
        assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
        assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{text}");
    }
    assert_eq!(upstream.requests().len(), MANY);
    pending(&envoy, 0).await;
}

/// Connections whose server has not answered yet, and a policy that denies every
/// server.
#[tokio::test]
async fn connections_wait_while_the_listeners_filter_changes() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let certificate = pki.server("api.test").issue();
    let upstream = Upstream::tls(&certificate)
        .tcp_echo()
        .start()
        .await
        .unwrap();
    let watched = Watched::new();
    let put = |policy: &_| watched.put_filter(&plugin("network", policy).network_filter());
    put(&named(&pki, "before", false));
    let listener = TcpListener::new("front", "backend").filter(watched.discovered(NETWORK_FILTER));
    let envoy = start(Bootstrap::new().tcp(listener).cluster(backend(&upstream))).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    upstream.hold();
    let mut clients = Vec::new();
    for _ in 0..MANY {
        let mut raw = client.raw().await.unwrap();
        raw.write(b"early").await.unwrap();
        clients.push(raw);
    }
    upstream
        .wait_for(|seen| seen.connections.len() == MANY)
        .await
        .unwrap();

    let way = Way::network_filter(&put);
    let mut denying = denying(&pki);
    denying["downstream"] = named(&pki, "clients", false)["downstream"].clone();
    way.accepted(&envoy, &denying).await;
    configured(&envoy, 2).await;
    way.rejected(&envoy, &broken(&denying)).await;
    upstream.release();

    for client in &mut clients {
        assert_eq!(client.read_exact(5).await.unwrap(), b"early");
    }
    let mut late = client.raw().await.unwrap();
    late.write(b"late").await.unwrap();
    assert_eq!(late.read_to_end().await.unwrap().bytes, b"");
    assert_eq!(upstream.received(), b"early".repeat(MANY));
    // What was judged stays open.
    clients[0].write(b"again").await.unwrap();
    assert_eq!(clients[0].read_exact(5).await.unwrap(), b"again");
}
