//! `hopguard explain`.

use hopguard_testbed::pki::{Authority, Issued};
use hopguard_testbed::revocation::{Answer, Status};
use serde_json::{Value, json};

use crate::run::{DAY, Run, folder, hopguard, run_in};

/// A PKI, and a policy for it.
struct Scene {
    root: Authority,
    leaf: Issued,
    staple: Vec<u8>,
    policy: Value,
}

impl Scene {
    fn new() -> Self {
        let root = Authority::root("Root").issue();
        let leaf = root
            .server("a.example")
            .ocsp_url("http://ocsp.example/")
            .issue();
        let peer = |more: Value| {
            let mut peer = json!({ "trust_stores": ["ca"], "names": { "dns": ["a.example"] } });
            peer.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            json!({ "peer_certificate": peer })
        };
        let waive = |until| json!([{ "controls": ["V9.2.1", "V9.2.2"], "reason": "CHG-1", "until": until }]);
        let policy = json!({
            "version": 1,
            "trust_stores": [{ "name": "ca", "ca_certificates": root.pem() }],
            "default_trust_stores": ["ca"],
            "revocation": {
                "responders": [{ "host": "ocsp.example", "cluster": "ocsp" }],
                "staple_properties": { "upstream": ["staple"] }
            },
            "downstream": [
                { "name": "admin", "match": { "paths": ["/admin/**"] }, "require": peer(json!({})) },
                { "name": "near", "match": { "listeners": ["*:9443"], "addresses": ["10.0.0.0/8"] },
                  "require": { "min_tls_version": "1.3" } }
            ],
            "upstream": [
                { "name": "waived", "match": { "clusters": ["old*"] }, "waive": waive("2999-01-01") },
                { "name": "gone", "match": { "clusters": ["gone"] }, "waive": waive("2020-01-01") },
                { "name": "reported", "match": { "clusters": ["rep"] }, "mode": "report" },
                { "name": "token", "match": { "clusters": ["token"] },
                  "require": { "client_authentication": { "certificate": true, "headers": ["Authorization"] } } },
                { "name": "status", "match": { "clusters": ["status"] },
                  "require": peer(json!({ "revocation": { "unknown": "allow" } })) },
                { "name": "stapled", "match": { "clusters": ["stapled"] },
                  "require": peer(json!({ "revocation": { "staple": "required" } })) },
                { "name": "tcp", "match": { "clusters": ["tcp"] },
                  "require": { "passthrough": { "server_names": ["*.db"] } } }
            ]
        });
        let staple = Answer::new(&root, &leaf, Status::Good).sign().unwrap();
        Self {
            root,
            leaf,
            staple,
            policy,
        }
    }

    fn explain(&self, facts: &Value) -> Run {
        self.run(facts, &["--format", "json"])
    }

    fn run(&self, facts: &Value, more: &[&str]) -> Run {
        let folder = folder(&[
            ("policy.json", self.policy.to_string().as_bytes()),
            ("facts.json", facts.to_string().as_bytes()),
            ("leaf.pem", self.leaf.pem().as_bytes()),
            ("leaf.der", self.leaf.der()),
            ("root.pem", self.root.pem().as_bytes()),
            ("staple.der", &self.staple),
            (
                "broken.pem",
                b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
            ),
        ]);
        let arguments = [
            "explain",
            "--policy",
            "policy.json",
            "--facts",
            "facts.json",
        ];
        run_in(folder.path(), &[&arguments[..], more].concat(), b"")
    }
}

/// Facts of TLS 1.3 to a server, and these.
fn upstream(more: Value) -> Value {
    let mut facts = json!({
        "direction": "upstream", "transport": "tls", "tls_version": "1.3",
        "server_name": "a.example", "peer_certificate": "leaf.pem"
    });
    extend(&mut facts, more);
    facts
}

/// Facts of TLS 1.3 with a client, and these.
fn downstream(more: Value) -> Value {
    let mut facts = json!({ "direction": "downstream", "transport": "tls", "tls_version": "1.3" });
    extend(&mut facts, more);
    facts
}

fn extend(facts: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!() };
    let facts = facts.as_object_mut().unwrap();
    for (key, value) in more {
        if value.is_null() {
            facts.remove(&key);
        } else {
            facts.insert(key, value);
        }
    }
}

fn codes(report: &Value, list: &str) -> Vec<String> {
    let list = report[list].as_array().unwrap().iter();
    list.map(|f| f["cause"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_verdict_is_that_of_the_plugin() {
    let scene = Scene::new();
    let plain = json!({ "transport": "plaintext", "tls_version": null, "server_name": null, "peer_certificate": null });
    let with = |mut facts: Value, more: Value| {
        extend(&mut facts, more);
        facts
    };
    for (facts, outcome, rule, findings) in [
        (upstream(json!({})), "permit", "default", &[][..]),
        (
            upstream(json!({ "peer_certificate": "leaf.der" })),
            "permit",
            "default",
            &[],
        ),
        (
            upstream(json!({ "tls_version": "1.1" })),
            "deny",
            "default",
            &["tls_version_too_old"],
        ),
        (
            upstream(json!({ "tls_version": null })),
            "deny",
            "default",
            &["tls_version_unknown"],
        ),
        (
            upstream(json!({ "server_name": "b.example" })),
            "deny",
            "default",
            &["name_mismatch"],
        ),
        (
            upstream(json!({ "server_name": null, "request": { "authority": "A.example:443" } })),
            "permit",
            "default",
            &[],
        ),
        (
            upstream(json!({ "server_name": null })),
            "deny",
            "default",
            &["reference_name_missing"],
        ),
        (
            upstream(json!({ "peer_certificate": null })),
            "deny",
            "default",
            &["certificate_missing"],
        ),
        (
            upstream(json!({ "peer_certificate": "root.pem" })),
            "deny",
            "default",
            &["certificate_is_ca"],
        ),
        (
            upstream(json!({ "peer_certificate": "broken.pem" })),
            "deny",
            "default",
            &["certificate_malformed"],
        ),
        (
            upstream(
                json!({ "peer_certificate": null, "peer_certificate_sha256": scene.leaf.sha256_hex() }),
            ),
            "deny",
            "default",
            &["certificate_unavailable"],
        ),
        (
            with(upstream(plain.clone()), json!({ "cluster": "old-1" })),
            "waived",
            "waived",
            &["plaintext", "certificate_missing"],
        ),
        (
            with(upstream(plain.clone()), json!({ "cluster": "gone" })),
            "deny",
            "gone",
            &["plaintext", "certificate_missing"],
        ),
        (
            with(upstream(plain), json!({ "cluster": "rep" })),
            "would_deny",
            "reported",
            &["plaintext", "certificate_missing"],
        ),
        (
            upstream(json!({ "cluster": "token" })),
            "deny",
            "token",
            &["credential_missing"],
        ),
        (
            upstream(json!({ "cluster": "token", "client_certificate": true })),
            "permit",
            "token",
            &[],
        ),
        (
            upstream(json!({ "cluster": "token", "request": { "headers": ["AUTHORIZATION"] } })),
            "permit",
            "token",
            &[],
        ),
        (
            json!({ "direction": "upstream", "transport": "passthrough", "tls_version": "1.2", "cluster": "tcp", "server_name": "A.db" }),
            "permit",
            "tcp",
            &[],
        ),
        (
            json!({ "direction": "upstream", "transport": "passthrough", "cluster": "tcp", "server_name": "a.db" }),
            "deny",
            "tcp",
            &["tls_version_too_old"],
        ),
        (downstream(json!({})), "permit", "default", &[]),
        (
            downstream(json!({ "request": { "path": "/admin/x?y" } })),
            "deny",
            "admin",
            &["client_certificate_missing"],
        ),
        (
            downstream(json!({ "request": { "path": "/public/%2e%2e/admin/x" } })),
            "deny",
            "default",
            &["path_ambiguous"],
        ),
        (
            downstream(
                json!({ "tls_version": "1.2", "listener": "192.0.2.1:9443", "peer_address": "10.1.2.3:4" }),
            ),
            "deny",
            "near",
            &["tls_version_too_old"],
        ),
        (
            downstream(
                json!({ "tls_version": "1.2", "listener": "192.0.2.1:9443", "peer_address": "11.1.2.3:4" }),
            ),
            "permit",
            "default",
            &[],
        ),
    ] {
        let run = scene.explain(&facts);
        let report = run.json();
        assert_eq!(report["outcome"], outcome, "{facts} {report}");
        assert_eq!(report["rule"], rule, "{facts} {report}");
        assert_eq!(codes(&report, "findings"), findings, "{facts} {report}");
        let is_denied = matches!(outcome, "deny" | "would_deny");
        assert_eq!(run.code, i32::from(is_denied), "{facts}");
    }
}

#[test]
fn each_earlier_rule_says_why_it_does_not_match() {
    let scene = Scene::new();
    let facts = downstream(json!({
        "listener": "192.0.2.1:9443", "peer_address": "11.1.2.3:4", "request": { "path": "/x" }
    }));
    let report = scene.explain(&facts).json();
    assert_eq!(
        report["rules"],
        json!([
            { "path": "downstream[0]", "name": "admin", "matches": false, "unmatched": [
                { "field": "paths", "patterns": ["/admin/**"], "value": "/x" }] },
            { "path": "downstream[1]", "name": "near", "matches": false, "unmatched": [
                { "field": "addresses", "patterns": ["10.0.0.0/8"], "value": "11.1.2.3:4" }] },
            { "path": "default", "name": "default", "matches": true, "unmatched": [] }
        ])
    );
    let text = scene.run(&facts, &[]).out;
    for line in [
        "let through (permit), downstream, by rule default",
        "downstream[0] admin: does not match: paths are /admin/**, not /x\n",
        "downstream[1] near: does not match: addresses are 10.0.0.0/8, not 11.1.2.3:4\n",
        "default default: matches\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let text = scene.run(&downstream(json!({})), &[]).out;
    assert!(
        text.contains("paths are /admin/**, and there is none"),
        "{text}"
    );
}

#[test]
fn what_is_asked_for_comes_from_the_policy_and_the_facts() {
    let scene = Scene::new();
    let status = |more| {
        let mut facts = upstream(json!({ "cluster": "status" }));
        extend(&mut facts, more);
        let report = scene.explain(&facts).json();
        let status = report["revocation"][0]["status"].clone();
        (report, status)
    };
    let (report, of) = status(json!({}));
    assert_eq!(
        (&report["outcome"], &of),
        (&json!("deny"), &json!("pending"))
    );
    assert_eq!(report["is_pending"], true);
    assert_eq!(codes(&report, "findings"), ["revocation_unreachable"]);
    for (answer, outcome, finding, notice) in [
        ("good", "permit", None, None),
        ("revoked", "deny", Some("certificate_revoked"), None),
        ("unknown", "permit", None, Some("revocation_unknown")),
        ("unreachable", "deny", Some("revocation_unreachable"), None),
        ("invalid", "deny", Some("revocation_invalid"), None),
        ("stale", "deny", Some("revocation_stale"), None),
    ] {
        let (report, of) = status(json!({ "revocation_answer": answer }));
        assert_eq!((&report["outcome"], &of), (&json!(outcome), &json!(answer)));
        assert_eq!(report["is_pending"], false);
        assert_eq!(codes(&report, "findings"), Vec::from_iter(finding));
        assert_eq!(codes(&report, "notices"), Vec::from_iter(notice));
    }
    // A staple, and what the policy holds, are read as the plugin reads them.
    let (report, _) = status(json!({ "stapled_ocsp_response": "staple.der" }));
    assert_eq!(report["outcome"], "permit");
    assert_eq!(report["revocation"][0]["source"], "ocsp_staple");
    let stapled = |more| {
        let mut facts = upstream(json!({ "cluster": "stapled" }));
        extend(&mut facts, more);
        codes(&scene.explain(&facts).json(), "findings")
    };
    let answered = json!({ "revocation_answer": "good" });
    assert_eq!(stapled(answered), ["revocation_staple_missing"]);
    assert!(stapled(json!({ "stapled_ocsp_response": "staple.der" })).is_empty());
    assert_eq!(
        stapled(json!({ "stapled_ocsp_response": "leaf.der" })),
        ["revocation_staple_missing"]
    );
    let mut scene = Scene::new();
    let revoked = Answer::new(&scene.root, &scene.leaf, Status::Revoked);
    let response = data_encoding::BASE64.encode(&revoked.sign().unwrap());
    scene.policy["revocation"]["ocsp_responses"] = json!([response]);
    let facts = upstream(json!({ "cluster": "status", "revocation_answer": "good" }));
    let report = scene.explain(&facts).json();
    assert_eq!(codes(&report, "findings"), ["certificate_revoked"]);
    assert_eq!(report["revocation"][0]["source"], "ocsp_policy");
}

#[test]
fn the_time_is_that_of_the_option_or_of_the_facts() {
    let time = |facts: &Value, more: &[&str]| {
        let run = Scene::new().run(facts, &[more, &["--format", "json"]].concat());
        run.json()["time"].as_str().unwrap().to_owned()
    };
    let facts = upstream(json!({}));
    assert_eq!(time(&facts, &["--at", DAY]), "2027-01-15T00:00:00Z");
    let dated = upstream(json!({ "time": "2027-02-03T04:05:06Z" }));
    assert_eq!(time(&dated, &[]), "2027-02-03T04:05:06Z");
    assert_eq!(time(&dated, &["--at", DAY]), "2027-01-15T00:00:00Z");
}

#[test]
fn facts_that_cannot_be_are_refused() {
    let scene = Scene::new();
    for (facts, sentence) in [
        (json!({}), "missing field"),
        (upstream(json!({ "clutser": "a" })), "unknown field"),
        (upstream(json!({ "transport": "quic" })), "unknown variant"),
        (
            upstream(json!({ "tls_version": "1.4" })),
            "\"1.4\" is no version",
        ),
        (
            upstream(json!({ "listener": "1.2.3.4:5" })),
            "listener: only a connection of a client",
        ),
        (
            upstream(json!({ "filter_chain": "a" })),
            "filter_chain: only a connection of a client",
        ),
        (
            downstream(json!({ "cluster": "a" })),
            "cluster: only a connection to a server",
        ),
        (
            downstream(json!({ "client_certificate": true })),
            "client_certificate: only a connection to a server",
        ),
        (
            downstream(json!({ "peer_address": "1.2.3.4:0" })),
            "address_from_header",
        ),
        (
            upstream(json!({ "transport": "plaintext" })),
            "peer_certificate: only TLS",
        ),
        (
            upstream(json!({ "transport": "passthrough" })),
            "peer_certificate: only TLS",
        ),
        (
            downstream(json!({ "transport": "plaintext" })),
            "tls_version: only TLS",
        ),
        (
            upstream(json!({ "peer_certificate": "absent.pem" })),
            "absent.pem: No such file",
        ),
        (
            upstream(json!({ "stapled_ocsp_response": "absent.der" })),
            "absent.der: No such file",
        ),
        (
            upstream(json!({ "peer_certificate_sha256": "00" })),
            "leave one out",
        ),
        (
            upstream(json!({ "peer_certificate": null, "peer_certificate_sha256": "00" })),
            "is no SHA-256",
        ),
        (
            upstream(json!({ "time": "noon" })),
            "time: \"noon\" is no time",
        ),
    ] {
        scene.run(&facts, &[]).assert_failure(sentence);
    }
    hopguard(&["explain", "--policy", "policy.yaml", "--facts", "absent"])
        .assert_failure("absent: No such file");
    let arguments = [
        "explain",
        "--policy",
        "broken.yaml",
        "--facts",
        "payments-facts.yaml",
    ];
    let run = hopguard(&arguments);
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{run:?}");
}
