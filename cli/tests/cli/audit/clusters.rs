//! Servers.

use hopguard_testbed::pki::Authority;
use serde_json::{Value, json};

use super::configs::{cluster, tls_cluster, with};
use super::{findings, report, rules, set};

const ALWAYS_OF_CLUSTERS: [&str; 1] = ["hopguard_missing"];

#[test]
fn a_cluster_is_told_by_what_it_verifies() {
    let ca = Authority::root("CA").issue().pem();
    let names = json!([{ "san_type": "DNS", "matcher": { "exact": "a.example" } }]);
    let good = json!({
        "trusted_ca": { "inline_string": ca }, "match_typed_subject_alt_names": names,
        "crl": { "filename": "/crl.pem" }
    });
    let common = |validation: Value| {
        json!({ "common_tls_context": {
        "validation_context": validation, "tls_certificates": [{}]
    } })
    };
    let changed = |more: Value| common(with(good.clone(), more));
    let base64 = data_encoding::BASE64.encode(ca.as_bytes());
    let of_sds = |name| {
        json!({ "common_tls_context": {
        "tls_certificates": [{}], "combined_validation_context": {
            "default_validation_context": { "match_typed_subject_alt_names": names, "crl": { "filename": "x" } },
            "validation_context_sds_secret_config": { "name": name } } } })
    };
    for (context, errors, warnings, unknown) in [
        (common(good.clone()), &[][..], &[][..], &[][..]),
        (
            changed(json!({ "trusted_ca": { "inline_bytes": base64 } })),
            &[],
            &[],
            &[],
        ),
        (
            changed(json!({ "trusted_ca": { "filename": "/ca.pem" } })),
            &[],
            &[],
            &[],
        ),
        (
            changed(json!({ "trusted_ca": { "filename": "/dev/null" } })),
            &["ca_empty"],
            &[],
            &[],
        ),
        (
            changed(json!({ "trusted_ca": { "inline_string": "" } })),
            &["ca_empty"],
            &[],
            &[],
        ),
        (
            changed(json!({ "trusted_ca": { "inline_bytes": "AAAA" } })),
            &["ca_empty"],
            &[],
            &[],
        ),
        (
            changed(json!({ "trusted_ca": null })),
            &["peer_not_verified"],
            &[],
            &[],
        ),
        (
            changed(json!({ "trusted_ca": null, "verify_certificate_spki": ["x"] })),
            &[],
            &[],
            &[],
        ),
        (
            changed(json!({ "trust_chain_verification": "ACCEPT_UNTRUSTED" })),
            &["untrusted_accepted"],
            &[],
            &[],
        ),
        (
            changed(json!({ "trust_chain_verification": 1 })),
            &["untrusted_accepted"],
            &[],
            &[],
        ),
        (
            changed(json!({ "trust_chain_verification": 0 })),
            &[],
            &[],
            &[],
        ),
        (
            changed(json!({ "allow_expired_certificate": true })),
            &["expired_accepted"],
            &[],
            &[],
        ),
        (
            changed(json!({ "match_typed_subject_alt_names": [] })),
            &["name_not_verified"],
            &[],
            &[],
        ),
        (
            with(
                changed(json!({ "match_typed_subject_alt_names": [] })),
                json!({ "auto_sni_san_validation": true }),
            ),
            &[],
            &[],
            &[],
        ),
        (
            changed(json!({ "crl": null })),
            &[],
            &["no_revocation"],
            &[],
        ),
        (
            json!({}),
            &["peer_not_verified"],
            &["no_client_certificate", "no_revocation"],
            &[],
        ),
        (of_sds("held"), &[], &[], &[]),
        (of_sds("elsewhere"), &[], &[], &["validation_unknown"]),
        (
            with(
                common(good.clone()),
                json!({ "common_tls_context": { "tls_params": { "tls_minimum_protocol_version": "TLSv1_1" },
                "tls_certificates": [{}], "validation_context": good } }),
            ),
            &["tls_too_old"],
            &[],
            &[],
        ),
        (
            with(
                common(good.clone()),
                json!({ "common_tls_context": { "tls_params": { "tls_minimum_protocol_version": 1 },
                "tls_certificates": [{}], "validation_context": good } }),
            ),
            &["tls_too_old"],
            &[],
            &[],
        ),
    ] {
        let secrets = json!([{ "name": "held", "validation_context": { "trusted_ca": { "filename": "/ca.pem" } } }]);
        let config = json!({ "static_resources": { "clusters": [tls_cluster("c", context.clone())], "secrets": secrets } });
        let report = report(&config);
        assert_eq!(rules(&report, "c", "error"), set(errors), "{context}");
        let expected = [&ALWAYS_OF_CLUSTERS[..], warnings].concat();
        assert_eq!(rules(&report, "c", "warning"), set(&expected), "{context}");
        assert_eq!(rules(&report, "c", "unknown"), set(unknown), "{context}");
    }
}

#[test]
fn a_cluster_is_told_by_its_transport() {
    let socket = |kind: &str, more: Value| {
        let extension = "type.googleapis.com/envoy.extensions.transport_sockets";
        let typed = with(json!({ "@type": format!("{extension}.{kind}") }), more);
        json!({ "name": "x", "typed_config": typed })
    };
    let far = "192.0.2.1";
    for (socket, address, rule) in [
        (Value::Null, far, "cluster_plaintext"),
        (Value::Null, "127.0.0.1", "plaintext_on_machine"),
        (Value::Null, "::1", "plaintext_on_machine"),
        (
            socket("raw_buffer.v3.RawBuffer", json!({})),
            far,
            "cluster_plaintext",
        ),
        (
            json!({ "name": "envoy.transport_sockets.raw_buffer" }),
            far,
            "cluster_plaintext",
        ),
        (
            json!({ "name": "envoy.transport_sockets.tls" }),
            far,
            "peer_not_verified",
        ),
        (
            socket("starttls.v3.UpstreamStartTlsConfig", json!({})),
            far,
            "starttls",
        ),
        (socket("alts.v3.Alts", json!({})), far, "transport_unknown"),
        (
            socket(
                "proxy_protocol.v3.ProxyProtocolUpstreamTransport",
                json!({}),
            ),
            far,
            "cluster_plaintext",
        ),
        (
            socket(
                "tcp_stats.v3.Config",
                json!({ "transport_socket": socket("tls.v3.UpstreamTlsContext", json!({})) }),
            ),
            far,
            "peer_not_verified",
        ),
        (
            socket(
                "quic.v3.QuicUpstreamTransport",
                json!({ "upstream_tls_context": {} }),
            ),
            far,
            "peer_not_verified",
        ),
        (
            json!({ "name": "x", "typed_config": { "@type": "type.googleapis.com/xds.type.v3.TypedStruct",
                "type_url": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer", "value": {} } }),
            far,
            "cluster_plaintext",
        ),
    ] {
        let mut one = cluster("c", address);
        one["transport_socket"] = socket.clone();
        let report = report(&json!({ "static_resources": { "clusters": [one] } }));
        let rules: Vec<String> = findings(&report)
            .into_iter()
            .map(|(rule, ..)| rule)
            .collect();
        assert!(rules.iter().any(|r| r == rule), "{socket} {rules:?}");
    }
    // Of sockets to choose from, one that is plaintext is enough.
    let mut one = tls_cluster("c", json!({}));
    one["transport_socket_matches"] = json!([{ "name": "off", "transport_socket": { "name": "envoy.transport_sockets.raw_buffer" } }]);
    let report = report(&json!({ "static_resources": { "clusters": [one] } }));
    assert!(rules(&report, "c", "error").contains("cluster_plaintext"));
    assert!(rules(&report, "c", "error").contains("peer_not_verified"));
}
