//! The issuing CA may be revoked, too: by whom the policy says.

use hopguard_testbed::pki::Issued;
use hopguard_testbed::revocation::{Database, Known, List};
use serde_json::json;

use super::{World, status, tls};
use crate::support::{exactly_events, gist};

#[tokio::test]
async fn the_issuing_ca_is_asked_about_where_the_rule_says_so() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let certificate = world.pki.server("api.test").issue();
    let server = tls(&certificate).await;
    let of_leaves = List::default().pem(world.responder.database()).unwrap();
    let ca = &world.pki.intermediate;
    let ca = Issued::new(ca.der().to_vec(), Vec::new(), ca.key_pem().to_owned());
    let database = Database::new(&world.pki.root).unwrap();
    let of_cas = |known| {
        database.set(&ca, known);
        List::default().pem(&database).unwrap()
    };
    let good = of_cas(Known::Good);
    let revoked = of_cas(Known::Revoked);

    let whole = json!({ "whole_path": true });
    let whole_if_known = json!({ "whole_path": true, "no_source": "allow" });
    for (demands, crls, cause) in [
        (&json!({}), vec![&of_leaves, &revoked], None),
        (&whole, vec![&of_leaves, &good], None),
        (&whole, vec![&of_leaves], Some("revocation_no_source")),
        (
            &whole,
            vec![&of_leaves, &revoked],
            Some("certificate_revoked"),
        ),
        (
            &whole_if_known,
            vec![&of_leaves, &revoked],
            Some("certificate_revoked"),
        ),
    ] {
        server.clear();
        let mut policy = world.policy(demands);
        policy["revocation"] = json!({ "crls": crls });
        let envoy = world.envoy_before(&server, &policy).await;
        let expected = if cause.is_some() { 503 } else { 200 };
        assert_eq!(status(&envoy, "/").await, expected, "{demands} {cause:?}");
        let Some(cause) = cause else {
            exactly_events(&envoy, 0).await;
            continue;
        };
        assert_eq!(server.received(), b"");
        let events = exactly_events(&envoy, 1).await;
        assert_eq!(gist(&events[0])[1], cause);
        // It is said of which certificate.
        let detail = events[0]["hopguard.detail"].as_str().unwrap();
        assert!(detail.contains("Testbed Intermediate CA"), "{detail}");
    }
}
