//! What a certificate may be used for, and what a CA may vouch for.

use std::net::{IpAddr, Ipv4Addr};

use hopguard_testbed::pki::{Authority, ExtendedKeyUsagePurpose, KeyUsagePurpose, Pki};
use serde_json::json;

use crate::support::store;
use crate::support::table::{Row, Table};

#[tokio::test]
async fn a_certificate_says_what_it_is_for() {
    crate::support::needs!(PeerCertificate);
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
            .no_handshake("tls_certificate_unsuitable"),
        ],
    )
    .walk()
    .await;
}

#[tokio::test]
async fn a_ca_vouches_for_no_more_than_it_may() {
    crate::support::needs!(PeerCertificate);
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
