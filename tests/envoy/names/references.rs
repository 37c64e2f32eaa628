//! Names that the rule takes from the connection or the request.

use hopguard_testbed::config::UpstreamTls;
use hopguard_testbed::pki::Pki;
use serde_json::json;

use crate::support::table::Outcome::{Denied, NoHandshake, Served};
use crate::support::table::{Outcome, Row, Table};

const MISMATCH: Outcome = Denied("name_mismatch");
const MISSING: Outcome = Denied("reference_name_missing");

fn sni(name: &str) -> UpstreamTls {
    UpstreamTls::new().sni(name)
}

#[tokio::test]
async fn a_server_must_present_the_server_name_that_envoy_asked_for() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let api = pki.server("api.test").issue();
    let row = |name: &str| Row::new(name, &api).names(json!("server_name"));

    Table::new(
        &pki,
        [
            row("same")
                .tls(sni("api.test"))
                .ask(|r| r, Served)
                // The client has no say in it.
                .ask(|r| r.host("db.test"), Served),
            row("case").tls(sni("API.test")),
            row("other")
                .tls(sni("db.test"))
                .ask(|r| r, MISMATCH)
                .ask(|r| r.host("db.test"), MISMATCH),
            row("none")
                .tls(UpstreamTls::new())
                .denied("reference_name_missing"),
            Row::new("wildcard", &pki.server("*.api.test").issue())
                .names(json!("server_name"))
                .tls(sni("db.api.test")),
        ],
    )
    .walk()
    .await;
}

#[tokio::test]
async fn a_server_must_present_the_authority_that_the_request_names() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let api = pki.server("api.test").ip([10, 1, 2, 3]).issue();
    let wildcard = pki.server("*.api.test").issue();
    let row = |name: &str| {
        Row::new(name, &api)
            .names(json!("authority"))
            .tls(sni("db.test"))
    };
    let rewritten = |host: &str| json!({ "host_rewrite_literal": host });

    Table::new(
        &pki,
        [
            // All on one connection, where it is kept: each request for itself.
            row("by-host")
                .ask(|r| r.host("api.test"), Served)
                .ask(|r| r.host("API.test:8443"), Served)
                .ask(|r| r.host("api.test."), Served)
                .ask(|r| r.host("10.1.2.3"), Served)
                .ask(|r| r.host("10.1.2.3:80"), Served)
                .ask(|r| r.host("db.test"), MISMATCH)
                .ask(|r| r.host("api.test"), Served)
                .ask(|r| r.host("10.1.2.4"), MISMATCH)
                .ask(|r| r.host("x.api.test"), MISMATCH)
                .ask(|r| r.host("api.test.db.test"), MISMATCH)
                .ask(|r| r.host("api.test"), Served),
            // A client's host is no pattern.
            Row::new("by-wildcard", &wildcard)
                .names(json!("authority"))
                .ask(|r| r.host("db.api.test"), Served)
                .ask(|r| r.host("*.api.test"), MISMATCH)
                .ask(|r| r.host("*"), MISMATCH)
                .ask(|r| r.host("a.db.api.test"), MISMATCH)
                .ask(|r| r.host("api.test"), MISMATCH),
            // What leaves counts, not what came.
            row("rewritten")
                .action(rewritten("api.test"))
                .ask(|r| r.host("db.test"), Served)
                .ask(|r| r.host("*.api.test"), Served),
            row("rewritten-to-another")
                .action(rewritten("db.test"))
                .ask(|r| r.host("api.test"), MISMATCH),
        ],
    )
    .walk()
    .await;
}

#[tokio::test]
async fn without_a_server_name_the_authority_counts() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let api = pki.server("api.test").issue();
    let row = |name: &str| Row::new(name, &api).names(json!("server_name_or_authority"));

    Table::new(
        &pki,
        [
            row("with")
                .tls(sni("api.test"))
                .ask(|r| r.host("api.test"), Served)
                .ask(|r| r.host("db.test"), Served),
            row("with-another")
                .tls(sni("db.test"))
                .ask(|r| r.host("api.test"), MISMATCH)
                .ask(|r| r.host("db.test"), MISMATCH),
            row("without")
                .tls(UpstreamTls::new())
                .ask(|r| r.host("api.test"), Served)
                .ask(|r| r.host("db.test"), MISMATCH)
                .ask(|r| r.host("api.test"), Served),
        ],
    )
    .walk()
    .await;
}

#[tokio::test]
async fn the_strict_default_demands_the_name_that_the_connection_was_meant_for() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let api = pki.server("api.test").issue();
    let row = |name: &str| Row::new(name, &api).without_rule();

    Table::new(
        &pki,
        [
            row("server-name")
                .tls(sni("api.test"))
                .ask(|r| r.host("db.test"), Served),
            row("other-server-name")
                .tls(sni("db.test"))
                .ask(|r| r.host("api.test"), MISMATCH),
            row("authority")
                .tls(UpstreamTls::new())
                .ask(|r| r.host("api.test"), Served)
                .ask(|r| r.host("db.test"), MISMATCH)
                .ask(|r| r.host("*.test"), MISMATCH),
            // A rule that says nothing of the peer leaves the default's demand.
            Row::new("rule-without-demand", &api)
                .undemanding()
                .tls(sni("db.test"))
                .denied("name_mismatch"),
            Row::new("other-ca", &pki.other.server("api.test").issue())
                .without_rule()
                .denied("certificate_unknown_issuer"),
            // The client's host becomes the server name here, and a connection
            // is shared by requests of one server name only.
            row("server-name-from-host")
                .tls(UpstreamTls::new())
                .cluster(|cluster| {
                    cluster.patch(|cluster| {
                        let options = &mut cluster["typed_extension_protocol_options"];
                        options["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]
                            ["upstream_http_protocol_options"] = json!({ "auto_sni": true });
                    })
                })
                .ask(|r| r.host("api.test"), Served)
                .ask(|r| r.host("db.test"), MISMATCH)
                .ask(|r| r.host("api.test"), Served)
                // The server refuses such a server name.
                .ask(|r| r.host("*.test"), NoHandshake("tls_alert_other")),
        ],
    )
    .policy(json!({ "default_trust_stores": ["ca"] }))
    .walk()
    .await;
}

#[tokio::test]
async fn without_a_host_there_is_no_name_to_compare() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let api = pki.server("api.test").issue();

    Table::new(
        &pki,
        [Row::new("empty-host", &api)
            .names(json!("authority"))
            .ask(|r| r.host("api.test"), Served)
            .ask(|r| r.host(""), MISSING)
            .ask(|r| r.host(":80"), MISSING)],
    )
    .walk()
    .await;
}
