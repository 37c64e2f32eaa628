//! Older Envoys: what they show is judged the same, and what they do not show
//! is denied.

use hopguard_testbed::client::Client;
use hopguard_testbed::config::UpstreamTls;
use hopguard_testbed::config::{DownstreamTls, TcpListener};
use hopguard_testbed::pki::{Issued, KeyKind, Pki};
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use super::outcome::{Outcome, Side};
use super::row::{Cast, Row};
use super::table::walk;

/// Show digests of certificates, not certificates.
const DIGESTS: [&str; 2] = ["1.36.4", "1.37.0"];
/// Shows certificates.
const PREVIOUS: &str = "1.39.3";

const UNAVAILABLE: &str = "certificate_unavailable";

fn pin(pki: &Pki) -> (Issued, Vec<Value>) {
    let server = pki.server("api.test").key(KeyKind::Rsa2048);
    let pinned = server.self_signed().issue();
    let digest = json!({ "name": "digest", "pinned_certificate_sha256": [pinned.sha256_hex()] });
    let whole = json!({ "name": "whole", "pinned_certificates": pinned.pem() });
    (pinned, vec![digest, whole])
}

fn pinned(row: Row, certificate: &Issued, store: &str) -> Row {
    row.server(Upstream::tls(certificate))
        .tls(UpstreamTls::new().sni("api.test").every_key())
        .upstream(trusting(store))
}

fn trusting(store: &str) -> Value {
    json!({ "require": { "peer_certificate": { "trust_stores": [store], "names": "any" } } })
}

/// Rows that come out alike in all versions.
fn rows(pki: &Pki, certificate: &Issued) -> Vec<Row> {
    let cast = Cast(pki);
    let pinned = |name: &str| pinned(cast.row(name), certificate, "digest");
    let plain = |name: &str| cast.row(name).server(Upstream::plaintext()).tls(None);
    let passed_on = |name: &str| {
        let rule = json!({ "require": { "passthrough": { "server_names": ["api.test"] } } });
        cast.row(name)
            .plaintext_client()
            .client(Client::tls)
            .tls(None)
            .downstream(rule)
            .upstream(json!({ "require": { "passthrough": {} } }))
            .permits()
    };
    vec![
        pinned("pinned"),
        plain("plain").denies_server("plaintext"),
        pinned("plain-client")
            .plaintext_client()
            .downstream(Value::Null)
            .denies_client("plaintext"),
        pinned("waived-client").plaintext_client(),
        pinned("banner").plaintext_client().server_first(),
        plain("plain-banner")
            .plaintext_client()
            .server_first()
            .denies_server("plaintext"),
        pinned("banner-over-tls")
            .server_first()
            .downstream(json!({ "mode": "enforce" }))
            .denies_client("client_handshake_pending"),
        plain("reported")
            .upstream(json!({ "mode": "report" }))
            .outcome(Outcome::WouldDeny(Side::Server, "plaintext")),
        passed_on("passed-on"),
        passed_on("other-name")
            .client(|door| Client::tls(door).sni("db.test"))
            .denies_client("server_name_mismatch"),
        passed_on("passed-on-inspected")
            .listener(|listener| listener.merge(crate::support::tls_inspector())),
    ]
}

#[tokio::test]
async fn where_only_digests_are_shown_pins_work_and_all_else_is_denied() {
    for version in DIGESTS {
        let pki = Pki::new();
        let cast = Cast(&pki);
        let (certificate, stores) = pin(&pki);
        let client = pki.client("web").issue();
        let mut rows = rows(&pki, &certificate);
        rows.extend([
            pinned(cast.row("pinned-whole"), &certificate, "whole"),
            cast.row("by-ca").denies_server(UNAVAILABLE),
            cast.row("other-pin")
                .upstream(trusting("digest"))
                .denies_server(UNAVAILABLE),
            pinned(cast.row("client-by-ca"), &certificate, "digest")
                .door(DownstreamTls::accept_any_client)
                .client(move |door| Client::tls(door).certificate(&client))
                .downstream(trusting("ca"))
                .denies_client(UNAVAILABLE),
        ]);

        let envoy = walk(&pki, rows, stores, Some(version)).await;

        assert_eq!(envoy.version().await.unwrap(), version);
    }
}

#[tokio::test]
async fn the_previous_envoy_judges_connections_like_the_newest() {
    let pki = Pki::new();
    let cast = Cast(&pki);
    let (certificate, stores) = pin(&pki);
    let good = pki.client("web").issue();
    let stranger = pki.other.client("web").issue();
    let by = |name: &str, client: &Issued| {
        let client = client.clone();
        cast.row(name)
            .door(DownstreamTls::accept_any_client)
            .client(move |door| Client::tls(door).certificate(&client))
            .downstream(trusting("ca"))
    };
    let mut rows = rows(&pki, &certificate);
    rows.extend([
        cast.row("by-ca"),
        cast.row("other-ca")
            .server(Upstream::tls(&pki.other.server("api.test").issue()))
            .denies_server("certificate_unknown_issuer"),
        cast.row("server-of-another-name")
            .server(Upstream::tls(&pki.server("db.test").issue()))
            .upstream(json!({ "require": {} }))
            .denies_server("name_mismatch"),
        by("client", &good),
        by("other-client", &stranger).denies_client("certificate_unknown_issuer"),
    ]);

    let envoy = walk(&pki, rows, stores, Some(PREVIOUS)).await;

    assert_eq!(envoy.version().await.unwrap(), PREVIOUS);
}

/// From 1.37 on, Envoy can be made to tell when a client's handshake is complete.
#[tokio::test]
async fn a_server_may_speak_first_over_tls_where_the_handshake_is_seen() {
    for version in [DIGESTS[1], PREVIOUS] {
        let pki = Pki::new();
        let (certificate, stores) = pin(&pki);
        let marked = |listener: TcpListener| super::server_first::marked(listener);
        let row = |name: &str| {
            pinned(Cast(&pki).row(name), &certificate, "digest")
                .server_first()
                .listener(marked)
        };

        walk(
            &pki,
            [
                row("served"),
                row("demanding")
                    .door(DownstreamTls::accept_any_client)
                    .downstream(trusting("ca"))
                    .denies_client("client_certificate_missing"),
                row("plain-server")
                    .server(Upstream::plaintext())
                    .tls(None)
                    .upstream(Value::Null)
                    .denies_server("plaintext"),
            ],
            stores,
            Some(version),
        )
        .await;
    }
}
