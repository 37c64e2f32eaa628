//! Each way in which a policy can be wrong, and the field that is named.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

use serde_json::{Value, json};

use super::{MAX_BYTES, parse};
use crate::decision::{Enforcement, Policy, Staples};
use crate::trust::tests::pki::{NOW, pem, plain_authority, self_signed};

fn read(policy: &Value) -> Result<Policy, String> {
    parse(policy.to_string().as_bytes(), NOW).map_err(|e| e.to_string())
}

/// A policy that is right, changed at one place.
fn changed(pointer: &str, value: Value) -> Value {
    let mut policy = json!({
        "version": 1,
        "trust_stores": [{ "name": "ca", "ca_certificates": pem(&plain_authority("ca").der) }],
        "default_trust_stores": ["ca"],
        "downstream": [{
            "name": "clients",
            "match": { "listeners": ["*:8443"] },
            "require": { "peer_certificate": { "trust_stores": ["ca"], "names": "any" } }
        }],
        "upstream": [{
            "name": "api",
            "match": { "clusters": ["api*"], "addresses": ["10.0.0.0/8"] },
            "require": {
                "min_tls_version": "1.2",
                "peer_certificate": {
                    "trust_stores": ["ca"],
                    "names": { "dns": ["api.example"] },
                    "min_rsa_bits": 3072,
                    "curves": ["P-256"]
                },
                "client_authentication": { "certificate": true, "headers": ["Authorization"] }
            },
            "waive": [{ "controls": ["V9.2.3"], "reason": "migration", "until": "2026-12-31" }]
        }]
    });
    if !pointer.is_empty() {
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        let parent = policy.pointer_mut(parent).unwrap();
        match parent {
            Value::Array(list) => list[field.parse::<usize>().unwrap()] = value,
            _ if value.is_null() => {
                parent.as_object_mut().unwrap().remove(field);
            }
            _ => parent[field] = value,
        }
    }
    policy
}

#[test]
fn a_list_is_no_object() {
    for pointer in [
        "/gate",
        "/trust_stores/0",
        "/downstream/0",
        "/upstream/0/match",
        "/upstream/0/require",
        "/upstream/0/require/client_authentication",
        "/upstream/0/waive/0",
    ] {
        let error = read(&changed(pointer, json!([]))).unwrap_err();
        assert!(
            error.contains("invalid type: sequence"),
            "{pointer}: {error}"
        );
    }
    assert!(
        parse(b"[1]", NOW)
            .unwrap_err()
            .message
            .contains("invalid type: sequence")
    );
}

#[test]
fn the_policy_of_these_tests_is_right() {
    let policy = read(&changed("", Value::Null)).unwrap();
    assert_eq!(policy.upstream.iter().count(), 2);
    assert_eq!(policy.clock_skew_seconds, 300);
}

#[test]
fn each_mistake_names_its_field() {
    let leaf = pem(&self_signed(|_| {}).der);
    let up = "/upstream/0";
    let peer = "/upstream/0/require/peer_certificate";
    let rows: Vec<(String, Value, &str)> = vec![
        (
            "/version".into(),
            json!(2),
            "version: this hopguard reads version 1, not 2",
        ),
        ("/version".into(), Value::Null, "missing field `version`"),
        (
            "/mode".into(),
            json!("audit"),
            "mode: unknown variant `audit`",
        ),
        ("/surprise".into(), json!(1), "unknown field `surprise`"),
        (
            "/revocation".into(),
            json!({"responders": [{"host": "a b", "cluster": "c"}]}),
            "revocation.responders[0].host: \"a b\" is no host",
        ),
        (
            "/revocation".into(),
            json!({"responders": [{"host": "ocsp.test", "cluster": ""}]}),
            "revocation.responders[0].cluster: \"\" is no name of a cluster",
        ),
        (
            "/revocation".into(),
            json!({"responders": [{"host": "ocsp.test", "cluster": "c", "timeout_ms": 0}]}),
            "revocation.responders[0].timeout_ms: 0 is not within",
        ),
        (
            "/revocation".into(),
            json!({"max_wait_ms": 0}),
            "revocation.max_wait_ms: 0 is not within",
        ),
        (
            "/revocation".into(),
            json!({"crls": ["no PEM"]}),
            "revocation.crls[0]: ",
        ),
        (
            "/revocation".into(),
            json!({"responders": [
                {"host": "ocsp.test", "cluster": "a"}, {"host": "OCSP.test:80", "cluster": "b"},
            ]}),
            "revocation.responders[1].host: \"ocsp.test\" is there twice",
        ),
        (
            "/revocation".into(),
            json!({"crl_sources": [{"url": "https://crl.test/a", "cluster": "c"}]}),
            "revocation.crl_sources[0].url: \"https://crl.test/a\" is no http URL",
        ),
        (
            "/revocation".into(),
            json!({"crl_sources": [{"url": "http://crl.test/a", "cluster": ""}]}),
            "revocation.crl_sources[0].cluster: \"\" is no name of a cluster",
        ),
        (
            "/revocation".into(),
            json!({"crl_sources": [
                {"url": "http://crl.test/a", "cluster": "c", "refresh_seconds": 604_801},
            ]}),
            "revocation.crl_sources[0].refresh_seconds: 604801 is not within 1 to 604800",
        ),
        (
            "/revocation".into(),
            json!({"crl_sources": [
                {"url": "http://crl.test/a", "cluster": "c", "timeout_ms": 0},
            ]}),
            "revocation.crl_sources[0].timeout_ms: 0 is not within",
        ),
        (
            "/revocation".into(),
            json!({"crl_sources": [
                {"url": "http://crl.test/a", "cluster": "c", "max_bytes": 67_108_865},
            ]}),
            "revocation.crl_sources[0].max_bytes: 67108865 is not within",
        ),
        (
            "/revocation".into(),
            json!({"crl_sources": [
                {"url": "http://crl.test/a", "cluster": "c"},
                {"url": "http://crl.test/a", "cluster": "d"},
            ]}),
            "revocation.crl_sources[1].url: \"http://crl.test/a\" is there twice",
        ),
        (
            "/revocation".into(),
            json!({"ocsp_responses": ["?"]}),
            "revocation.ocsp_responses[0]: no base64",
        ),
        (
            "/revocation".into(),
            json!({"ocsp_responses": ["AAAA"]}),
            "revocation.ocsp_responses[0]: no OCSP response in DER",
        ),
        (
            "/revocation".into(),
            json!({"staple_properties": {"upstream": ["filter_state", ""]}}),
            "revocation.staple_properties.upstream: a property is a path of 1 to 8 parts",
        ),
        (
            "/revocation".into(),
            json!({"staple_properties": {"downstream": ["a", "b", "c", "d", "e", "f", "g", "h", "i"]}}),
            "revocation.staple_properties.downstream: a property is a path of 1 to 8 parts",
        ),
        (
            format!("{peer}/revocation"),
            json!({"staple": "required"}),
            "revocation.staple: \"required\" denies every peer",
        ),
        (
            format!("{peer}/revocation"),
            json!({"whole_path": 1}),
            "whole_path",
        ),
        (
            format!("{peer}/revocation"),
            json!({}),
            "upstream[0].require.peer_certificate.revocation: denies every peer: the policy's revocation names no source",
        ),
        (
            "/posture".into(),
            json!({}),
            "posture: missing field `cluster`",
        ),
        (
            "/posture".into(),
            json!({"cluster": "a b"}),
            "posture.cluster: \"a b\" is no name of a cluster",
        ),
        (
            "/posture".into(),
            json!({"cluster": "admin", "authority": ""}),
            "posture.authority: \"\" is no authority",
        ),
        (
            "/posture".into(),
            json!({"cluster": "admin", "interval_seconds": 0}),
            "posture.interval_seconds: 0 is not within 1 to 86400",
        ),
        (
            "/posture".into(),
            json!({"cluster": "admin", "timeout_ms": 60_001}),
            "posture.timeout_ms: 60001 is not within",
        ),
        (
            "/posture".into(),
            json!({"cluster": "admin", "staples": "demanded"}),
            "posture.staples: unknown variant `demanded`",
        ),
        (
            "/posture".into(),
            json!({"cluster": "admin", "staple_warning_hours": 8_761}),
            "posture.staple_warning_hours: 8761 is not within",
        ),
        (
            "/posture".into(),
            json!({"cluster": "admin", "staple_exceptions": [{}]}),
            "posture.staple_exceptions[0]: it names no certificate",
        ),
        (
            "/posture".into(),
            json!({"cluster": "admin", "staple_exceptions": [{"names": []}]}),
            "posture.staple_exceptions[0].names: it is empty",
        ),
        (
            "/posture".into(),
            json!({"cluster": "admin", "staple_exceptions": [{"paths": ["a", "***"]}]}),
            "posture.staple_exceptions[0].paths[1]: too many asterisks",
        ),
        (
            "/posture".into(),
            json!({"cluster": "admin", "staple_exceptions": [{"serials": ["1"]}]}),
            "unknown field `serials`",
        ),
        (
            "/posture".into(),
            json!({"cluster": "admin", "staple_exceptions": vec![json!({"names": ["a"]}); 257]}),
            "posture.staple_exceptions: 257 are more than 256",
        ),
        (
            format!("{peer}/revocation"),
            json!({"revoked": "allow"}),
            "unknown field `revoked`",
        ),
        (
            format!("{peer}/revocation"),
            json!({"unknown": "ignore"}),
            "unknown variant `ignore`",
        ),
        (
            "/collector".into(),
            json!({"cluster": ""}),
            "collector.cluster: \"\" is no name of a cluster",
        ),
        (
            "/collector".into(),
            json!({"cluster": "otel\r\n"}),
            "collector.cluster: \"otel\\r\\n\" is no name of a cluster",
        ),
        (
            "/collector".into(),
            json!({"cluster": "otel", "path": "v1/logs"}),
            "collector.path: \"v1/logs\" is no path",
        ),
        (
            "/collector".into(),
            json!({"cluster": "otel", "authority": "a b"}),
            "collector.authority: \"a b\" is no authority",
        ),
        (
            "/collector".into(),
            json!({"cluster": "otel", "timeout_ms": 0}),
            "collector.timeout_ms: 0 is not within",
        ),
        (
            "/collector".into(),
            json!({"cluster": "otel", "url": "x"}),
            "collector.url: unknown field `url`",
        ),
        (
            "/clock_skew_seconds".into(),
            json!(86_401),
            "clock_skew_seconds: 86401 is not within",
        ),
        (
            "/clock_skew_seconds".into(),
            json!(-1),
            "clock_skew_seconds: invalid value",
        ),
        (
            "/gate".into(),
            json!({"timeout_ms": 0}),
            "gate.timeout_ms: 0 is not within",
        ),
        (
            "/gate".into(),
            json!({"max_pending": 0}),
            "gate.max_pending: 0 is not within",
        ),
        (
            "/gate".into(),
            json!({"timeout": 1}),
            "gate.timeout: unknown field `timeout`",
        ),
        (
            "/trust_stores/0".into(),
            json!({"name": "ca"}),
            "trust_stores[0]: a trust store must trust something",
        ),
        (
            "/trust_stores/0/name".into(),
            json!("c a"),
            "trust_stores[0].name: \"c a\" is no name",
        ),
        (
            "/trust_stores/0/ca_certificates".into(),
            json!("x"),
            "trust_stores[0].ca_certificates: ",
        ),
        (
            "/trust_stores/0/ca_certificates".into(),
            json!(leaf),
            "trust_stores[0].ca_certificates[0]: ",
        ),
        (
            "/trust_stores/0/pinned_certificate_sha256".into(),
            json!(["00"]),
            "trust_stores[0].pinned_certificate_sha256[0]: \"00\" is no SHA-256",
        ),
        (
            "/trust_stores/0/spiffe_trust_domains".into(),
            json!(["Prod/x"]),
            "trust_stores[0].spiffe_trust_domains[0]: ",
        ),
        (
            "/default_trust_stores".into(),
            json!(["cb"]),
            "default_trust_stores[0]: \"cb\" is not among trust_stores",
        ),
        (
            format!("{up}/name"),
            json!("default"),
            "upstream[0].name: \"default\" is the name of another rule",
        ),
        (
            format!("{up}/name"),
            json!(""),
            "upstream[0].name: \"\" is no name",
        ),
        (
            format!("{up}/name"),
            Value::Null,
            "upstream[0]: missing field `name`",
        ),
        (
            format!("{up}/mode"),
            json!("off"),
            "upstream[0].mode: unknown variant `off`",
        ),
        (
            format!("{up}/match/clusters"),
            json!([]),
            "upstream[0].match.clusters: it is empty",
        ),
        (
            format!("{up}/match/clusters"),
            json!("api"),
            "upstream[0].match.clusters: invalid type",
        ),
        (
            format!("{up}/match/clusters"),
            json!(["*".repeat(17)]),
            "upstream[0].match.clusters[0]: ",
        ),
        (
            format!("{up}/match/addresses"),
            json!(["10.0.0.1/8"]),
            "upstream[0].match.addresses[0]: ",
        ),
        (
            format!("{up}/match/listeners"),
            json!(["*"]),
            "upstream[0].match.listeners: only downstream rules",
        ),
        (
            "/downstream/0/match/clusters".into(),
            json!(["*"]),
            "downstream[0].match.clusters: only upstream rules",
        ),
        (
            format!("{up}/require/min_tls_version"),
            json!("1.4"),
            "upstream[0].require.min_tls_version: \"1.4\" is no version",
        ),
        (
            format!("{up}/require/min_tls_version"),
            json!(1.2),
            "upstream[0].require.min_tls_version: invalid type",
        ),
        (
            format!("{peer}/trust_stores"),
            json!([]),
            "peer_certificate.trust_stores: it names no trust store",
        ),
        (
            format!("{peer}/trust_stores"),
            json!(["x"]),
            "peer_certificate.trust_stores[0]: \"x\" is not among trust_stores",
        ),
        (
            format!("{peer}/names"),
            Value::Null,
            "peer_certificate.names: it is missing",
        ),
        (
            format!("{peer}/names"),
            json!({}),
            "peer_certificate.names: it names nobody",
        ),
        (
            format!("{peer}/names"),
            json!("all"),
            "peer_certificate.names: \"all\" is neither",
        ),
        (
            format!("{peer}/names"),
            json!(["a"]),
            "peer_certificate.names: invalid type",
        ),
        (
            format!("{peer}/names"),
            json!({"dn": []}),
            "peer_certificate.names.dn: unknown field `dn`",
        ),
        (
            format!("{peer}/names"),
            json!({"dns": ["a_b.example", "grün.example"]}),
            "names.dns[1]: ",
        ),
        (
            format!("{peer}/names"),
            json!({"dns": ["*"]}),
            "names.dns[0]: ",
        ),
        (
            format!("{peer}/names"),
            json!({"ip": ["10.0.0"]}),
            "names.ip[0]: ",
        ),
        (
            format!("{peer}/names"),
            json!({"spiffe": ["https://x"]}),
            "names.spiffe[0]: ",
        ),
        (
            format!("{peer}/names"),
            json!({"spiffe": ["spiffe://"]}),
            "names.spiffe[0]: ",
        ),
        (
            format!("{peer}/names"),
            json!({"email": ["a@b.example"]}),
            "names.email: servers are not known",
        ),
        (
            "/downstream/0/require/peer_certificate/names".into(),
            json!("authority"),
            "names: \"authority\" names the server",
        ),
        (
            format!("{peer}/min_rsa_bits"),
            json!(1024),
            "peer_certificate.min_rsa_bits: 1024 is not within",
        ),
        (
            format!("{peer}/curves"),
            json!(["P-192"]),
            "peer_certificate.curves[0]: \"P-192\" is no curve",
        ),
        (
            format!("{peer}/curves"),
            json!([]),
            "peer_certificate.curves: it allows no curve",
        ),
        (
            format!("{peer}/forwarded_client_cert"),
            json!("set_by_this_envoy"),
            "forwarded_client_cert: it speaks of clients",
        ),
        (
            format!("{peer}/forwarded_client_cert"),
            json!("trust_me"),
            "forwarded_client_cert: unknown variant",
        ),
        (
            format!("{up}/require/client_authentication"),
            json!({}),
            "client_authentication: it accepts no way",
        ),
        (
            format!("{up}/require/client_authentication"),
            json!({"headers": ["a b"]}),
            "client_authentication.headers[0]: \"a b\" is no header name",
        ),
        (
            "/downstream/0/require/client_authentication".into(),
            json!({"certificate": true}),
            "downstream[0].require.client_authentication: it speaks of this proxy's own",
        ),
        (
            format!("{up}/waive/0/controls"),
            json!([]),
            "waive[0].controls: it waives nothing",
        ),
        (
            format!("{up}/waive/0/controls"),
            json!(["V9.2.5"]),
            "waive[0].controls[0]: \"V9.2.5\" cannot be waived",
        ),
        (
            format!("{up}/waive/0/reason"),
            Value::Null,
            "waive[0]: missing field `reason`",
        ),
        (
            format!("{up}/waive/0/reason"),
            json!(" "),
            "waive[0].reason: it gives no reason",
        ),
        (
            format!("{up}/waive/0/until"),
            Value::Null,
            "waive[0]: missing field `until`",
        ),
        (
            format!("{up}/waive/0/until"),
            json!("2026-02-30"),
            "waive[0].until: \"2026-02-30\" is no day",
        ),
    ];
    for (pointer, value, expected) in rows {
        let error = read(&changed(&pointer, value)).map(|_| ()).unwrap_err();
        assert!(
            error.starts_with("the policy is refused: ") && error.contains(expected),
            "{pointer}:\n  got      {error}\n  expected {expected}"
        );
        assert!(!error.contains('\n'), "one sentence: {error}");
    }
}

#[test]
fn names_of_rules_and_stores_are_unique() {
    let mut policy = changed("", Value::Null);
    let rule = policy["upstream"][0].clone();
    policy["upstream"].as_array_mut().unwrap().push(rule);
    assert!(
        read(&policy)
            .unwrap_err()
            .contains("upstream[1].name: \"api\" is the name of another rule")
    );
    let mut policy = changed("", Value::Null);
    let store = policy["trust_stores"][0].clone();
    policy["trust_stores"].as_array_mut().unwrap().push(store);
    assert!(
        read(&policy)
            .unwrap_err()
            .contains("trust_stores[1].name: \"ca\" is the name of another store")
    );
}

#[test]
fn what_is_no_policy_is_refused() {
    for (text, expected) in [
        (&b""[..], "there is no policy"),
        (b" \n", "there is no policy"),
        (b"null", "invalid type: null"),
        (b"[]", "invalid type: sequence"),
        (b"{\"version\": 1} x", "trailing characters"),
        (
            b"{\"version\": 1, \"version\": 1}",
            "duplicate field `version`",
        ),
        (b"\xff\xfe", "expected value"),
        (b"{\"version\": 1", "EOF"),
    ] {
        let error = parse(text, NOW).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let huge = vec![b' '; MAX_BYTES + 1];
    assert!(
        parse(&[b"{", &huge[..]].concat(), NOW)
            .unwrap_err()
            .to_string()
            .contains("more than")
    );
}

#[test]
fn deep_nesting_is_refused_and_does_not_overflow() {
    let deep = format!(
        "{{\"version\": {}1{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(parse(deep.as_bytes(), NOW).is_err());
}

#[test]
fn a_rule_may_report_while_the_policy_enforces() {
    let policy = read(&changed("/upstream/0/mode", json!("report"))).unwrap();
    let modes: Vec<_> = policy.upstream.iter().map(|r| r.enforcement).collect();
    assert_eq!(modes, [Enforcement::Report, Enforcement::Enforce]);
    let policy = read(&changed("/mode", json!("report"))).unwrap();
    assert!(
        policy
            .upstream
            .iter()
            .all(|r| r.enforcement == Enforcement::Report)
    );
}

#[test]
fn passthrough_demands_what_a_client_hello_can_show() {
    let require = |require: Value| {
        let policy = changed("/upstream/0/require", require.clone());
        (
            read(&policy),
            read(&changed("/downstream/0/require", require)),
        )
    };
    let (upstream, downstream) = require(json!({ "passthrough": {} }));
    for policy in [upstream.unwrap(), downstream.unwrap()] {
        let (up, down) = (policy.upstream.looks_at(), policy.downstream.looks_at());
        assert!(up.client_hello != down.client_hello);
    }
    let names =
        json!({ "passthrough": { "server_names": ["*.DB.example"] }, "min_tls_version": "1.3" });
    let (policy, _) = require(names);
    let policy = policy.unwrap();
    let rule = policy.upstream.rule(0).unwrap();
    let demand = rule.demands.passthrough.as_ref().unwrap();
    assert!(demand.server_names[0].matches("a.db.example"));
    assert!(rule.demands.peer.is_none());
    for (field, value, reason) in [
        (
            "peer_certificate",
            json!({ "trust_stores": ["ca"], "names": "any" }),
            "upstream[0].require.peer_certificate: TLS that Envoy passes on unopened does not show it",
        ),
        (
            "client_authentication",
            json!({ "certificate": true }),
            "upstream[0].require.client_authentication: TLS that Envoy passes on unopened does not show it",
        ),
    ] {
        let mut demands = json!({ "passthrough": {} });
        demands[field] = value;
        let (policy, _) = require(demands);
        let error = policy.unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
    let (policy, _) = require(json!({ "passthrough": { "server_names": [] } }));
    let error = policy.unwrap_err();
    assert!(
        error.contains("require.passthrough.server_names: it is empty"),
        "{error}"
    );
}

#[test]
fn names_may_be_left_out_where_the_store_has_pins_only() {
    let leaf = self_signed(|_| {});
    let mut policy = changed("/upstream/0/require/peer_certificate/names", Value::Null);
    policy["trust_stores"][0] = json!({ "name": "ca", "pinned_certificates": pem(&leaf.der) });
    assert!(read(&policy).is_ok());
}

#[test]
fn a_thousand_rules_and_two_hundred_cas_are_read() {
    let one = pem(&plain_authority("ca 0").der);
    let mut pem_text = String::new();
    for n in 0..200 {
        pem_text.push_str(&pem(&plain_authority(&format!("ca {n}")).der));
    }
    assert!(pem_text.len() > 150 * one.len());
    let rules: Vec<_> = (0..1_000)
        .map(|n| {
            json!({
                "name": format!("rule-{n}"),
                "match": { "clusters": [format!("cluster-{n}-*")] },
                "require": { "peer_certificate": { "trust_stores": ["ca"], "names": "any" } }
            })
        })
        .collect();
    let mut policy = changed("/trust_stores/0/ca_certificates", json!(pem_text));
    policy["upstream"] = json!(rules);
    assert_eq!(read(&policy).unwrap().upstream.iter().count(), 1_001);
}

#[test]
fn what_the_policy_says_of_the_posture_has_defaults() {
    assert!(read(&changed("", Value::Null)).unwrap().posture.is_none());
    let policy = read(&changed("/posture", json!({ "cluster": "admin" }))).unwrap();
    let posture = policy.posture.unwrap();
    assert_eq!((&*posture.cluster, &*posture.authority), ("admin", "admin"));
    assert_eq!((posture.interval_seconds, posture.timeout_ms), (60, 5_000));
    assert_eq!(posture.staples, Staples::Required);
    assert_eq!(posture.staple_warning_seconds, 86_400);
    let posture = json!({
        "cluster": "admin",
        "staples": "optional",
        "staple_exceptions": [{ "names": ["*.Shop.example"], "paths": ["/etc/tls/**"] }],
    });
    let policy = read(&changed("/posture", posture)).unwrap();
    let posture = policy.posture.unwrap();
    let shop: Vec<Box<str>> = vec!["www.shop.example".into()];
    assert_eq!(posture.staples_of("/etc/tls/a/b", &shop), Staples::Required);
    assert_eq!(posture.staples_of("/etc/a", &shop), Staples::Optional);
}

#[test]
fn the_examples_in_the_documents_are_read() {
    let ca = pem(&plain_authority("ca").der).replace('\n', "\\n");
    let placeholder = "-----BEGIN CERTIFICATE-----\\n…\\n-----END CERTIFICATE-----\\n";
    for (document, examples) in [
        (include_str!("../../README.md"), 1),
        (include_str!("../../docs/policy.md"), 5),
        (include_str!("../../docs/revocation.md"), 1),
        (include_str!("../../docs/posture.md"), 1),
    ] {
        let blocks: Vec<_> = document
            .split("```json\n")
            .skip(1)
            .filter_map(|rest| rest.split("```").next())
            .collect();
        assert_eq!(blocks.len(), examples);
        for block in blocks {
            let policy = block.replace(placeholder, &ca);
            let read = parse(policy.as_bytes(), NOW).map(|_| ());
            assert_eq!(read.map_err(|e| e.to_string()), Ok(()), "{block}");
        }
    }
}
