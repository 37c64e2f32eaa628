//! Whom the policy allows to ask, and nobody else is asked.

use hopguard_testbed::config::{Cluster, UpstreamTls};
use hopguard_testbed::upstream::{Fault, Upstream};
use serde_json::json;

use super::{World, status, tls};
use crate::support::{exactly_events, gist, nobody, start};

#[tokio::test]
async fn a_responder_that_nobody_named_is_never_asked() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let elsewhere = format!("http://{}/", world.responder.addr());
    for builder in [
        world.pki.server("api.test"),
        world.pki.server("api.test").ocsp_url(&elsewhere),
        world.pki.server("api.test").ocsp_url("https://ocsp.test/"),
    ] {
        let server = tls(&builder.issue()).await;
        let envoy = world.envoy_before(&server, &world.policy(&json!({}))).await;
        assert_eq!(status(&envoy, "/").await, 503);
        assert_eq!(server.received(), b"");
        let events = exactly_events(&envoy, 1).await;
        let expected = ["hopguard.denied", "revocation_no_source", "V9.2.4", "live"];
        assert_eq!(gist(&events[0]), expected);
    }
    assert_eq!(world.responder.requests(), 0);
}

/// A responder that no connection comes about with is a failed connection of
/// our own: behind TLS that fails, and where nobody listens.
#[tokio::test]
async fn a_responder_that_cannot_be_reached_is_told_of() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let certificate = world.server();
    let server = tls(&certificate).await;
    let broken = Upstream::tls(&certificate)
        .fault(Fault::Reset)
        .start()
        .await
        .unwrap();
    let (_socket, gone) = nobody();
    let policy = world.policy(&json!({}));
    let ocsp = Cluster::new("ocsp");
    for ocsp in [
        ocsp.clone()
            .endpoint(broken.addr())
            .tls(UpstreamTls::new().sni("api.test")),
        ocsp.endpoint(gone),
    ] {
        let envoy = start(world.before_with(&server, &policy, ocsp)).await;
        assert_eq!(status(&envoy, "/").await, 503);
        assert_eq!(server.received(), b"");
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
}
