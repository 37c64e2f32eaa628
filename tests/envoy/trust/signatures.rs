//! Signatures on certificates. Envoy's BoringSSL checks those it can; the rest,
//! and all of them where Envoy does not let the plugin ask, are checked in the
//! module. Whoever checks, the verdict is the same.

use hopguard_testbed::config::{Bootstrap, HttpListener, Route};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::{Authority, KeyKind, Pki, Signature};
use serde_json::{Value, json};

use crate::support::table::{Row, Table};
use crate::support::{filter, store};

/// What Envoy logs when a plugin calls what its configuration does not allow.
const RESTRICTED: &str = "restricted proxy-wasm capability: proxy_call_foreign_function";

/// Functions of the ABI that the plugin may call or export; those that are not
/// named here are withheld from it.
const ALLOWED: &[&str] = &[
    "proxy_abi_version_0_2_1",
    "proxy_continue_stream",
    "proxy_define_metric",
    "proxy_dequeue_shared_queue",
    "proxy_enqueue_shared_queue",
    "proxy_get_buffer_bytes",
    "proxy_get_current_time_nanoseconds",
    "proxy_get_header_map_value",
    "proxy_get_property",
    "proxy_get_shared_data",
    "proxy_increment_metric",
    "proxy_log",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_memory_allocate",
    "proxy_on_queue_ready",
    "proxy_on_request_headers",
    "proxy_on_tick",
    "proxy_on_vm_start",
    "proxy_register_shared_queue",
    "proxy_send_local_response",
    "proxy_set_effective_context",
    "proxy_set_property",
    "proxy_set_shared_data",
    "proxy_set_tick_period_milliseconds",
];

/// One chain of each kind, and one of each kind that was tampered with.
fn chains(pki: &Pki) -> Vec<Row> {
    use KeyKind::{Ed25519, P256, P384, Rsa2048, Rsa3072, Rsa4096};
    let weak = Some("certificate_signature_algorithm");
    let mut rows = Vec::new();
    for (name, kind, signature, denied) in [
        ("p-256", P256, Signature::Sha256, None),
        ("p-256-sha-384", P256, Signature::Sha384, None),
        ("p-256-sha-512", P256, Signature::Sha512, None),
        ("p-256-sha-1", P256, Signature::Sha1, weak),
        ("p-384", P384, Signature::Sha384, None),
        ("p-384-sha-256", P384, Signature::Sha256, None),
        ("rsa-2048-sha-1", Rsa2048, Signature::Sha1, weak),
        ("rsa-2048-md5", Rsa2048, Signature::Md5, weak),
        ("rsa-2048", Rsa2048, Signature::Sha256, None),
        ("rsa-2048-sha-384", Rsa2048, Signature::Sha384, None),
        ("rsa-2048-sha-512", Rsa2048, Signature::Sha512, None),
        ("rsa-2048-pss", Rsa2048, Signature::PssSha256, None),
        ("rsa-2048-pss-sha-384", Rsa2048, Signature::PssSha384, None),
        ("rsa-3072", Rsa3072, Signature::Sha256, None),
        ("rsa-4096", Rsa4096, Signature::Sha512, None),
        ("rsa-4096-pss", Rsa4096, Signature::PssSha256, None),
        ("ed25519", Ed25519, Signature::Ed25519, None),
    ] {
        let root = Authority::root(name).key(kind).issue();
        let leaf = root.server("api.test").signature(signature).issue();
        let row = |name: &str, leaf| Row::new(name, leaf).store(store("", &root, &[]));
        match denied {
            Some(cause) => rows.push(row(name, &leaf).denied(cause)),
            None => {
                rows.push(row(name, &leaf));
                let tampered = row(&format!("{name}-tampered"), &leaf.with_broken_signature());
                rows.push(tampered.denied("certificate_signature_invalid"));
            }
        }
    }
    // The leaf is well signed, the issuer is not.
    let tampered = pki.root.intermediate("Tampered").issue();
    let leaf = tampered.server("api.test").issue();
    let impostor = Authority::root("Testbed Root CA").issue();
    rows.push(
        Row::new("root-of-the-same-name", &leaf)
            .store(store("", &impostor, &[&tampered]))
            .denied("certificate_signature_invalid"),
    );
    rows
}

fn was_refused(envoy: &Envoy) -> bool {
    envoy.logs().iter().any(|line| line.contains(RESTRICTED))
}

#[tokio::test]
async fn every_kind_of_signature_is_checked() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();

    let envoy = Table::new(&pki, chains(&pki)).walk().await;

    assert!(!was_refused(&envoy));
}

#[tokio::test]
async fn where_envoy_checks_no_signature_the_verdicts_are_the_same() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let restriction: Value = json!({
        "allowed_capabilities":
            ALLOWED.iter().map(|name| ((*name).to_owned(), json!({}))).collect::<serde_json::Map<_, _>>(),
    });

    let envoy = Table::new(&pki, chains(&pki))
        .plugin(move |wasm| wasm.merge(json!({ "capability_restriction_config": restriction })))
        .walk()
        .await;

    assert!(was_refused(&envoy));
}

/// What nobody could check at run time is refused when the policy loads.
#[tokio::test]
async fn a_ca_whose_signatures_prove_nothing_makes_no_policy() {
    let root = |kind| Authority::root("Useless CA").key(kind).issue();
    let rsa = Authority::root("RSA CA").key(KeyKind::Rsa2048).issue();
    let by_sha_1 = rsa
        .intermediate("Useless CA")
        .signature(Signature::Sha1)
        .issue();

    for (store, reason) in [
        (store("s", &root(KeyKind::P521), &[]), "P-521"),
        (store("s", &root(KeyKind::Rsa1024), &[]), "1024 bits"),
        (store("s", &rsa, &[&by_sha_1]), "SHA-1"),
    ] {
        let policy = json!({ "version": 1, "trust_stores": [store] });
        let listener = HttpListener::new("front")
            .filter(filter("downstream", &policy))
            .route(Route::direct("/", 200, ""));
        let refusal = Envoy::validate(Bootstrap::new().http(listener))
            .await
            .unwrap_err();
        let sentence = refusal
            .lines()
            .find(|line| line.contains("the policy is refused: trust_stores[0]."))
            .unwrap_or_else(|| panic!("{reason}: {refusal}"));
        assert!(sentence.contains("Useless CA"), "{sentence}");
        assert!(sentence.contains(reason), "{sentence}");
    }
}
