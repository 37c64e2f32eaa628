//! The certificates of servers. Envoy itself verifies none of them here: its
//! `UpstreamTlsContext` names no CA, and that is its default.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, SystemTime};

use hopguard_testbed::pki::{Authority, ExtendedKeyUsagePurpose, KeyKind, KeyUsagePurpose, Pki};
use serde_json::json;

use crate::support::store;
use crate::support::table::{Row, Table};

const HOUR: Duration = Duration::from_secs(60 * 60);

#[tokio::test]
async fn only_a_path_to_a_ca_of_the_store_makes_a_server_trusted() {
    let pki = Pki::new();
    let server = pki.server("api.test");
    let good = server.issue();
    let lower = pki.intermediate.intermediate("Lower CA").issue();
    let deep = lower.server("api.test").issue();
    let namesake = Authority::root("Testbed Intermediate CA").issue();
    let not_known = Authority::root("Testbed Root CA").issue();
    let root_alone = store("", &pki.root, &[]);

    Table::new(
        &pki,
        [
            Row::new("through-an-intermediate", &good),
            Row::new("leaf-sent-alone", &good.with_chain([[]; 0])),
            Row::new("by-the-root", &pki.root.server("api.test").issue()).store(root_alone.clone()),
            Row::new("intermediate-only-sent", &good)
                .store(root_alone)
                .denied("certificate_unknown_issuer"),
            Row::new("intermediate-as-ca", &good).store(store("", &pki.intermediate, &[])),
            Row::new("deep", &deep).store(store("", &pki.root, &[&lower, &pki.intermediate])),
            Row::new("deep-with-a-gap", &deep)
                .store(store("", &pki.root, &[&lower]))
                .denied("certificate_unknown_issuer"),
            Row::new("by-another-ca", &pki.other.server("api.test").issue())
                .denied("certificate_unknown_issuer"),
            Row::new("in-the-second-store", &pki.other.server("api.test").issue())
                .store(store("", &pki.root, &[]))
                .store(store("", &pki.other, &[])),
            Row::new("in-no-store", &server.issue())
                .store(store("", &not_known, &[]))
                .store(store("", &pki.other, &[]))
                .denied("certificate_unknown_issuer"),
            Row::new("ca-of-the-same-name", &namesake.server("api.test").issue())
                .denied("certificate_signature_invalid"),
            Row::new("self-signed", &server.clone().self_signed().issue())
                .denied("certificate_unknown_issuer"),
            Row::new("tampered", &good.with_broken_signature())
                .denied("certificate_signature_invalid"),
            Row::plaintext("plaintext").denied("plaintext"),
        ],
    )
    .walk()
    .await;
}

#[tokio::test]
async fn a_server_is_trusted_from_its_first_second_to_its_last() {
    let pki = Pki::new();
    let server = pki.server("api.test");
    let now = SystemTime::now();

    Table::new(
        &pki,
        [
            Row::new("valid", &server.issue()),
            Row::new("expired", &server.clone().expired().issue()).denied("certificate_expired"),
            Row::new("not-yet-valid", &server.clone().not_yet_valid().issue())
                .denied("certificate_not_yet_valid"),
            // Clocks may differ by the policy's `clock_skew_seconds`.
            Row::new(
                "by-a-clock-ahead",
                &server
                    .clone()
                    .validity(now + HOUR, now + 999 * HOUR)
                    .issue(),
            ),
            Row::new(
                "by-a-clock-too-far-ahead",
                &server
                    .clone()
                    .validity(now + 3 * HOUR, now + 999 * HOUR)
                    .issue(),
            )
            .denied("certificate_not_yet_valid"),
            Row::new(
                "too-long-ended",
                &server
                    .clone()
                    .validity(now - 9 * HOUR, now - 3 * HOUR)
                    .issue(),
            )
            .denied("certificate_expired"),
        ],
    )
    .policy(json!({ "clock_skew_seconds": 7200 }))
    .walk()
    .await;
}

#[tokio::test]
async fn weak_and_unusual_keys_are_refused_unless_the_rule_allows_them() {
    let pki = Pki::new();
    let of_kind = |kind| pki.server("api.test").key(kind).issue();
    let rsa_1024 = of_kind(KeyKind::Rsa1024);
    let rsa_2048 = of_kind(KeyKind::Rsa2048);
    let p384 = of_kind(KeyKind::P384);
    let p521 = of_kind(KeyKind::P521);

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
            Row::openssl("ed25519", &of_kind(KeyKind::Ed25519)),
            Row::openssl("dsa", &of_kind(KeyKind::Dsa1024)).no_handshake(),
        ],
    )
    .walk()
    .await;
}

#[tokio::test]
async fn a_certificate_says_what_it_is_for() {
    let pki = Pki::new();
    let server = pki.server("api.test");
    let client_only = server.clone().only_client_auth().issue();
    let none = server.clone().no_extended_key_usage().issue();
    let any = server.clone().any_extended_key_usage().issue();
    let both = server
        .clone()
        .extended_key_usage(ExtendedKeyUsagePurpose::ClientAuth)
        .issue();
    let for_clients = pki
        .root
        .intermediate("Clients CA")
        .extended_key_usage(ExtendedKeyUsagePurpose::ClientAuth)
        .issue();
    let for_servers = pki
        .root
        .intermediate("Servers CA")
        .extended_key_usage(ExtendedKeyUsagePurpose::ServerAuth)
        .issue();
    let if_present = json!({ "extended_key_usage": "if_present" });
    let by = |ca: &Authority| ca.server("api.test").issue();

    Table::new(
        &pki,
        [
            Row::new("server", &server.issue()),
            Row::new("server-and-client", &both),
            Row::new("client-only", &client_only).denied("certificate_usage"),
            Row::new("client-only-if-present", &client_only)
                .peer(if_present.clone())
                .denied("certificate_usage"),
            Row::new("none", &none).denied("certificate_usage"),
            Row::new("none-if-present", &none).peer(if_present.clone()),
            Row::new("any", &any).denied("certificate_usage"),
            Row::new("any-if-present", &any).peer(if_present),
            Row::new("ca-for-servers", &by(&for_servers)).store(store(
                "",
                &pki.root,
                &[&for_servers],
            )),
            Row::new("ca-for-clients", &by(&for_clients))
                .store(store("", &pki.root, &[&for_clients]))
                .denied("certificate_constraint"),
            Row::new("a-ca-itself", &server.clone().ca_as_leaf().issue())
                .denied("certificate_is_ca"),
            Row::new(
                "may-sign-certificates",
                &server
                    .clone()
                    .key_usages([
                        KeyUsagePurpose::DigitalSignature,
                        KeyUsagePurpose::KeyCertSign,
                    ])
                    .issue(),
            )
            .denied("certificate_usage"),
            // BoringSSL demands digitalSignature of the key of an ECDHE handshake.
            Row::new(
                "may-not-sign",
                &server
                    .clone()
                    .key_usages([KeyUsagePurpose::CrlSign])
                    .issue(),
            )
            .no_handshake(),
        ],
    )
    .walk()
    .await;
}

#[tokio::test]
async fn a_ca_vouches_for_no_more_than_it_may() {
    let pki = Pki::new();
    let below = |name: &str| pki.root.intermediate(name);
    let permitting = below("Permitting").permit_dns("api.test").issue();
    let permitting_other = below("Permitting other").permit_dns("other.test").issue();
    let excluding = below("Excluding").exclude_dns("test").issue();
    let excluding_other = below("Excluding other").exclude_dns("other.test").issue();
    let network = below("Network")
        .permit_ip(Ipv4Addr::new(10, 0, 0, 0).into(), 8)
        .issue();
    let last = below("Last").path_len(0).issue();
    let after_the_last = last.intermediate("After the last").issue();
    let short_root = Authority::root("Short Root").path_len(0).issue();
    let too_deep = short_root.intermediate("Too deep").issue();
    let constrained_root = Authority::root("Constrained Root")
        .permit_dns("other.test")
        .issue();
    let below_root = |ca: &Authority| store("", &pki.root, &[ca]);
    let by = |ca: &Authority| ca.server("api.test").issue();
    let with_ip = |ip: [u8; 4]| network.server("api.test").ip(IpAddr::from(ip)).issue();

    Table::new(
        &pki,
        [
            Row::new("permitted", &by(&permitting)).store(below_root(&permitting)),
            Row::new("not-permitted", &by(&permitting_other))
                .store(below_root(&permitting_other))
                .denied("certificate_constraint"),
            Row::new(
                "one-of-two-not-permitted",
                &permitting.server("api.test").dns("x.test").issue(),
            )
            .store(below_root(&permitting))
            .denied("certificate_constraint"),
            Row::new("not-excluded", &by(&excluding_other)).store(below_root(&excluding_other)),
            Row::new("excluded", &by(&excluding))
                .store(below_root(&excluding))
                .denied("certificate_constraint"),
            Row::new("address-permitted", &with_ip([10, 1, 2, 3])).store(below_root(&network)),
            Row::new("address-not-permitted", &with_ip([11, 1, 2, 3]))
                .store(below_root(&network))
                .denied("certificate_constraint"),
            Row::new("not-permitted-by-the-root", &by(&constrained_root))
                .store(store("", &constrained_root, &[]))
                .denied("certificate_constraint"),
            Row::new("last-ca", &by(&last)).store(below_root(&last)),
            Row::new("below-the-last-ca", &by(&after_the_last))
                .store(store("", &pki.root, &[&last, &after_the_last]))
                .denied("certificate_constraint"),
            Row::new("short-root", &by(&short_root)).store(store("", &short_root, &[])),
            Row::new("too-deep-below-the-root", &by(&too_deep))
                .store(store("", &short_root, &[&too_deep]))
                .denied("certificate_constraint"),
        ],
    )
    .walk()
    .await;
}

#[tokio::test]
async fn a_certificate_that_breaks_the_profile_is_refused() {
    const UNKNOWN: &[u64] = &[1, 3, 6, 1, 4, 1, 99999, 1];
    let pki = Pki::new();
    let server = || pki.server("api.test");
    let null = [0x05, 0x00];

    Table::new(
        &pki,
        [
            Row::new(
                "unknown-extension",
                &server().extension(UNKNOWN, false, &null).issue(),
            ),
            Row::new(
                "unknown-critical-extension",
                &server().extension(UNKNOWN, true, &null).issue(),
            )
            .denied("certificate_profile"),
            Row::new("serial-of-20-bytes", &server().serial(&[0x7f; 20]).issue()),
            Row::new("serial-of-21-bytes", &server().serial(&[0x7f; 21]).issue())
                .denied("certificate_profile"),
            Row::new("serial-zero", &server().serial(&[0]).issue()).denied("certificate_profile"),
            Row::new("names-in-the-subject-only", &server().no_sans().issue())
                .denied("name_mismatch"),
        ],
    )
    .walk()
    .await;
}

#[tokio::test]
async fn a_certificate_larger_than_hopguard_reads_is_refused() {
    const UNKNOWN: &[u64] = &[1, 3, 6, 1, 4, 1, 99999, 1];
    let pki = Pki::new();
    // The last name is the one that counts.
    let named = |others: usize| {
        pki.server("api.test")
            .no_sans()
            .many_dns(others)
            .dns("api.test")
            .issue()
    };
    let padded = |bytes: usize| {
        let mut octets = vec![0x04, 0x83];
        octets.extend_from_slice(&(bytes as u32).to_be_bytes()[1..]);
        octets.resize(octets.len() + bytes, 0);
        pki.server("api.test")
            .extension(UNKNOWN, false, &octets)
            .issue()
    };

    Table::new(
        &pki,
        [
            Row::new("2000-names", &named(1_999)),
            Row::new("2001-names", &named(2_000)).denied("certificate_too_large"),
            Row::new("60-kib", &padded(60 * 1024)),
            Row::new("70-kib", &padded(70 * 1024)).denied("certificate_too_large"),
            // BoringSSL takes chains of 100 KiB.
            Row::new("120-kib", &padded(120 * 1024)).no_handshake(),
        ],
    )
    .walk()
    .await;
}
