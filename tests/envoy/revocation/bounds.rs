//! What many peers cost a responder at once.

use hopguard_testbed::client::Client;
use hopguard_testbed::revocation::Known;
use hopguard_testbed::upstream::Upstream;
use serde_json::json;

use super::{URL, World, all_pending};
use crate::support::exactly_events;

/// Requests that one worker and role has open at once at a responder
/// (docs/revocation.md).
const MAX_OPEN: usize = 32;

/// More clients than that, each with a certificate of its own: the others wait
/// for their turn, and get it.
#[tokio::test]
async fn no_more_than_so_many_requests_are_open_at_once() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let clients = MAX_OPEN + 6;
    let backend = Upstream::plaintext().start().await.unwrap();
    let policy = world.policy(&json!({}));
    let envoy = world
        .envoy_behind(world.any_client(), &backend, &policy)
        .await;
    let address = envoy.listener("front").await.unwrap();
    let responder = world.responder.server();
    responder.hold_responses();
    let requests: Vec<_> = (0..clients)
        .map(|n| {
            let name = format!("client-{n}");
            let certificate = world.pki.client(&name).ocsp_url(URL).issue();
            world.responder.set(&certificate, Known::Good);
            tokio::spawn(async move {
                let client = Client::tls(address).certificate(&certificate);
                client.get("/").await.unwrap().status
            })
        })
        .collect();
    all_pending(&envoy, clients as u64).await;
    let open = responder.wait_for(|seen| seen.requests.len() >= MAX_OPEN);
    assert_eq!(open.await.unwrap().requests.len(), MAX_OPEN);
    assert_eq!(backend.received(), b"");
    responder.release_responses();
    for request in requests {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert_eq!(world.responder.requests(), clients);
    assert_eq!(backend.requests().len(), clients);
    exactly_events(&envoy, 0).await;
}
