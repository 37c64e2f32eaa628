//! The certificates of servers. Envoy itself verifies none of them here: its
//! `UpstreamTlsContext` names no CA, and that is its default.

use std::time::{Duration, SystemTime};

use hopguard_testbed::pki::{Authority, KeyKind, Pki};
use serde_json::json;

use crate::support::store;
use crate::support::table::{Row, Table};

const HOUR: Duration = Duration::from_secs(60 * 60);

#[tokio::test]
async fn only_a_path_to_a_ca_of_the_store_makes_a_server_trusted() {
    crate::support::needs!(PeerCertificate);
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
    crate::support::needs!(PeerCertificate);
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
async fn a_certificate_that_breaks_the_profile_is_refused() {
    crate::support::needs!(PeerCertificate);
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
    crate::support::needs!(PeerCertificate);
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
            Row::new("120-kib", &padded(120 * 1024)).no_handshake("tls_protocol_error"),
        ],
    )
    .walk()
    .await;
}

/// As many CAs of one name as a store may have, and all of them with one key.
#[tokio::test]
async fn a_search_among_namesakes_ends() {
    crate::support::needs!(PeerCertificate);
    const NAMESAKES: usize = 16;
    let pki = Pki::new();
    let roots: Vec<_> = (0..NAMESAKES)
        .map(|_| Authority::root("Root").issue())
        .collect();
    let absent_root = Authority::root("Root").issue();
    // RSA keys are shared, so that each of these seems to have signed the leaf.
    let below = |root: &Authority| root.intermediate("CA").key(KeyKind::Rsa2048).issue();
    let bundle =
        |authorities: &[Authority]| -> String { authorities.iter().map(Authority::pem).collect() };
    let store_of = |intermediates: &[Authority]| {
        json!({
            "ca_certificates": bundle(&roots),
            "intermediate_certificates": bundle(intermediates),
        })
    };
    let good: Vec<_> = roots.iter().map(below).collect();
    let astray: Vec<_> = (0..NAMESAKES).map(|_| below(&absent_root)).collect();
    let leaf = good[0].server("api.test").issue();
    let last_root = roots.last().unwrap();

    Table::new(
        &pki,
        [
            Row::new("found", &leaf).store(store_of(&good)),
            Row::new("found-last", &last_root.server("api.test").issue()).store(store_of(&good)),
            Row::new("not-found", &absent_root.server("api.test").issue())
                .store(store_of(&good))
                .denied("certificate_signature_invalid"),
            Row::new("given-up", &leaf)
                .store(store_of(&astray))
                .denied("path_budget_exceeded"),
        ],
    )
    .walk()
    .await;
}
