//! The client's hop.

use hopguard_testbed::TlsVersion;
use hopguard_testbed::client::Client;
use hopguard_testbed::config::DownstreamTls;
use hopguard_testbed::pki::{Issued, Pki};
use serde_json::{Value, json};

use super::outcome::{Outcome, Side};
use super::row::{Cast, Row};
use super::table::walk;
use crate::support::day;

/// The rule wants a certificate of `ca` with this SPIFFE id.
fn certificate_of(id: &str) -> Value {
    json!({ "require": { "peer_certificate": {
        "trust_stores": ["ca"], "names": { "spiffe": [id] },
    }}})
}

/// A listener that speaks every version of TLS.
fn any_version(door: DownstreamTls) -> DownstreamTls {
    door.tls_versions(TlsVersion::V1_0, TlsVersion::V1_3)
        .patch(|socket| {
            socket["common_tls_context"]["tls_params"]["cipher_suites"] =
                json!(["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-GCM-SHA256"]);
        })
}

fn with(certificate: &Issued) -> impl Fn(std::net::SocketAddr) -> Client + 'static {
    let certificate = certificate.clone();
    move |door| Client::tls(door).certificate(&certificate)
}

#[tokio::test]
async fn a_clients_tls_is_judged_before_its_bytes_pass() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let cast = Cast(&pki);
    let version = |name: &str, version: TlsVersion| {
        cast.row(name)
            .door(any_version)
            .client(move |door| Client::openssl(door).tls_versions(version, version))
    };
    let shown = |version: &str| {
        json!({
            "hopguard.transport": "tls",
            "tls.established": true,
            "tls.protocol.version": version,
            "server.address": null,
        })
    };
    let too_old = |row: Row, version: &str| {
        row.denies_client("tls_version_too_old")
            .fields(shown(version))
    };
    let only_1_3 = json!({ "require": { "min_tls_version": "1.3" } });
    let down_to_1_1 = json!({ "require": { "min_tls_version": "1.1" } });
    let plaintext = json!({
        "hopguard.transport": "plaintext",
        "tls.established": false,
        "tls.protocol.version": null,
    });

    walk(
        &pki,
        [
            cast.row("tls"),
            cast.row("plaintext")
                .plaintext_client()
                .downstream(Value::Null)
                .denies_client("plaintext")
                .fields(plaintext),
            too_old(version("tls-1-0", TlsVersion::V1_0), "1.0"),
            too_old(version("tls-1-1", TlsVersion::V1_1), "1.1"),
            version("tls-1-2", TlsVersion::V1_2),
            version("tls-1-3", TlsVersion::V1_3),
            too_old(
                version("tls-1-2-for-1-3", TlsVersion::V1_2).downstream(only_1_3.clone()),
                "1.2",
            ),
            version("tls-1-3-for-1-3", TlsVersion::V1_3).downstream(only_1_3),
            version("tls-1-1-allowed", TlsVersion::V1_1).downstream(down_to_1_1.clone()),
            too_old(
                version("tls-1-0-for-1-1", TlsVersion::V1_0).downstream(down_to_1_1),
                "1.0",
            ),
        ],
        vec![],
        None,
    )
    .await;
}

#[tokio::test]
async fn a_clients_certificate_is_judged_before_its_bytes_pass() {
    crate::support::needs!(PeerCertificate);
    const ID: &str = "spiffe://prod.test/ns/a/sa/b";
    let pki = Pki::new();
    let cast = Cast(&pki);
    let client = || pki.client("web").uri(ID);
    let good = client().issue();
    let row = |name: &str| {
        cast.row(name)
            .door(DownstreamTls::accept_any_client)
            .downstream(certificate_of("spiffe://prod.test/ns/a/**"))
    };
    let bad = |name: &str, certificate: &Issued, cause| {
        row(name)
            .client(with(certificate))
            .denies_client(cause)
            .fields(json!({
                "tls.client.hash.sha256": certificate.sha256_hex().to_uppercase(),
                "tls.client.subject": "CN=web",
                "hopguard.findings": null,
            }))
    };

    walk(
        &pki,
        [
            row("good").client(with(&good)),
            row("none")
                .denies_client("client_certificate_missing")
                .fields(json!({ "hopguard.transport": "tls", "tls.client.hash.sha256": null })),
            bad(
                "other-ca",
                &client().issuer(&pki.other).issue(),
                "certificate_unknown_issuer",
            ),
            bad(
                "tampered",
                &good.with_broken_signature(),
                "certificate_signature_invalid",
            ),
            bad(
                "expired",
                &client().expired().issue(),
                "certificate_expired",
            ),
            bad(
                "not-yet-valid",
                &client().not_yet_valid().issue(),
                "certificate_not_yet_valid",
            ),
            bad(
                "other-id",
                &pki.client("web")
                    .uri("spiffe://prod.test/ns/b/sa/b")
                    .issue(),
                "name_mismatch",
            ),
            bad("no-id", &pki.client("web").issue(), "name_mismatch"),
            bad(
                "of-a-server",
                &client().only_server_auth().issue(),
                "certificate_usage",
            ),
            // Without the rule, nobody asks.
            row("unasked").downstream(Value::Null),
        ],
        vec![],
        None,
    )
    .await;
}

#[tokio::test]
async fn a_client_that_envoy_itself_refuses_is_told_of_once() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let cast = Cast(&pki);
    let good = pki.client("web").issue();
    let stranger = pki.other.client("web").issue();
    let root = pki.root.clone();
    let row = |name: &str| {
        let root = root.clone();
        cast.row(name)
            .door(move |door| door.require_client(&root))
            .fields(json!({ "hopguard.verdict": null, "hopguard.attempt": null }))
    };
    let refused = |cause| Outcome::NoHandshake(Side::Client, cause);

    walk(
        &pki,
        [
            row("good").client(with(&good)),
            row("other-ca")
                .client(with(&stranger))
                .outcome(refused("tls_certificate_untrusted")),
            row("none").outcome(refused("tls_client_certificate_missing")),
            row("no-tls")
                .client(Client::plaintext)
                .outcome(refused("tls_plaintext_peer")),
            row("too-old")
                .client(|door| {
                    Client::openssl(door).tls_versions(TlsVersion::V1_1, TlsVersion::V1_1)
                })
                .outcome(refused("tls_version_mismatch")),
        ],
        vec![],
        None,
    )
    .await;
}

#[tokio::test]
async fn rules_that_report_and_waivers_let_clients_through_until_they_end() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let cast = Cast(&pki);
    let stranger = pki.other.client("web").issue();
    let waiver = |controls: &[&str], until: i64| json!([{ "controls": controls, "reason": "CHG-1", "until": day(until) }]);
    let report = json!({ "mode": "report" });
    let any_certificate = || certificate_of("spiffe://prod.test/**");
    let mut reported = any_certificate();
    reported["mode"] = json!("report");
    let mut waived = any_certificate();
    waived["waive"] = waiver(&["V9.2.1"], 90);
    let asking = |name: &str| cast.row(name).door(DownstreamTls::accept_any_client);
    let expired = json!({
        "hopguard.waiver.state": "expired",
        "hopguard.waiver.until": day(-1),
        "hopguard.waiver.reason": "CHG-1",
    });

    walk(
        &pki,
        [
            cast.row("reported")
                .plaintext_client()
                .downstream(report)
                .outcome(Outcome::WouldDeny(Side::Client, "plaintext"))
                .fields(json!({ "hopguard.verdict": "would_deny" })),
            asking("reported-certificate")
                .client(with(&stranger))
                .downstream(reported)
                .outcome(Outcome::WouldDeny(
                    Side::Client,
                    "certificate_unknown_issuer",
                )),
            cast.row("waived").plaintext_client(),
            cast.row("waived-until-yesterday")
                .plaintext_client()
                .downstream(json!({ "waive": waiver(&["V9.2.2"], -1) }))
                .denies_client("plaintext")
                .fields(expired),
            asking("waived-certificate")
                .client(with(&stranger))
                .downstream(waived.clone())
                .outcome(Outcome::Served("waived")),
            // The waiver is about V9.2.1, that there is none is V9.2.3.
            asking("waived-other-control")
                .downstream(waived)
                .denies_client("client_certificate_missing"),
        ],
        vec![],
        None,
    )
    .await;
}
