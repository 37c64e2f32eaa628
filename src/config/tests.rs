//! Each way in which a policy can be wrong, and the field that is named.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

mod mistakes;

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
