//! TCP: the client's first bytes wait for the answer.

use hopguard_testbed::client::Client;
use hopguard_testbed::revocation::Known;
use hopguard_testbed::upstream::Upstream;
use serde_json::json;

use super::World;
use crate::support::{exactly_events, gist};

#[tokio::test]
async fn tcp_waits_for_the_answer_about_its_server() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let (good, revoked) = (world.server(), world.server());
    world.responder.set(&good, Known::Good);
    world.responder.set(&revoked, Known::Revoked);
    let policy = world.policy(&json!({}));
    for (certificate, expected) in [(&good, &b"hello"[..]), (&revoked, b"")] {
        let server = Upstream::tls(certificate).tcp_echo().start().await.unwrap();
        let envoy = world.tcp_before(&server, &policy).await;
        let client = Client::plaintext(envoy.listener("front").await.unwrap());
        let mut connection = client.raw().await.unwrap();
        connection.write(b"hello").await.unwrap();
        connection.half_close().await.unwrap();
        assert_eq!(connection.read_to_end().await.unwrap().bytes, expected);
        assert_eq!(server.received(), expected);
        assert_eq!(crate::support::metric(&envoy, &["gate_pending"]).await, 0);
    }
}

/// Who speaks first cannot wait: it is judged without an answer, and the next one
/// by the answer that came meanwhile.
#[tokio::test]
async fn where_the_server_speaks_first_the_second_contact_has_the_answer() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let certificate = world.server();
    world.responder.set(&certificate, Known::Good);
    let server = Upstream::tls(&certificate).tcp_banner(b"220 ready\r\n");
    let server = server.start().await.unwrap();
    let envoy = world.tcp_before(&server, &world.policy(&json!({}))).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    let mut first = client.raw().await.unwrap();
    assert_eq!(first.read_to_end().await.unwrap().bytes, b"");
    let events = exactly_events(&envoy, 1).await;
    let expected = [
        "hopguard.denied",
        "revocation_unreachable",
        "V9.2.4",
        "live",
    ];
    assert_eq!(gist(&events[0]), expected);

    let answers = "cluster.ocsp.upstream_rq_200";
    envoy.wait_for_stat(answers, |n| n == 1).await.unwrap();
    let mut second = client.raw().await.unwrap();
    assert_eq!(second.read_exact(11).await.unwrap(), b"220 ready\r\n");
    second.write(b"hello").await.unwrap();
    assert_eq!(second.read_exact(5).await.unwrap(), b"hello");
    assert_eq!(world.responder.requests(), 1);
    assert_eq!(server.received(), b"hello");
}
