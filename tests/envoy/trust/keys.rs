//! The keys of servers: which are strong enough, and which Envoy lets come.

use hopguard_testbed::config::UpstreamTls;
use hopguard_testbed::pki::{Authority, KeyKind, Pki, Signature};
use serde_json::json;

use crate::support::table::{Row, Table};

#[tokio::test]
async fn weak_and_unusual_keys_are_refused_unless_the_rule_allows_them() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let of_kind = |kind| pki.server("api.test").key(kind).issue();
    let rsa_1024 = of_kind(KeyKind::Rsa1024);
    let rsa_2048 = of_kind(KeyKind::Rsa2048);
    let p384 = of_kind(KeyKind::P384);
    let p521 = of_kind(KeyKind::P521);
    let ed25519 = of_kind(KeyKind::Ed25519);
    let rsa_ca = Authority::root("RSA").key(KeyKind::Rsa2048).issue();
    let md5 = rsa_ca.server("api.test").signature(Signature::Md5).issue();
    let by_default = || UpstreamTls::new().sni("api.test");

    Table::new(
        &pki,
        [
            Row::openssl("rsa-1024", &rsa_1024).denied("certificate_key_weak"),
            Row::new("rsa-2048", &rsa_2048),
            Row::new("rsa-2048-of-3072", &rsa_2048)
                .peer(json!({ "min_rsa_bits": 3072 }))
                .denied("certificate_key_weak"),
            Row::new("rsa-3072-of-3072", &of_kind(KeyKind::Rsa3072))
                .peer(json!({ "min_rsa_bits": 3072 })),
            Row::new("rsa-4096", &of_kind(KeyKind::Rsa4096)),
            Row::new("p-256", &of_kind(KeyKind::P256)),
            Row::new("p-384", &p384),
            Row::new("p-384-where-only-p-256-is-allowed", &p384)
                .peer(json!({ "curves": ["P-256"] }))
                .denied("certificate_key_weak"),
            Row::openssl("p-521", &p521).denied("certificate_key_weak"),
            Row::openssl("p-521-allowed", &p521).peer(json!({ "curves": ["P-256", "P-521"] })),
            Row::openssl("ed25519", &ed25519),
            Row::openssl("dsa", &of_kind(KeyKind::Dsa1024)).no_handshake("tls_parameters_mismatch"),
            // With Envoy's defaults these keys end in the handshake.
            Row::new("p-384-by-default", &p384)
                .tls(by_default())
                .no_handshake("tls_certificate_unsuitable"),
            Row::openssl("p-521-by-default", &p521)
                .tls(by_default())
                .no_handshake("tls_parameters_mismatch"),
            Row::openssl("ed25519-by-default", &ed25519)
                .tls(by_default())
                .no_handshake("tls_parameters_mismatch"),
            // These do not.
            Row::openssl("rsa-1024-by-default", &rsa_1024)
                .tls(by_default())
                .denied("certificate_key_weak"),
            Row::new("rsa-2048-by-default", &rsa_2048).tls(by_default()),
            Row::openssl("signed-with-md5-by-default", &md5)
                .tls(by_default())
                .denied("certificate_signature_algorithm"),
        ],
    )
    .walk()
    .await;
}
