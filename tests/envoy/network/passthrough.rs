//! TLS that Envoy passes on unopened: of it the ClientHello is judged, and
//! nothing leaves before that is whole.

use hopguard_testbed::TlsVersion;
use hopguard_testbed::client::Client;
use hopguard_testbed::config::UpstreamTls;
use hopguard_testbed::pki::Pki;
use serde_json::{Value, json};

use super::row::{Cast, Row};
use super::table::walk;
use crate::support::tls_inspector;

/// A rule about TLS that asks for one of these server names.
fn names(names: &[&str]) -> Value {
    json!({ "require": { "passthrough": { "server_names": names } } })
}

fn any() -> Value {
    json!({ "require": { "passthrough": {} } })
}

/// A listener and a cluster without TLS, between a client and a server that
/// have it.
fn row(pki: &Pki, name: &str, inspected: bool) -> Row {
    let row = Cast(pki)
        .row(name)
        .plaintext_client()
        .client(Client::tls)
        .tls(None)
        .downstream(names(&["api.test", "*.b.test"]))
        .upstream(any())
        .permits();
    match inspected {
        true => row.listener(|listener| listener.merge(tls_inspector())),
        false => row,
    }
}

fn shown() -> Value {
    json!({
        "hopguard.transport": "passthrough",
        "tls.established": null,
        "tls.protocol.version": null,
        "hopguard.findings": null,
    })
}

fn rows(pki: &Pki, inspected: bool) -> Vec<Row> {
    let row = |name: &str| row(pki, name, inspected);
    let denied = |row: Row, cause, name: Option<&str>| {
        row.denies_client(cause)
            .fields(shown())
            .fields(json!({ "server.address": name }))
    };
    let asks =
        |name: &str, sni: &'static str| row(name).client(move |door| Client::tls(door).sni(sni));
    let of = |name: &str, min: TlsVersion, max: TlsVersion| {
        row(name).client(move |door| Client::openssl(door).tls_versions(min, max))
    };
    const MISMATCH: &str = "server_name_mismatch";
    const TOO_OLD: &str = "tls_version_too_old";
    vec![
        row("this-name"),
        asks("upper-case", "API.test"),
        asks("this-pattern", "a.b.test"),
        denied(asks("other-name", "db.test"), MISMATCH, Some("db.test")),
        denied(
            row("no-name").client(|door| Client::tls(door).no_sni()),
            MISMATCH,
            None,
        ),
        row("any-name-and-none")
            .client(|door| Client::tls(door).no_sni())
            .downstream(any()),
        row("both-sides-name").upstream(names(&["api.test"])),
        row("other-side-names")
            .upstream(names(&["db.test"]))
            .denies_server(MISMATCH)
            .fields(shown())
            .fields(json!({ "server.address": "api.test" })),
        of("tls-1-2", TlsVersion::V1_2, TlsVersion::V1_2),
        of("tls-1-3", TlsVersion::V1_3, TlsVersion::V1_3),
        // Without the extension supported_versions: the hello names the newest.
        denied(
            of("tls-1-1", TlsVersion::V1_1, TlsVersion::V1_1),
            TOO_OLD,
            Some("api.test"),
        ),
        denied(
            of("tls-1-0", TlsVersion::V1_0, TlsVersion::V1_0),
            TOO_OLD,
            Some("api.test"),
        ),
        // What the server chooses of these is seen: see `answers`.
        of("tls-1-1-to-1-3", TlsVersion::V1_1, TlsVersion::V1_3),
        of("tls-1-2-to-1-3", TlsVersion::V1_2, TlsVersion::V1_3),
        denied(
            of("tls-1-2-for-1-3", TlsVersion::V1_2, TlsVersion::V1_2),
            TOO_OLD,
            Some("api.test"),
        )
        .downstream(json!({ "require": { "min_tls_version": "1.3", "passthrough": {} } })),
        of("tls-1-3-for-1-3", TlsVersion::V1_3, TlsVersion::V1_3)
            .downstream(json!({ "require": { "min_tls_version": "1.3", "passthrough": {} } })),
    ]
}

#[tokio::test]
async fn a_client_hello_is_judged_before_it_leaves() {
    let pki = Pki::new();

    walk(&pki, rows(&pki, false), vec![], None).await;
}

#[tokio::test]
async fn where_envoy_reads_the_server_name_the_verdicts_are_the_same() {
    let pki = Pki::new();

    walk(&pki, rows(&pki, true), vec![], None).await;
}

#[tokio::test]
async fn passing_tls_on_is_a_matter_of_both_sides_and_of_where_tls_ends() {
    let pki = Pki::new();
    let row = |name: &str| row(&pki, name, false);
    let ends_here = || Cast(&pki).row("ends-here");
    let established = json!({ "hopguard.transport": "tls", "tls.established": true });

    walk(
        &pki,
        [
            row("no-rule")
                .downstream(Value::Null)
                .denies_client("passthrough_not_allowed")
                .fields(shown()),
            row("other-rule")
                .downstream(json!({ "require": { "min_tls_version": "1.2" } }))
                .denies_client("passthrough_not_allowed")
                .fields(shown()),
            row("no-rule-for-the-server")
                .upstream(Value::Null)
                .denies_server("passthrough_not_allowed")
                .fields(shown()),
            // TLS within TLS: what the server gets is not what the client began.
            row("begins-here")
                .tls(UpstreamTls::new().sni("api.test"))
                .denies_server("passthrough_expected")
                .fields(established.clone()),
            ends_here()
                .downstream(any())
                .denies_client("passthrough_expected")
                .fields(established),
        ],
        vec![],
        None,
    )
    .await;
}

/// Where no rule speaks of it, no bytes are read to tell it from plaintext.
#[tokio::test]
async fn without_a_rule_that_passes_tls_on_it_is_plaintext() {
    let pki = Pki::new();
    let row = row(&pki, "front", false)
        .downstream(Value::Null)
        .denies_client("plaintext")
        .fields(json!({ "hopguard.transport": "plaintext", "tls.established": false }));

    walk(&pki, [row], vec![], None).await;
}
