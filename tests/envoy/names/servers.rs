//! The names of servers that a rule lists.

use std::net::{Ipv4Addr, Ipv6Addr};

use hopguard_testbed::pki::{LeafBuilder, Pki};
use serde_json::{Value, json};

use crate::support::store;
use crate::support::table::{Row, Table};

/// Rows of a name, what the certificate presents, what the rule demands, and
/// whether that fits.
fn rows<const N: usize>(cases: [(&str, LeafBuilder, Value, bool); N]) -> Vec<Row> {
    cases
        .into_iter()
        .map(|(name, certificate, demanded, fits)| {
            let row = Row::new(name, &certificate.issue()).names(demanded);
            if fits {
                row
            } else {
                row.denied("name_mismatch")
            }
        })
        .collect()
}

#[tokio::test]
async fn a_dns_name_is_matched_as_a_whole() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let presenting = |name: &str| pki.server("cn.test").no_sans().dns(name);
    let dns = |name: &str| json!({ "dns": [name] });

    Table::new(
        &pki,
        rows([
            ("same", presenting("api.test"), dns("api.test"), true),
            ("other", presenting("api.test"), dns("db.test"), false),
            (
                "longer",
                presenting("api.test.evil.test"),
                dns("api.test"),
                false,
            ),
            ("prefixed", presenting("x-api.test"), dns("api.test"), false),
            ("above", presenting("api.test"), dns("a.api.test"), false),
            ("case", presenting("API.Test"), dns("api.test"), true),
            ("rule-case", presenting("api.test"), dns("API.Test"), true),
            ("root-dot", presenting("api.test"), dns("api.test."), true),
            (
                "nul",
                presenting("api.test\0.evil.test"),
                dns("api.test"),
                false,
            ),
            ("space", presenting(" api.test"), dns("api.test"), false),
            (
                "wildcard",
                presenting("*.api.test"),
                dns("db.api.test"),
                true,
            ),
            (
                "wildcard-two-labels",
                presenting("*.api.test"),
                dns("a.db.api.test"),
                false,
            ),
            (
                "wildcard-no-label",
                presenting("*.api.test"),
                dns("api.test"),
                false,
            ),
            (
                "wildcard-part",
                presenting("d*.api.test"),
                dns("db.api.test"),
                false,
            ),
            (
                "wildcard-inside",
                presenting("db.*.test"),
                dns("db.api.test"),
                false,
            ),
            ("wildcard-of-all", presenting("*"), dns("api"), false),
            (
                "wildcard-of-tld",
                presenting("*.test"),
                dns("api.test"),
                false,
            ),
            ("glob", presenting("db.api.test"), dns("*.api.test"), true),
            (
                "glob-two-labels",
                presenting("a.db.api.test"),
                dns("*.api.test"),
                false,
            ),
            (
                "glob-no-label",
                presenting("api.test"),
                dns("*.api.test"),
                false,
            ),
            (
                "glob-of-wildcard",
                presenting("*.api.test"),
                dns("*.api.test"),
                true,
            ),
            (
                "glob-of-other-wildcard",
                presenting("*.db.test"),
                dns("*.api.test"),
                false,
            ),
            (
                "second-of-the-rule",
                presenting("api.test"),
                json!({ "dns": ["db.test", "api.test"] }),
                true,
            ),
        ]),
    )
    .walk()
    .await;
}

#[tokio::test]
async fn names_of_one_kind_are_compared_with_that_kind_only() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let bare = || pki.server("api.test").no_sans();
    let v4 = Ipv4Addr::new(10, 1, 2, 3);
    let ip = |text: &str| json!({ "ip": [text] });
    let uri = |text: &str| json!({ "uri": [text] });
    let dns = |text: &str| json!({ "dns": [text] });

    Table::new(
        &pki,
        rows([
            ("ip", bare().ip(v4), ip("10.1.2.3"), true),
            ("other-ip", bare().ip(v4), ip("10.1.2.4"), false),
            (
                "ip-as-dns-name",
                bare().dns("10.1.2.3"),
                ip("10.1.2.3"),
                false,
            ),
            (
                "ip-as-uri",
                bare().uri("https://10.1.2.3"),
                ip("10.1.2.3"),
                false,
            ),
            ("ipv6", bare().ip(Ipv6Addr::LOCALHOST), ip("0:0::1"), true),
            (
                "other-ipv6",
                bare().ip(Ipv6Addr::LOCALHOST),
                ip("::2"),
                false,
            ),
            (
                "mapped-ip",
                bare().ip(v4.to_ipv6_mapped()),
                ip("10.1.2.3"),
                false,
            ),
            (
                "uri",
                bare().uri("https://api.test/a"),
                uri("https://api.test/a"),
                true,
            ),
            (
                "other-uri",
                bare().uri("https://api.test/b"),
                uri("https://api.test/a"),
                false,
            ),
            ("uri-glob", bare().uri("urn:x:a/b"), uri("urn:x:a/*"), true),
            (
                "uri-glob-of-one",
                bare().uri("urn:x:a/b/c"),
                uri("urn:x:a/*"),
                false,
            ),
            (
                "uri-for-dns-name",
                bare().uri("https://api.test"),
                dns("api.test"),
                false,
            ),
            (
                "email-for-dns-name",
                bare().email("x@api.test"),
                dns("api.test"),
                false,
            ),
            ("common-name-alone", bare(), dns("api.test"), false),
            (
                "common-name-beside",
                bare().dns("db.test"),
                dns("api.test"),
                false,
            ),
            (
                "either-kind",
                bare().ip(v4),
                json!({ "dns": ["api.test"], "ip": ["10.1.2.3"] }),
                true,
            ),
        ]),
    )
    .walk()
    .await;
}

#[tokio::test]
async fn every_name_of_the_certificate_counts() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let nine = || {
        pki.server("a.test")
            .many_dns(4)
            .uri("urn:x:y")
            .ip(Ipv4Addr::new(10, 0, 0, 1))
            .email("x@y.test")
            .dns("z.test")
    };
    let uris = || pki.server("a.test").many_dns(9);

    Table::new(
        &pki,
        rows([
            (
                "last-dns",
                nine().dns("api.test"),
                json!({ "dns": ["api.test"] }),
                true,
            ),
            (
                "no-dns",
                nine().dns("web.test"),
                json!({ "dns": ["api.test"] }),
                false,
            ),
            (
                "last-ip",
                nine().ip([10, 0, 0, 2]),
                json!({ "ip": ["10.0.0.2"] }),
                true,
            ),
            (
                "no-ip",
                nine().ip([10, 0, 0, 3]),
                json!({ "ip": ["10.0.0.2"] }),
                false,
            ),
            (
                "last-uri",
                nine().uri("urn:x:z"),
                json!({ "uri": ["urn:x:z"] }),
                true,
            ),
            (
                "no-uri",
                nine().uri("urn:x:w"),
                json!({ "uri": ["urn:x:z"] }),
                false,
            ),
            (
                "last-spiffe",
                uris().uri("spiffe://prod.test/a"),
                json!({ "spiffe": ["spiffe://prod.test/a"] }),
                true,
            ),
            (
                "no-spiffe",
                uris().uri("spiffe://prod.test/b"),
                json!({ "spiffe": ["spiffe://prod.test/a"] }),
                false,
            ),
        ]),
    )
    .walk()
    .await;
}

#[tokio::test]
async fn a_spiffe_id_is_matched_by_domain_and_path() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let svid = |id: &str| pki.server("api.test").no_sans().uri(id);
    let web = || svid("spiffe://prod.test/ns/web/sa/front");
    let ids = |pattern: &str| json!({ "spiffe": [pattern] });
    let of_domain = |domain: &str| {
        let mut store = store("", &pki.root, &[&pki.intermediate]);
        store["spiffe_trust_domains"] = json!([domain]);
        store
    };

    let mut rows = rows([
        (
            "same",
            web(),
            ids("spiffe://prod.test/ns/web/sa/front"),
            true,
        ),
        (
            "other-path",
            web(),
            ids("spiffe://prod.test/ns/web/sa/back"),
            false,
        ),
        (
            "other-domain",
            web(),
            ids("spiffe://stage.test/ns/web/sa/front"),
            false,
        ),
        (
            "one-segment",
            web(),
            ids("spiffe://prod.test/ns/*/sa/front"),
            true,
        ),
        (
            "one-segment-of-two",
            web(),
            ids("spiffe://prod.test/*/sa/front"),
            false,
        ),
        ("any-segments", web(), ids("spiffe://prod.test/**"), true),
        (
            "any-segments-of-another",
            web(),
            ids("spiffe://prod.test/db/**"),
            false,
        ),
        (
            "path-case",
            web(),
            ids("spiffe://prod.test/NS/web/sa/front"),
            false,
        ),
        (
            "trailing-slash",
            svid("spiffe://prod.test/a/"),
            ids("spiffe://prod.test/**"),
            false,
        ),
        (
            "dot-segment",
            svid("spiffe://prod.test/a/../b"),
            ids("spiffe://prod.test/**"),
            false,
        ),
        (
            "no-path",
            svid("spiffe://prod.test"),
            ids("spiffe://prod.test/**"),
            false,
        ),
        (
            "port",
            svid("spiffe://prod.test:80/a"),
            ids("spiffe://prod.test/**"),
            false,
        ),
        (
            "two-ids",
            web().uri("spiffe://prod.test/other"),
            ids("spiffe://prod.test/**"),
            false,
        ),
    ]);
    let row = |name: &str, leaf: LeafBuilder| {
        Row::new(name, &leaf.issue())
            .store(of_domain("prod.test"))
            .names(json!(null))
    };
    rows.extend([
        row("of-the-stores-domain", web()),
        row("of-another-domain", svid("spiffe://stage.test/a")).denied("spiffe_id_invalid"),
        row("without-an-id", pki.server("api.test")).denied("spiffe_id_invalid"),
        row("with-two-ids", web().uri("spiffe://prod.test/b")).denied("spiffe_id_invalid"),
        Row::new("by-a-second-domain", &svid("spiffe://stage.test/a").issue())
            .store(of_domain("prod.test"))
            .store(of_domain("stage.test"))
            .names(json!(null)),
    ]);
    Table::new(&pki, rows).walk().await;
}
