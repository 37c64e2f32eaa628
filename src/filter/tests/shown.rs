use super::*;
use crate::host::attributes as at;
use crate::host::{Host, Level};

const SHA256: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
/// What is said of a missing certificate and a missing server name.
const NO_CERTIFICATE: &str = "hopguard: of upstream connections this Envoy does not show peer_certificate (Envoy 1.38): what rules demand of certificates, other than pinned ones, is denied";
const NO_NAME: &str = "hopguard: of upstream connections this Envoy does not show server_name (Envoy 1.39, and an `sni` of the cluster): ";

/// A server that a policy is asked about, and what the host says of attributes.
fn notes(policy: &str, streams: &[&[(at::Path, &str)]]) -> Vec<(Level, String)> {
    let (mut guard, host) = guard(Direction::Upstream, policy);
    for (stream, shown) in (1..).zip(streams) {
        host.set(stream, at::CLUSTER_NAME, "c");
        host.set(stream, at::UPSTREAM_ADDRESS, "10.0.0.1:80");
        host.set(
            stream,
            at::UPSTREAM_LOCAL_ADDRESS,
            format!("10.0.0.9:{stream}"),
        );
        host.set(stream, at::UPSTREAM_ATTEMPT, 1u64.to_le_bytes());
        for (path, value) in *shown {
            host.set(stream, path, *value);
        }
        host.select(stream);
        guard.on_upstream_request(stream);
    }
    host.notes.take()
}

const TLS: (at::Path, &str) = (at::UPSTREAM_TLS_VERSION, "TLSv1.3");
const DIGEST: (at::Path, &str) = (at::UPSTREAM_PEER_SHA256, SHA256);
const PEM: (at::Path, &str) = (at::UPSTREAM_PEER_CERTIFICATE, "-----BEGIN…");
const NAME: (at::Path, &str) = (at::UPSTREAM_SERVER_NAME, "api.test");

#[test]
fn what_is_shown_is_told_once() {
    let all: &[_] = &[TLS, DIGEST, PEM, NAME];
    let line = "hopguard: of upstream connections this Envoy shows tls_version, sha256_peer_certificate_digest, peer_certificate, server_name";
    assert_eq!(
        notes(r#"{"version": 1}"#, &[all, all]),
        [(Level::Info, line.to_owned())]
    );
}

#[test]
fn what_is_missing_is_warned_of_where_a_rule_needs_it() {
    let shown = "hopguard: of upstream connections this Envoy shows tls_version, sha256_peer_certificate_digest";
    let told = |level, name: &str| {
        vec![
            (Level::Info, shown.to_owned()),
            (Level::Warn, NO_CERTIFICATE.to_owned()),
            (level, format!("{NO_NAME}{name}")),
        ]
    };
    assert_eq!(
        notes(r#"{"version": 1}"#, &[&[TLS, DIGEST], &[TLS, DIGEST]]),
        told(Level::Info, "no rule needs it")
    );
    let by_name = r#"{"version": 1, "upstream": [
        {"name": "r", "match": {"server_names": ["api.test"]}}
    ]}"#;
    assert_eq!(
        notes(by_name, &[&[TLS, DIGEST]]),
        told(
            Level::Warn,
            "rules that match server names match nothing, and names are not compared with it"
        )
    );
}

#[test]
fn a_connection_without_a_certificate_tells_nothing() {
    assert_eq!(notes(r#"{"version": 1}"#, &[&[], &[TLS]]), []);
}
