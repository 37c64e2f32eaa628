//! The server speaks first, over TLS to the client: its banner may come before
//! the client's handshake is complete, and cannot be held back.

use hopguard_testbed::TlsVersion;
use hopguard_testbed::client::Client;
use hopguard_testbed::config::{DownstreamTls, TcpListener};
use hopguard_testbed::pki::{Issued, Pki};
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use super::row::{Cast, Row};
use super::table::walk;

const PENDING: &str = "client_handshake_pending";

/// Envoy connects to the server when the client's handshake is complete.
fn connect_late() -> Value {
    json!({ "upstream_connect_mode": "ON_DOWNSTREAM_TLS_HANDSHAKE", "max_early_data_bytes": 1 })
}

/// Tells the filters after it that the client's handshake is complete.
fn marker() -> Value {
    let kind = "type.googleapis.com/envoy.extensions.filters.network.set_filter_state.v3.Config";
    json!({ "name": "marker", "typed_config": {
        "@type": kind,
        "on_downstream_tls_handshake": [{
            "object_key": "hopguard.downstream_tls_handshake",
            "factory_key": "envoy.string",
            "format_string": { "text_format_source": { "inline_string": "complete" } },
        }],
    }})
}

pub fn marked(listener: TcpListener) -> TcpListener {
    listener.filter(marker()).proxy(connect_late())
}

fn every_version(door: DownstreamTls) -> DownstreamTls {
    door.accept_any_client()
        .tls_versions(TlsVersion::V1_0, TlsVersion::V1_3)
        .patch(|socket| {
            socket["common_tls_context"]["tls_params"]["cipher_suites"] =
                json!(["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-GCM-SHA256"]);
        })
}

fn of_version(row: Row, version: TlsVersion) -> Row {
    row.client(move |door| Client::openssl(door).tls_versions(version, version))
}

fn with(row: Row, certificate: &Issued) -> Row {
    let certificate = certificate.clone();
    row.client(move |door| Client::tls(door).certificate(&certificate))
}

#[tokio::test]
async fn a_client_of_tls_is_denied_unless_its_handshake_is_seen_to_be_complete() {
    let pki = Pki::new();
    let cast = Cast(&pki);
    let row = |name: &str| cast.row(name).door(every_version).server_first();
    let pending = |row: Row| {
        // A rule of its own, so that no event is folded.
        let row = row.downstream(json!({ "mode": "enforce" }));
        row.denies_client(PENDING).fields(json!({
            "hopguard.transport": null,
            "tls.established": null,
            "tls.protocol.version": null,
        }))
    };
    let by_default = |n: usize, version| {
        pending(of_version(
            row(&format!("default-{n}-{version:?}")),
            version,
        ))
    };
    // Neither half of the configuration is enough.
    let half =
        |name: &str, change: fn(TcpListener) -> TcpListener| pending(row(name).listener(change));
    let rows = (0..8)
        .flat_map(|n| {
            [
                by_default(n, TlsVersion::V1_2),
                by_default(n, TlsVersion::V1_3),
            ]
        })
        .chain([
            by_default(0, TlsVersion::V1_1),
            half("late-without-marker", |l| l.proxy(connect_late())),
            // What a client proves of itself does not matter.
            pending(with(row("certificate"), &pki.client("web").issue())),
        ]);

    walk(&pki, rows, vec![], None).await;
}

#[tokio::test]
async fn a_client_is_served_where_the_server_is_connected_after_its_handshake() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let cast = Cast(&pki);
    let row = |name: &str| {
        cast.row(name)
            .door(every_version)
            .server_first()
            .listener(marked)
    };
    let demanding = |name: &str| {
        row(name).downstream(json!({ "require": { "peer_certificate": {
            "trust_stores": ["ca"], "names": "any",
        }}}))
    };
    let stranger = pki.other.client("web").issue();
    let too_old = |row: Row, version: &str| {
        row.denies_client("tls_version_too_old")
            .fields(json!({ "hopguard.transport": "tls", "tls.protocol.version": version }))
    };
    let rows = (0..10)
        .flat_map(|n| {
            [TlsVersion::V1_2, TlsVersion::V1_3].map(|version| {
                row(&format!("{n}-{version:?}"))
                    .client(move |door| Client::tls(door).tls_versions(version, version))
            })
        })
        .chain([
            too_old(of_version(row("tls-1-1"), TlsVersion::V1_1), "1.1"),
            too_old(of_version(row("tls-1-0"), TlsVersion::V1_0), "1.0"),
            with(demanding("certificate"), &pki.client("web").issue()),
            demanding("no-certificate").denies_client("client_certificate_missing"),
            with(demanding("other-ca"), &stranger)
                .denies_client("certificate_unknown_issuer")
                .fields(json!({
                    "tls.client.hash.sha256": stranger.sha256_hex().to_uppercase(),
                })),
            // A good client and a bad server: of its banner, nothing.
            row("plaintext-server")
                .server(Upstream::plaintext())
                .tls(None)
                .denies_server("plaintext"),
            row("other-server")
                .server(Upstream::tls(&pki.other.server("api.test").issue()))
                .denies_server("certificate_unknown_issuer"),
            // The same listener for protocols whose client speaks first.
            cast.row("client-first")
                .door(every_version)
                .listener(marked),
            cast.row("client-first-plaintext")
                .plaintext_client()
                .listener(|listener| listener.filter(marker())),
            cast.row("server-first-plaintext")
                .server_first()
                .plaintext_client()
                .listener(marked),
        ]);

    walk(&pki, rows, vec![], None).await;
}
