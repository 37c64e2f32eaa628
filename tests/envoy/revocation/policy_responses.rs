//! OCSP responses that come with the policy: evidence where no responder may be
//! asked.

use std::time::{Duration, SystemTime};

use data_encoding::BASE64;
use hopguard_testbed::pki::Issued;
use hopguard_testbed::revocation::{Answer, Known, Status};
use serde_json::json;

use super::{World, status, tls};
use crate::support::{exactly_events, gist};

const HOUR: Duration = Duration::from_secs(3_600);

fn answer(world: &World, certificate: &Issued, status: Status) -> Answer {
    Answer::new(&world.pki.intermediate, certificate, status)
}

#[tokio::test]
async fn they_are_evidence_like_any_other() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let now = SystemTime::now();
    let certificate = world.pki.server("api.test").issue();
    let other = world.pki.server("api.test").issue();
    let server = tls(&certificate).await;
    let about = |status| answer(&world, &certificate, status);
    let ended = about(Status::Good).validity(now - 2 * HOUR, now - HOUR);
    let newer = about(Status::Revoked).validity(now - HOUR / 2, now + HOUR);
    for (what, answers, denied) in [
        ("good", vec![about(Status::Good)], None),
        (
            "revoked",
            vec![about(Status::Revoked)],
            Some(("certificate_revoked", json!("ocsp_policy"))),
        ),
        (
            "unknown",
            vec![about(Status::Unknown)],
            Some(("revocation_unknown", json!("ocsp_policy"))),
        ),
        (
            "of the past",
            vec![ended],
            Some(("revocation_stale", json!(null))),
        ),
        (
            "of another",
            vec![answer(&world, &other, Status::Good)],
            Some(("revocation_no_source", json!(null))),
        ),
        (
            "by another CA",
            vec![Answer::new(&world.pki.other, &certificate, Status::Good)],
            Some(("revocation_no_source", json!(null))),
        ),
        (
            "of the one and the other",
            vec![answer(&world, &other, Status::Revoked), about(Status::Good)],
            None,
        ),
        (
            "good, and later revoked",
            vec![newer.clone(), about(Status::Good)],
            Some(("certificate_revoked", json!("ocsp_policy"))),
        ),
        (
            "good, and later revoked, in this order",
            vec![about(Status::Good), newer],
            Some(("certificate_revoked", json!("ocsp_policy"))),
        ),
    ] {
        server.clear();
        let answers: Vec<String> = answers
            .iter()
            .map(|answer| BASE64.encode(&answer.sign().unwrap()))
            .collect();
        let mut policy = world.policy(&json!({}));
        policy["revocation"] = json!({ "ocsp_responses": answers });
        let envoy = world.envoy_before(&server, &policy).await;
        let expected = if denied.is_some() { 503 } else { 200 };
        assert_eq!(status(&envoy, "/").await, expected, "{what}");
        let events = exactly_events(&envoy, denied.iter().count()).await;
        if let Some((cause, source)) = denied {
            assert_eq!(server.received(), b"", "{what}");
            assert_eq!(gist(&events[0])[1], cause, "{what}");
            let said = events[0].get("hopguard.revocation.source");
            assert_eq!(said.cloned().unwrap_or_default(), source, "{what}");
        }
    }
}

/// What a responder says later is newer, and counts.
#[tokio::test]
async fn a_responder_may_know_better() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let certificate = world.server();
    world.responder.set(&certificate, Known::Revoked);
    let server = tls(&certificate).await;
    let now = SystemTime::now();
    let good = answer(&world, &certificate, Status::Good).validity(now - 2 * HOUR, now - HOUR);
    let mut policy = world.policy(&json!({}));
    policy["revocation"]["ocsp_responses"] = json!([BASE64.encode(&good.sign().unwrap())]);
    let envoy = world.envoy_before(&server, &policy).await;
    assert_eq!(status(&envoy, "/").await, 503);
    let events = exactly_events(&envoy, 1).await;
    assert_eq!(gist(&events[0])[1], "certificate_revoked");
    assert_eq!(events[0]["hopguard.revocation.source"], "ocsp_responder");
}
