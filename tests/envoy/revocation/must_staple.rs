//! Must-staple (RFC 7633): evidence is demanded whatever the rule says.

use hopguard_testbed::revocation::Known;
use serde_json::json;

use super::{URL, World, status, tls};
use crate::support::events;

#[tokio::test]
async fn must_staple_makes_an_answer_mandatory_where_no_rule_asks_for_it() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let mut policy = world.policy(&json!({}));
    policy["upstream"][0]["require"]["peer_certificate"]
        .as_object_mut()
        .unwrap()
        .remove("revocation");
    for (builder, expected) in [
        (world.pki.server("api.test"), 200),
        (world.pki.server("api.test").must_staple(), 503),
        (
            world.pki.server("api.test").must_staple().ocsp_url(URL),
            200,
        ),
    ] {
        let certificate = builder.issue();
        world.responder.set(&certificate, Known::Good);
        let server = tls(&certificate).await;
        let envoy = world.envoy_before(&server, &policy).await;
        let name = certificate.serial_hex();
        assert_eq!(
            status(&envoy, "/").await,
            expected,
            "{name} {:#?}",
            events(&envoy)
        );
    }
}
