//! Clients, over connections that last.

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::revocation::Known;
use hopguard_testbed::upstream::Upstream;
use serde_json::json;

use super::{URL, World};
use crate::support::{exactly_events, gist};

#[tokio::test]
async fn clients_are_asked_about_before_their_request_goes_on() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let backend = Upstream::plaintext().start().await.unwrap();
    let policy = world.policy(&json!({}));
    let envoy = world
        .envoy_behind(world.any_client(), &backend, &policy)
        .await;
    let address = envoy.listener("front").await.unwrap();
    let client = |name: &str| world.pki.client(name).ocsp_url(URL).issue();
    let (good, revoked, unknown) = (client("good"), client("revoked"), client("unknown"));
    world.responder.set(&good, Known::Good);
    world.responder.set(&revoked, Known::Revoked);
    for (certificate, status) in [(&good, 200), (&revoked, 403), (&unknown, 403)] {
        let client = Client::tls(address).certificate(certificate);
        let connection = client.connect().await.unwrap();
        for _ in 0..2 {
            let response = connection.send(Request::get("/")).await.unwrap();
            assert_eq!(response.status, status);
        }
    }
    assert_eq!(backend.requests().len(), 2);
    assert_eq!(world.responder.requests(), 3);
    let causes: Vec<_> = exactly_events(&envoy, 4).await;
    let causes: Vec<_> = causes.iter().map(|e| gist(e)[1].to_owned()).collect();
    let (revoked, unknown) = ("certificate_revoked", "revocation_unknown");
    assert_eq!(causes, [revoked, revoked, unknown, unknown]);
}
