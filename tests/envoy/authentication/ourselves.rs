//! How this Envoy authenticates itself to a server.

use hopguard_testbed::client::Client;
use hopguard_testbed::config::Cluster;
use hopguard_testbed::pki::{Issued, Pki};
use hopguard_testbed::upstream::{ClientAuth, Upstream};
use serde_json::{Value, json};

use crate::support::table::Outcome::{self, Denied, Served};
use crate::support::table::{Row, Table, any_key};
use crate::support::{exactly_events, gist, guarded_cluster, policy};

const MISSING: Outcome = Denied("credential_missing");

fn by(ways: Value) -> Value {
    json!({ "client_authentication": ways })
}

#[tokio::test]
async fn a_client_certificate_must_be_configured_where_a_rule_says_so() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let server = pki.server("api.test").issue();
    let row = |name: &str| Row::new(name, &server).require(by(json!({ "certificate": true })));
    let with = |name: &str, certificate: &Issued| {
        row(name)
            .tls(any_key().certificate(certificate))
            .server(|server| server.client_auth(ClientAuth::Required))
    };
    let nameless = || pki.client("");

    Table::new(
        &pki,
        [
            with("subject", &pki.client("envoy").issue()),
            with(
                "uri-alone",
                &nameless().uri("spiffe://prod.test/envoy").issue(),
            ),
            with("dns-alone", &nameless().dns("envoy.test").issue()),
            // Envoy shows none of these names.
            with("mailbox-alone", &nameless().email("x@y.test").issue())
                .denied("credential_missing"),
            row("none").denied("credential_missing"),
            row("none-though-asked-for")
                .server(|server| server.client_auth(ClientAuth::Optional))
                .denied("credential_missing"),
            // Whether the server asks is not visible.
            row("not-asked-for").tls(any_key().certificate(&pki.client("envoy").issue())),
            // Not who we are but that we say so: that the server judges.
            with("of-another-ca", &pki.other.client("envoy").issue()),
        ],
    )
    .walk()
    .await;
}

#[tokio::test]
async fn a_credential_in_the_request_must_be_there_where_a_rule_says_so() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let server = pki.server("api.test").issue();
    let row = |name: &str, ways: Value| Row::new(name, &server).require(by(ways));
    let token = |name: &str| json!({ "headers": [name] });

    Table::new(
        &pki,
        [
            // All on one connection, where it is kept: each request for itself.
            row("one", token("authorization"))
                .ask(|r| r.header("authorization", "Bearer x"), Served)
                .ask(|r| r, MISSING)
                .ask(|r| r.header("authorization", "Bearer x"), Served)
                .ask(|r| r.header("authorization", ""), MISSING)
                .ask(|r| r.header("Authorization", b"\xff\xfe"), Served)
                .ask(|r| r.header("x-authorization", "Bearer x"), MISSING)
                .ask(|r| r.header("cookie", "authorization=x"), MISSING),
            row("rule-case", token("X-Api-Key"))
                .ask(|r| r.header("x-api-key", "k"), Served)
                .ask(|r| r.header("authorization", "k"), MISSING),
            row(
                "either",
                json!({ "headers": ["authorization", "x-api-key"] }),
            )
            .ask(|r| r.header("x-api-key", "k"), Served)
            .ask(|r| r.header("authorization", "k"), Served)
            .ask(|r| r.header("x-api", "k"), MISSING),
            // What leaves counts, not what came.
            row("removed", token("authorization"))
                .route(json!({ "request_headers_to_remove": ["authorization"] }))
                .ask(|r| r.header("authorization", "Bearer x"), MISSING),
            row("added", token("authorization"))
                .route(json!({ "request_headers_to_add": [{
                    "header": { "key": "authorization", "value": "Bearer y" },
                }]}))
                .ask(|r| r, Served),
            row(
                "certificate-or-header-with-header",
                json!({ "certificate": true, "headers": ["authorization"] }),
            )
            .ask(|r| r.header("authorization", "Bearer x"), Served)
            .ask(|r| r, MISSING),
            row(
                "certificate-or-header-with-certificate",
                json!({ "certificate": true, "headers": ["authorization"] }),
            )
            .tls(any_key().certificate(&pki.client("envoy").issue()))
            .ask(|r| r.header("authorization", "Bearer x"), Served)
            .ask(|r| r, Served),
            // A credential makes no server trusted.
            row("to-a-stranger", token("authorization"))
                .store(json!({ "ca_certificates": pki.other.pem() }))
                .ask(
                    |r| r.header("authorization", "a secret"),
                    Denied("certificate_unknown_issuer"),
                ),
        ],
    )
    .walk()
    .await;
}

#[tokio::test]
async fn without_tls_no_certificate_authenticates_and_no_credential_leaves() {
    let pki = Pki::new();
    let upstream = Upstream::plaintext().start().await.unwrap();
    let policy = policy(
        &pki,
        json!({ "upstream": [{
            "name": "all",
            "require": {
                "peer_certificate": { "trust_stores": ["ca"], "names": "any" },
                "client_authentication": { "certificate": true },
            },
        }]}),
    );
    let cluster = Cluster::new("backend").endpoint(upstream.addr());
    let envoy = guarded_cluster(cluster, &policy).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    assert_eq!(client.get("/").await.unwrap().status, 503);

    assert_eq!(upstream.raw_received(), b"");
    let events = exactly_events(&envoy, 1).await;
    assert_eq!(
        gist(&events[0]),
        ["hopguard.denied", "plaintext", "V9.2.2", "all"]
    );
    let others: Vec<_> = events[0]["hopguard.findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["cause"].as_str().unwrap(), f["control"].as_str().unwrap()))
        .collect();
    assert_eq!(
        others,
        [
            ("certificate_missing", "V9.2.1"),
            ("credential_missing", "V9.2.3")
        ]
    );
}
