//! Nonces (RFC 9654): an answer is for the question that was asked, or it is none.

use hopguard_testbed::config::Cluster;
use hopguard_testbed::revocation::{Answer, Known, OpensslResponder, Signing, Status, response};
use serde_json::{Value, json};

use super::{World, status, tls};
use crate::support::{exactly_events, gist, start};

/// A policy that has each question asked with a nonce.
fn policy(world: &World) -> Value {
    let mut policy = world.policy(&json!({}));
    policy["revocation"]["responders"][0]["nonce"] = json!(true);
    policy
}

/// `openssl ocsp` gives back the nonce of the question.
#[tokio::test]
async fn a_responder_gives_it_back() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let database = world.responder.database();
    let responder = OpensslResponder::start(database, &Signing::default())
        .await
        .unwrap();
    for (known, expected) in [(Known::Good, 200), (Known::Revoked, 503)] {
        let certificate = world.server();
        database.set(&certificate, known);
        responder.read_index().await.unwrap();
        let server = tls(&certificate).await;
        let ocsp = Cluster::new("ocsp").endpoint(responder.addr());
        let envoy = start(world.before_with(&server, &policy(&world), ocsp)).await;
        assert_eq!(status(&envoy, "/").await, expected);
    }
}

/// One that leaves it out may replay what it said once: that is no evidence.
/// Requests are by POST, which no cache answers.
#[tokio::test]
async fn an_answer_without_it_is_none() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let certificate = world.server();
    let answer = Answer::new(&world.pki.intermediate, &certificate, Status::Good)
        .sign()
        .unwrap();
    world
        .responder
        .reply(&certificate, move |_, _| response(answer.clone()));
    let server = tls(&certificate).await;
    let envoy = world.envoy_before(&server, &policy(&world)).await;
    assert_eq!(status(&envoy, "/").await, 503);
    assert_eq!(server.received(), b"");
    let events = exactly_events(&envoy, 1).await;
    let expected = ["hopguard.denied", "revocation_invalid", "V9.2.4", "live"];
    assert_eq!(gist(&events[0]), expected);
    let detail = events[0]["hopguard.detail"].as_str().unwrap();
    assert!(detail.contains("nonce"), "{detail}");
    let requests = world.responder.server().requests();
    assert_eq!(requests[0].method, "POST");
}
