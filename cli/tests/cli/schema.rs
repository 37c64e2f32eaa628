//! `hopguard schema`: that what is committed is current, and that schema and
//! plugin refuse the same.

mod reference;

use hopguard::config;
use hopguard_testbed::pki::Authority;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::run::{fixtures, hopguard};

/// Seconds since the Unix epoch, now.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_secs()).unwrap()
}

fn schema(arguments: &[&str]) -> Value {
    let run = hopguard(&[&["schema"], arguments].concat());
    assert_eq!(run.code, 0, "{run:?}");
    run.json()
}

fn validator(arguments: &[&str]) -> Validator {
    jsonschema::draft202012::new(&schema(arguments)).unwrap()
}

#[test]
fn the_committed_schema_is_current() {
    let committed = include_str!("../../../docs/policy.schema.json");
    assert!(
        hopguard(&["schema"]).out == committed,
        "run: hopguard schema > docs/policy.schema.json"
    );
    let schema: Value = serde_json::from_str(committed).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
}

/// A policy that says something of every field.
fn whole() -> Value {
    let ca = Authority::root("Root").issue();
    let digest = "00".repeat(32);
    let peer = json!({
        "trust_stores": ["ca"],
        "names": { "dns": ["*.a.example"], "ip": ["192.0.2.1"], "uri": ["urn:a:*"], "spiffe": ["spiffe://a.example/**"], "email": [] },
        "min_rsa_bits": 3072, "curves": ["P-256", "P-521"], "extended_key_usage": "if_present",
        "revocation": {
            "unknown": "allow", "no_source": "deny", "unreachable": "allow", "invalid": "deny",
            "stale": "deny", "staple": "required", "whole_path": true
        }
    });
    let mut of_clients = peer.clone();
    of_clients["forwarded_client_cert"] = "set_by_this_envoy".into();
    of_clients["names"]["email"] = json!(["@a.example"]);
    json!({
        "version": 1,
        "mode": "report",
        "trust_stores": [
            { "name": "ca", "ca_certificates": ca.pem(), "intermediate_certificates": ca.intermediate("I").issue().pem() },
            { "name": "pins", "pinned_certificates": ca.server("a").issue().pem(), "pinned_certificate_sha256": [digest],
              "pinned_public_key_sha256": [digest] },
            { "name": "spiffe", "ca_certificates": ca.pem(), "spiffe_trust_domains": ["a.example"] }
        ],
        "default_trust_stores": ["ca", "pins"],
        "clock_skew_seconds": 60,
        "expiry_warning_days": 7,
        "gate": { "timeout_ms": 5000, "max_pending": 64 },
        "collector": { "cluster": "otel", "authority": "otel.example", "path": "/v1/logs", "timeout_ms": 1000 },
        "revocation": {
            "responders": [{ "host": "ocsp.a.example:8080", "cluster": "ocsp", "timeout_ms": 500, "nonce": true }],
            "crls": [],
            "crl_sources": [{ "url": "http://crl.a.example/a.crl", "cluster": "crl", "refresh_seconds": 60, "timeout_ms": 500, "max_bytes": 4096 }],
            "ocsp_responses": ["MAMKAQY="],
            "staple_properties": { "downstream": ["a", "b"], "upstream": ["c"] },
            "max_wait_ms": 1000
        },
        "posture": {
            "cluster": "admin", "authority": "admin", "interval_seconds": 60, "timeout_ms": 1000, "staples": "optional",
            "staple_exceptions": [{ "names": ["*.a.example"], "paths": ["/etc/**"] }], "staple_warning_hours": 48
        },
        "downstream": [
            { "name": "clients", "mode": "enforce",
              "match": { "listeners": ["*:443"], "filter_chains": ["a"], "server_names": ["*.a.example"], "addresses": ["10.0.0.0/8"], "hosts": ["a"], "paths": ["/a/**"] },
              "require": { "min_tls_version": "1.3", "peer_certificate": of_clients } },
            { "name": "passed", "require": { "passthrough": { "server_names": ["*.db"] } } }
        ],
        "upstream": [
            { "name": "servers", "match": { "clusters": ["a*"] },
              "require": { "peer_certificate": peer, "client_authentication": { "certificate": true, "headers": ["authorization"] } },
              "waive": [{ "controls": ["V9.2.1"], "reason": "CHG-1", "until": "2999-12-31" }] },
            { "name": "worded", "require": { "peer_certificate": { "trust_stores": ["ca"], "names": "server_name" } } }
        ]
    })
}

/// What any value is replaced by.
fn others() -> Vec<Value> {
    let mut others = vec![
        json!(null),
        json!(true),
        json!(false),
        json!(1.5),
        json!(-1),
        json!(u64::MAX),
        json!(""),
        json!(" "),
        json!("x"),
        json!("1.4"),
        json!("any"),
        json!("V9.2.5"),
        json!("2027-13-01"),
        json!("a b"),
        json!("a".repeat(300)),
        json!([]),
        json!([[]]),
        json!([0]),
        json!(["x"]),
        json!(["x", "x"]),
        json!([""]),
        json!([{}]),
        json!({}),
        json!({ "x": 1 }),
        json!({ "file": "x" }),
    ];
    // The edges of all bounds there are.
    for edge in [
        0,
        1,
        2,
        300,
        2_048,
        3_650,
        8_192,
        8_760,
        60_000,
        65_535,
        65_536,
        86_400,
        600_000,
        604_800,
        16 << 20,
        32 << 20,
        64 << 20,
        u64::from(u32::MAX),
    ] {
        let near = [edge.saturating_sub(1), edge, edge + 1];
        others.extend(near.map(Value::from));
    }
    others
}

/// The pointers of all values.
fn pointers(value: &Value, at: String, all: &mut Vec<String>) {
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(key, value)| pointers(value, format!("{at}/{key}"), all)),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(index, value)| pointers(value, format!("{at}/{index}"), all)),
        _ => {}
    }
    all.push(at);
}

/// Each policy that one change makes of this one.
fn mutations(policy: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    let mut places = Vec::new();
    pointers(policy, String::new(), &mut places);
    let others = others();
    for place in places {
        let mut change = |change: &dyn Fn(&mut Value)| {
            let mut changed = policy.clone();
            change(changed.pointer_mut(&place).unwrap());
            all.push(changed);
        };
        for other in &others {
            change(&|value| *value = other.clone());
        }
        let value = policy.pointer(&place).unwrap();
        for key in value.as_object().map(Map::keys).into_iter().flatten() {
            change(&|value| drop(value.as_object_mut().unwrap().remove(key)));
        }
        if value.is_object() {
            change(&|value| value["unheard_of"] = json!(1));
        }
        if let Some(first) = value.as_array().and_then(|list| list.first()) {
            change(&|value| value.as_array_mut().unwrap().push(first.clone()));
            change(&|value| *value = vec![first.clone(); 5_000].into());
        }
    }
    all
}

/// What a form cannot say: ends of paths (without indices), and the plugin's
/// sentences. `docs/cli.md` lists the kinds.
const BEYOND_A_FORM: &[(&str, &str)] = &[
    // What a name stands for, and what goes with what.
    ("trust_stores", "is not among trust_stores"),
    ("name", "is the name of another"),
    ("responders.host", "is there twice"),
    ("crl_sources.url", "is there twice"),
    (
        "peer_certificate.names",
        "it is missing: a CA vouches for many",
    ),
    ("peer_certificate.names", "it names nobody"),
    ("names.email", "only downstream rules can have it"),
    ("revocation.staple", "denies every peer"),
    (
        "client_authentication",
        "it accepts no way of authentication",
    ),
    ("trust_stores", "a trust store must trust something"),
    // Texts with a language of their own.
    ("_certificates", "no PEM certificate"),
    ("_sha256", "is no SHA-256"),
    ("revocation.crls", "no PEM block"),
    ("revocation.ocsp_responses", "no base64"),
    ("revocation.ocsp_responses", "no OCSP response in DER"),
    ("spiffe_trust_domains", "is not a SPIFFE trust domain"),
    ("addresses", "is not an IP address or range"),
    ("names.dns", "not a DNS name"),
    ("names.ip", "is not an IP address"),
    ("names.uri", "is not a URI"),
    ("names.spiffe", "does not begin with"),
    ("names.email", "is not an e-mail address"),
    ("headers", "is no header name"),
    // JSON Schema counts characters.
    ("", "a pattern has at most"),
];

/// A path without indices.
fn without_indices(path: &str) -> String {
    let parts = path.split('[').enumerate();
    parts
        .map(|(index, part)| match (index, part.split_once(']')) {
            (0, _) | (_, None) => part,
            (_, Some((_, rest))) => rest,
        })
        .collect()
}

#[test]
fn the_plugin_takes_what_the_schema_allows_but_for_what_a_form_cannot_say() {
    let validator = validator(&[]);
    let (mut both, mut neither, mut beyond) = (0, 0, 0);
    let base = whole();
    assert!(
        config::check(&base, now()).is_ok(),
        "{:?}",
        config::check(&base, now()).err()
    );
    for policy in mutations(&base) {
        let is_of_form = validator.is_valid(&policy);
        match (is_of_form, config::check(&policy, now())) {
            (true, Ok(_)) => both += 1,
            (false, Err(_)) => neither += 1,
            (false, Ok(_)) => {
                let errors: Vec<_> = validator
                    .iter_errors(&policy)
                    .map(|e| format!("{} {e}", e.instance_path()))
                    .collect();
                panic!("the schema refuses what the plugin takes: {errors:?}");
            }
            (true, Err(errors)) => {
                for error in errors {
                    let path = without_indices(&error.path);
                    let is_beyond = |(end, part): &(&str, &str)| {
                        path.ends_with(end) && error.message.contains(part)
                    };
                    assert!(
                        BEYOND_A_FORM.iter().any(is_beyond),
                        "the schema should say: {path}: {}",
                        error.message
                    );
                }
                beyond += 1;
            }
        }
    }
    // Nothing is shown by changes that all lead to one answer.
    assert!(
        both > 100 && neither > 2_000 && beyond > 100,
        "{both} {neither} {beyond}"
    );
}

#[test]
fn the_policies_of_the_documents_are_of_the_form() {
    let validator = validator(&[]);
    let mut count = 0;
    for document in [
        include_str!("../../../docs/policy.md"),
        include_str!("../../../docs/revocation.md"),
        include_str!("../../../README.md"),
    ] {
        for block in document.split("\n```json\n").skip(1) {
            let json = block.split("\n```").next().unwrap();
            let policy: Value = serde_json::from_str(json).unwrap();
            let errors: Vec<String> = validator
                .iter_errors(&policy)
                .map(|e| e.to_string())
                .collect();
            assert!(errors.is_empty(), "{json} {errors:?}");
            count += 1;
        }
    }
    let shipped: Value = serde_json::from_str(include_str!("../../../envoy/policy.json")).unwrap();
    assert!(validator.is_valid(&shipped));
    assert!(count > 4);
}

#[test]
fn files_are_allowed_where_they_may_be_named() {
    let (plugin, operator) = (validator(&[]), validator(&["--files"]));
    let file = json!({ "file": "a.pem" });
    for (policy, is_of_form) in [
        (
            json!({ "trust_stores": [{ "name": "a", "ca_certificates": file }] }),
            true,
        ),
        (
            json!({ "trust_stores": [{ "name": "a", "intermediate_certificates": file }] }),
            true,
        ),
        (
            json!({ "trust_stores": [{ "name": "a", "pinned_certificates": file }] }),
            true,
        ),
        (json!({ "revocation": { "crls": [file, "x"] } }), true),
        (json!({ "revocation": { "ocsp_responses": [file] } }), true),
        (json!({ "trust_stores": [{ "name": file }] }), false),
        (
            json!({ "trust_stores": [{ "name": "a", "spiffe_trust_domains": [file] }] }),
            false,
        ),
        (json!({ "revocation": { "crls": [{ "file": 1 }] } }), false),
        (
            json!({ "revocation": { "crls": [{ "file": "a", "also": 1 }] } }),
            false,
        ),
        (json!({ "mode": file }), false),
    ] {
        let mut policy = policy;
        policy["version"] = json!(1);
        assert!(!plugin.is_valid(&policy), "{policy}");
        assert_eq!(operator.is_valid(&policy), is_of_form, "{policy}");
    }
    assert!(operator.is_valid(&whole()));
    let text = std::fs::read_to_string(fixtures().join("policy.yaml")).unwrap();
    assert!(operator.is_valid(&serde_saphyr::from_str(&text).unwrap()));
}
