//! The certificates of clients. Envoy asks for them and takes any, also none
//! (`ACCEPT_UNTRUSTED`), so that the rule alone decides.

use hopguard_testbed::config::DownstreamTls;
use hopguard_testbed::pki::{Authority, ExtendedKeyUsagePurpose, KeyKind, Pki, Signature};
use serde_json::json;

use crate::support::doors::{Door, MISSING, Visit, visit};
use crate::support::store;

#[tokio::test]
async fn only_clients_with_a_trusted_certificate_get_through() {
    crate::support::needs!(PeerCertificate);
    const UNKNOWN: &[u64] = &[1, 3, 6, 1, 4, 1, 99999, 1];
    let pki = Pki::new();
    let client = || pki.client("web");
    let good = client().issue();
    let namesake = Authority::root("Testbed Intermediate CA").issue();
    let rsa_ca = Authority::root("RSA CA").key(KeyKind::Rsa2048).issue();
    let signed = |signature| rsa_ca.client("web").signature(signature).issue();

    visit(
        &pki,
        [
            Door::new("path")
                .serves("good", &good)
                .serves("good-sent-alone", &good.with_chain([[]; 0]))
                .visit(Visit::new("none").denied(MISSING))
                .denies(
                    "other-ca",
                    &pki.other.client("web").issue(),
                    "certificate_unknown_issuer",
                )
                .denies(
                    "self-signed",
                    &client().self_signed().issue(),
                    "certificate_unknown_issuer",
                )
                .denies(
                    "namesake-ca",
                    &namesake.client("web").issue(),
                    "certificate_signature_invalid",
                )
                .denies(
                    "tampered",
                    &good.with_broken_signature(),
                    "certificate_signature_invalid",
                ),
            Door::new("dates")
                .denies(
                    "expired",
                    &client().expired().issue(),
                    "certificate_expired",
                )
                .denies(
                    "early",
                    &client().not_yet_valid().issue(),
                    "certificate_not_yet_valid",
                ),
            Door::new("purpose")
                .serves(
                    "client-and-server",
                    &client()
                        .extended_key_usage(ExtendedKeyUsagePurpose::ServerAuth)
                        .issue(),
                )
                .denies(
                    "server",
                    &client().only_server_auth().issue(),
                    "certificate_usage",
                )
                .denies(
                    "any",
                    &client().any_extended_key_usage().issue(),
                    "certificate_usage",
                )
                .denies(
                    "none",
                    &client().no_extended_key_usage().issue(),
                    "certificate_usage",
                )
                .denies("ca", &client().ca_as_leaf().issue(), "certificate_is_ca"),
            Door::new("purpose-if-present")
                .peer(json!({ "extended_key_usage": "if_present" }))
                .serves("none", &client().no_extended_key_usage().issue())
                .serves("any", &client().any_extended_key_usage().issue())
                .denies(
                    "server",
                    &client().only_server_auth().issue(),
                    "certificate_usage",
                ),
            Door::new("keys")
                .serves("rsa-2048", &client().key(KeyKind::Rsa2048).issue())
                .serves("p-384", &client().key(KeyKind::P384).issue())
                .visit(
                    Visit::new("rsa-1024")
                        .certificate(&client().key(KeyKind::Rsa1024).issue())
                        .openssl()
                        .denied("certificate_key_weak"),
                )
                // BoringSSL does not ask for such keys, so none comes.
                .visit(
                    Visit::new("ed25519")
                        .certificate(&client().key(KeyKind::Ed25519).issue())
                        .openssl()
                        .denied(MISSING),
                ),
            Door::new("signatures")
                .store(store("", &rsa_ca, &[]))
                .serves("sha-256", &signed(Signature::Sha256))
                .serves("pss", &signed(Signature::PssSha256))
                .denies(
                    "sha-1",
                    &signed(Signature::Sha1),
                    "certificate_signature_algorithm",
                )
                .denies(
                    "md5",
                    &signed(Signature::Md5),
                    "certificate_signature_algorithm",
                ),
            Door::new("profile")
                .serves(
                    "unknown-extension",
                    &client().extension(UNKNOWN, false, &[5, 0]).issue(),
                )
                .denies(
                    "unknown-critical-extension",
                    &client().extension(UNKNOWN, true, &[5, 0]).issue(),
                    "certificate_profile",
                )
                .serves("1999-names", &client().many_dns(1_999).issue())
                .denies(
                    "2001-names",
                    &client().many_dns(2_001).issue(),
                    "certificate_too_large",
                ),
            // Where Envoy does not even ask.
            Door::new("not-asked")
                .tls(|tls| tls)
                .visit(Visit::new("good").certificate(&good).denied(MISSING)),
        ],
        None,
    )
    .await;
}

#[tokio::test]
async fn pinned_clients_get_through_and_their_neighbours_do_not() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let client = || pki.client("web").key(KeyKind::Rsa2048).self_signed();
    let (ours, neighbour) = (client().issue(), client().issue());
    let other_key = client().fresh_key().issue();
    assert_eq!(ours.spki_sha256_hex(), neighbour.spki_sha256_hex());

    visit(
        &pki,
        [
            Door::new("digest")
                .store(json!({ "pinned_certificate_sha256": [ours.sha256_hex()] }))
                .serves("ours", &ours)
                .denies("neighbour", &neighbour, "certificate_not_pinned")
                .visit(Visit::new("none").denied(MISSING)),
            Door::new("whole")
                .store(json!({ "pinned_certificates": ours.pem() }))
                .serves("ours", &ours)
                .denies("neighbour", &neighbour, "certificate_not_pinned"),
            Door::new("key")
                .store(json!({ "pinned_public_key_sha256": [ours.spki_sha256_hex()] }))
                .serves("ours", &ours)
                .serves("neighbour", &neighbour)
                .denies("other-key", &other_key, "certificate_not_pinned"),
        ],
        None,
    )
    .await;
}

/// Where Envoy verifies clients, too, hopguard judges what is left.
#[tokio::test]
async fn a_client_that_envoy_itself_refuses_never_gets_through() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let good = pki.client("web").issue();
    let strict: fn(DownstreamTls) -> DownstreamTls = DownstreamTls::require_any_client;

    visit(
        &pki,
        [Door::new("strict")
            .tls(strict)
            .serves("good", &good)
            .denies(
                "other-ca",
                &pki.other.client("web").issue(),
                "certificate_unknown_issuer",
            )
            .visit(Visit::new("none").no_handshake())],
        None,
    )
    .await;
}
