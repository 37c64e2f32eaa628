//! The first contact with a certificate waits for the answer about it: one
//! request for all who wait, in all workers and roles.

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, TcpListener, UpstreamTls,
};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::ExtendedKeyUsagePurpose;
use hopguard_testbed::revocation::Known;
use hopguard_testbed::upstream::Upstream;
use serde_json::json;

use super::{URL, World, all_wait, lenient, status, tls};
use crate::support::{exactly_events, filter, gist, plugin, start};

#[tokio::test]
async fn a_good_server_is_asked_about_once() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let certificate = world.server();
    world.responder.set(&certificate, Known::Good);
    let server = tls(&certificate).await;
    let envoy = world.envoy_before(&server, &world.policy(&json!({}))).await;
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
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let certificate = world.server();
    world.responder.set(&certificate, Known::Revoked);
    let server = tls(&certificate).await;
    let envoy = world.envoy_before(&server, &world.policy(&lenient())).await;
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

#[tokio::test]
async fn many_first_contacts_make_one_request() {
    crate::support::needs!(PeerCertificate);
    one_request_for(1, 100).await;
}

#[tokio::test]
async fn workers_ask_as_one() {
    crate::support::needs!(PeerCertificate);
    one_request_for(4, 1_000).await;
}

/// So many workers, and so many clients that come before there is an answer.
async fn one_request_for(workers: u32, clients: u64) {
    let world = World::new().await;
    let certificate = world.server();
    world.responder.set(&certificate, Known::Good);
    world.responder.server().hold_responses();
    let server = tls(&certificate).await;
    let policy = world.policy(&json!({}));
    let envoy = Envoy::builder()
        .config(world.before(&server, &policy))
        .concurrency(workers)
        .start()
        .await
        .unwrap();
    let responder = world.responder.server();
    all_wait(&envoy, &server, clients, || responder.release_responses()).await;
    assert_eq!(world.responder.requests(), 1);
    exactly_events(&envoy, 0).await;
}

/// Of one certificate, which a server shows to HTTP and TCP, and a client, too.
#[tokio::test]
async fn roles_ask_as_one() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let certificate = world
        .pki
        .server("api.test")
        .extended_key_usage(ExtendedKeyUsagePurpose::ClientAuth)
        .ocsp_url(URL)
        .issue();
    world.responder.set(&certificate, Known::Good);
    let http = tls(&certificate).await;
    let tcp = Upstream::tls(&certificate)
        .tcp_echo()
        .start()
        .await
        .unwrap();
    let policy = world.policy(&json!({}));
    let own = world.pki.server("envoy.test").issue();
    let to_server = UpstreamTls::new().sni("api.test");
    let from_client = DownstreamTls::new(&own).accept_any_client();
    let front = HttpListener::new("front")
        .tls(from_client.clone())
        .filter(filter("downstream", &policy))
        .route(Route::all("http"));
    let database = TcpListener::new("database", "tcp")
        .tls(from_client)
        .filter(plugin("network", &policy).network_filter());
    let cluster = |name: &str, server: &Upstream| {
        Cluster::new(name)
            .endpoint(server.addr())
            .tls(to_server.clone())
    };
    let envoy = start(
        Bootstrap::new()
            .http(front)
            .tcp(database)
            .cluster(cluster("http", &http).filter(filter("upstream", &policy)))
            .cluster(cluster("tcp", &tcp))
            .cluster(world.responder_cluster()),
    )
    .await;
    let client = async |name: &str| {
        let address = envoy.listener(name).await.unwrap();
        Client::tls(address).certificate(&certificate)
    };
    let response = client("front").await.send(Request::get("/")).await.unwrap();
    assert_eq!(response.status, 200);
    let mut connection = client("database").await.raw().await.unwrap();
    connection.write(b"hello").await.unwrap();
    assert_eq!(connection.read_exact(5).await.unwrap(), b"hello");
    // Judged by four: a client and a server of HTTP, and of TCP.
    assert_eq!(world.responder.requests(), 1);
    exactly_events(&envoy, 0).await;
}
