//! The server's hop.

use hopguard_testbed::TlsVersion;
use hopguard_testbed::config::UpstreamTls;
use hopguard_testbed::pki::{Issued, KeyKind, Pki};
use hopguard_testbed::upstream::{ClientAuth, Upstream};
use serde_json::{Value, json};

use super::outcome::{Outcome, Side};
use super::row::{Cast, Row};
use super::table::walk;
use crate::support::day;

fn tls() -> UpstreamTls {
    UpstreamTls::new().sni("api.test")
}

fn any_version() -> UpstreamTls {
    tls()
        .tls_versions(TlsVersion::V1_0, TlsVersion::V1_3)
        .patch(|socket| {
            socket["common_tls_context"]["tls_params"]["cipher_suites"] =
                json!(["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-GCM-SHA256"]);
        })
}

fn names(dns: &str) -> Value {
    json!({ "require": { "peer_certificate": {
        "trust_stores": ["ca"], "names": { "dns": [dns] },
    }}})
}

fn serves(row: Row, certificate: &Issued) -> Row {
    row.server(Upstream::tls(certificate))
}

fn denies(row: Row, certificate: &Issued, cause: &'static str) -> Row {
    serves(row, certificate).denies_server(cause).fields(json!({
        "hopguard.transport": "tls",
        "tls.established": true,
        "server.address": "api.test",
        "hopguard.findings": null,
        "tls.server.hash.sha256": certificate.sha256_hex().to_uppercase(),
    }))
}

/// Rows about servers, for clients that speak first and those that wait.
fn rows(pki: &Pki, pinned: &Issued) -> Vec<Row> {
    let cast = Cast(pki);
    let server = || pki.server("api.test");
    let good = server().issue();
    let of_version = |name: &str, version: TlsVersion| {
        let server = Upstream::openssl(&good).tls_versions(version, version);
        cast.row(name).server(server).tls(any_version())
    };
    let pin = json!({ "require": { "peer_certificate": {
        "trust_stores": ["pins"], "names": "any",
    }}});
    let too_old = |row: Row, version: &str| {
        row.denies_server("tls_version_too_old")
            .fields(json!({ "tls.protocol.version": version, "hopguard.transport": "tls" }))
    };
    vec![
        cast.row("good"),
        cast.row("plaintext")
            .server(Upstream::plaintext())
            .tls(None)
            .denies_server("plaintext")
            .fields(json!({
                "hopguard.transport": "plaintext",
                "tls.established": false,
                "tls.server.hash.sha256": null,
                "server.address": "127.0.0.1",
            })),
        too_old(of_version("tls-1-0", TlsVersion::V1_0), "1.0"),
        too_old(of_version("tls-1-1", TlsVersion::V1_1), "1.1"),
        of_version("tls-1-2", TlsVersion::V1_2),
        of_version("tls-1-3", TlsVersion::V1_3),
        denies(
            cast.row("other-ca"),
            &pki.other.server("api.test").issue(),
            "certificate_unknown_issuer",
        ),
        denies(
            cast.row("tampered"),
            &good.with_broken_signature(),
            "certificate_signature_invalid",
        ),
        denies(
            cast.row("expired"),
            &server().expired().issue(),
            "certificate_expired",
        ),
        denies(
            cast.row("other-name"),
            &pki.server("db.test").issue(),
            "name_mismatch",
        ),
        serves(cast.row("named"), &pki.server("db.test").issue()).upstream(names("db.test")),
        denies(cast.row("not-named"), &good, "name_mismatch").upstream(names("db.test")),
        serves(cast.row("pinned"), pinned)
            .tls(tls().every_key())
            .upstream(pin.clone()),
        denies(cast.row("not-pinned"), &good, "certificate_not_pinned").upstream(pin),
    ]
}

fn pinned(pki: &Pki) -> (Issued, Vec<Value>) {
    let server = pki.server("api.test").key(KeyKind::Rsa2048);
    let pinned = server.self_signed().issue();
    let store = json!({ "name": "pins", "pinned_certificates": pinned.pem() });
    (pinned, vec![store])
}

#[tokio::test]
async fn a_server_is_judged_before_it_gets_the_clients_first_byte() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let (pinned, stores) = pinned(&pki);

    walk(&pki, rows(&pki, &pinned), stores, None).await;
}

/// The client's hop is plaintext: over TLS, see `server_first`.
#[tokio::test]
async fn a_server_that_speaks_first_is_judged_before_the_client_gets_a_byte() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let (pinned, stores) = pinned(&pki);
    let rows = rows(&pki, &pinned);
    let rows = rows
        .into_iter()
        .map(|row| row.plaintext_client().server_first());

    walk(&pki, rows, stores, None).await;
}

#[tokio::test]
async fn the_proxy_has_to_authenticate_itself_where_a_rule_demands_it() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let cast = Cast(&pki);
    let good = pki.server("api.test").issue();
    let ours = pki.client("envoy").issue();
    let demanded = json!({ "require": { "client_authentication": { "certificate": true } } });
    let asking = |name: &str| {
        let server = Upstream::tls(&good).client_auth(ClientAuth::Required);
        cast.row(name).server(server).upstream(demanded.clone())
    };

    walk(
        &pki,
        [
            asking("with").tls(tls().certificate(&ours)),
            cast.row("with-and-unasked")
                .tls(tls().certificate(&ours))
                .upstream(demanded.clone()),
            cast.row("without")
                .upstream(demanded.clone())
                .denies_server("credential_missing")
                .fields(json!({ "hopguard.transport": "tls", "hopguard.findings": null })),
        ],
        vec![],
        None,
    )
    .await;
}

#[tokio::test]
async fn rules_that_report_and_waivers_let_servers_through_until_they_end() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let cast = Cast(&pki);
    let stranger = pki.other.server("api.test").issue();
    let waiver = |controls: &[&str], until: i64| json!({ "waive": [{ "controls": controls, "reason": "CHG-1", "until": day(until) }] });
    let plaintext = |name: &str| cast.row(name).server(Upstream::plaintext()).tls(None);
    let report = json!({ "mode": "report" });

    walk(
        &pki,
        [
            plaintext("reported")
                .upstream(report.clone())
                .outcome(Outcome::WouldDeny(Side::Server, "plaintext"))
                .fields(json!({ "hopguard.verdict": "would_deny" })),
            serves(cast.row("reported-certificate"), &stranger)
                .upstream(report)
                .outcome(Outcome::WouldDeny(
                    Side::Server,
                    "certificate_unknown_issuer",
                )),
            plaintext("waived")
                .upstream(waiver(&["V9.2.1", "V9.2.2"], 90))
                .outcome(Outcome::Served("waived")),
            plaintext("half-waived")
                .upstream(waiver(&["V9.2.2"], 90))
                .denies_server("certificate_missing"),
            plaintext("waived-until-yesterday")
                .upstream(waiver(&["V9.2.1", "V9.2.2"], -1))
                .denies_server("plaintext")
                .fields(json!({
                    "hopguard.waiver.state": "expired",
                    "hopguard.waiver.until": day(-1),
                })),
        ],
        vec![],
        None,
    )
    .await;
}

#[tokio::test]
async fn a_server_that_envoy_itself_refuses_is_told_of_once() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let cast = Cast(&pki);
    let stranger = pki.other.server("api.test").issue();
    let refused = |row: Row, cause| row.outcome(Outcome::NoHandshake(Side::Server, cause));
    let verifying = |name: &str| cast.row(name).tls(tls().trusted_ca(&pki.root));
    let unjudged = json!({ "hopguard.verdict": null });

    walk(
        &pki,
        [
            verifying("trusted"),
            refused(
                serves(verifying("untrusted"), &stranger),
                "tls_certificate_untrusted",
            )
            .fields(unjudged.clone()),
            refused(
                verifying("speaks-no-tls").server(Upstream::plaintext()),
                "tls_plaintext_peer",
            )
            .server_first()
            .plaintext_client()
            .fields(unjudged),
        ],
        vec![],
        None,
    )
    .await;
}
