//! A policy that cannot be never runs.

use hopguard_testbed::config::{Bootstrap, HttpListener, Route};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::{Authority, Pki};
use serde_json::{Value, json};

use crate::support::{plugin, policy};

/// Asks Envoy whether it would start with this plugin as a filter.
async fn validate(role: &str, policy: &str) -> Result<(), String> {
    let guard = plugin(role, &Value::Null)
        .configuration(policy)
        .http_filter();
    let listener = HttpListener::new("front")
        .filter(guard)
        .route(Route::direct("/", 200, ""));
    Envoy::validate(Bootstrap::new().http(listener)).await
}

/// What the plugin said in a log: why it refused.
fn reasons(log: &str) -> Vec<&str> {
    log.lines()
        .filter(|line| line.contains("[wasm]"))
        .filter_map(|line| line.split_once("hopguard: ").map(|(_, reason)| reason))
        .filter(|reason| reason.contains("refused") || reason.contains("root_id"))
        .collect()
}

#[tokio::test]
async fn envoy_does_not_start_with_a_policy_that_cannot_be() {
    let pki = Pki::new();
    let valid = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let with = |fields: Value| {
        let mut policy = valid.clone();
        policy
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        policy.to_string()
    };
    let rule = |direction: &str, fields: Value| {
        let mut rule = json!({ "name": "r" });
        rule.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        with(json!({ direction: [rule] }))
    };
    let waiver = |controls: Value, reason: &str, until: &str| {
        rule(
            "upstream",
            json!({ "waive": [{ "controls": controls, "reason": reason, "until": until }] }),
        )
    };
    let peer = |fields: Value| {
        rule(
            "upstream",
            json!({ "require": { "peer_certificate": fields } }),
        )
    };
    let expired = Authority::root("Old Root").expired().issue();
    let store = |fields: Value| {
        let mut store = json!({ "name": "s" });
        store
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        json!({ "version": 1, "trust_stores": [store] }).to_string()
    };
    let too_large = format!("{{\"version\": 1{}}}", " ".repeat(4 << 20));
    let cases: Vec<(&str, String, &str)> = vec![
        ("downstream", String::new(), "there is no policy"),
        ("downstream", "  \n".into(), "there is no policy"),
        ("downstream", "{".into(), "EOF"),
        ("downstream", "[]".into(), "refused"),
        ("downstream", "{}".into(), "version"),
        (
            "downstream",
            "{\"version\": 1} {}".into(),
            "trailing characters",
        ),
        ("downstream", too_large, "more than 4194304"),
        ("upstream", with(json!({ "version": 2 })), "version: "),
        ("upstream", with(json!({ "mood": "enforce" })), "mood"),
        ("upstream", with(json!({ "mode": "audit" })), "mode: "),
        (
            "upstream",
            with(json!({ "gate": { "timeout_ms": 0 } })),
            "gate.timeout_ms: ",
        ),
        (
            "upstream",
            with(json!({ "gate": { "max_pending": 70_000 } })),
            "gate.max_pending: ",
        ),
        (
            "upstream",
            with(json!({ "clock_skew_seconds": 100_000 })),
            "clock_skew_seconds: ",
        ),
        (
            "upstream",
            with(json!({ "default_trust_stores": ["cb"] })),
            "default_trust_stores[0]: ",
        ),
        (
            "upstream",
            rule("upstream", json!({ "nam": "x" })),
            "upstream[0]",
        ),
        (
            "upstream",
            rule("upstream", json!({ "name": "default" })),
            "upstream[0].name: ",
        ),
        (
            "upstream",
            rule("upstream", json!({ "name": "a;b" })),
            "upstream[0].name: ",
        ),
        (
            "upstream",
            rule("upstream", json!({ "match": { "listeners": ["*"] } })),
            "upstream[0].match.listeners: ",
        ),
        (
            "upstream",
            rule("downstream", json!({ "match": { "clusters": ["*"] } })),
            "downstream[0].match.clusters: ",
        ),
        (
            "upstream",
            rule("upstream", json!({ "match": { "clusters": [] } })),
            "upstream[0].match.clusters: ",
        ),
        (
            "upstream",
            rule("upstream", json!({ "match": { "paths": ["/a", "/***"] } })),
            "upstream[0].match.paths[1]: ",
        ),
        (
            "upstream",
            rule(
                "upstream",
                json!({ "match": { "addresses": ["10.0.0.0/33"] } }),
            ),
            "upstream[0].match.addresses[0]: ",
        ),
        (
            "upstream",
            rule(
                "upstream",
                json!({ "require": { "min_tls_version": "1.4" } }),
            ),
            "upstream[0].require.min_tls_version: ",
        ),
        (
            "upstream",
            peer(json!({ "trust_stores": [] })),
            "upstream[0].require.peer_certificate.trust_stores: ",
        ),
        (
            "upstream",
            peer(json!({ "trust_stores": ["ca"] })),
            "upstream[0].require.peer_certificate.names: ",
        ),
        (
            "upstream",
            peer(json!({ "trust_stores": ["ca"], "names": "all" })),
            "upstream[0].require.peer_certificate.names: ",
        ),
        (
            "upstream",
            waiver(json!(["V9.2.5"]), "r", "2030-01-01"),
            "upstream[0].waive[0].controls[0]: ",
        ),
        (
            "upstream",
            waiver(json!(["V9.2.2"]), " ", "2030-01-01"),
            "upstream[0].waive[0].reason: ",
        ),
        (
            "upstream",
            waiver(json!(["V9.2.2"]), "r", "2030-02-30"),
            "upstream[0].waive[0].until: ",
        ),
        (
            "upstream",
            store(json!({ "ca_certificates": "none" })),
            "trust_stores[0].ca_certificates: ",
        ),
        (
            "upstream",
            store(json!({ "ca_certificates": expired.pem() })),
            "trust_stores[0].ca_certificates[0]: ",
        ),
        (
            "upstream",
            store(json!({ "pinned_certificate_sha256": ["00"] })),
            "trust_stores[0].pinned_certificate_sha256[0]: ",
        ),
        ("", valid.to_string(), "root_id: "),
        ("upsteam", valid.to_string(), "root_id: "),
    ];

    // Two at a time: each is a whole Envoy.
    for pair in cases.chunks(2) {
        let runs: Vec<_> = pair
            .iter()
            .map(|(role, policy, _)| {
                let (role, policy) = ((*role).to_owned(), policy.clone());
                tokio::spawn(async move { validate(&role, &policy).await })
            })
            .collect();
        for ((_, policy, expected), run) in pair.iter().zip(runs) {
            let policy: String = policy.chars().take(300).collect();
            let log = run.await.unwrap().expect_err(&policy);
            let reasons = reasons(&log);
            assert!(!reasons.is_empty(), "{policy}: {log}");
            for reason in reasons {
                assert!(
                    reason.contains(expected),
                    "{policy}: {reason:?}, not {expected:?}"
                );
            }
        }
    }
    // The nearest that can be.
    for role in ["upstream", "downstream"] {
        validate(role, &valid.to_string()).await.unwrap();
    }
    validate("upstream", "{\"version\": 1}").await.unwrap();
}
