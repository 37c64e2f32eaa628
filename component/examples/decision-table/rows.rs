//! The rows: what a connection shows, and what that is to come to.

use serde_json::{Value, json};

use crate::certificates::World;

/// What a row is to come to: the outcome, the causes of its findings, and of its notices.
type Expected<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

const PERMIT: Expected<'_> = ("permit", &[], &[]);

/// All rows. Facts are in the words of wit/; certificates and OCSP responses by their names.
pub fn all(world: &World) -> Vec<Value> {
    let mut rows = Vec::new();
    rows.extend(transports());
    rows.extend(certificates(world));
    rows.extend(names());
    rows.extend(rules());
    rows.extend(revocation());
    rows
}

/// A row about a server that shows its good certificate over TLS 1.3, but for what differs.
fn row(policy: &str, differs: Value, expected: Expected<'_>) -> Value {
    let connection = json!({
        "direction": "upstream", "transport": { "tls": "tls13" }, "cluster": "backend",
        "server-name": "api.test", "peer-certificate": "server", "client-certificate": false,
    });
    with(connection, policy, differs, expected)
}

/// The same of a client that shows none.
fn client(policy: &str, differs: Value, expected: Expected<'_>) -> Value {
    let connection = json!({
        "direction": "downstream", "transport": { "tls": "tls13" }, "listener": "10.0.0.1:443",
        "peer-address": "192.0.2.7:50000", "client-certificate": false,
    });
    with(connection, policy, differs, expected)
}

fn with(mut connection: Value, policy: &str, differs: Value, expected: Expected<'_>) -> Value {
    let (outcome, findings, notices) = expected;
    let name = format!("{policy}: {differs}");
    if let (Some(connection), Value::Object(differs)) = (connection.as_object_mut(), differs) {
        connection.extend(differs);
        connection.retain(|_, value| !value.is_null());
    }
    // Most policies have one rule.
    let rule = match policy {
        "empty" | "report" | "strict" => "default",
        _ => "peers",
    };
    json!({
        "name": name, "policy": policy, "rule": rule, "connection": connection,
        "outcome": outcome, "findings": findings, "notices": notices,
    })
}

/// The same row, decided by this rule.
fn by(rule: &str, mut row: Value) -> Value {
    if let Some(row) = row.as_object_mut() {
        row.insert("rule".to_owned(), rule.into());
    }
    row
}

fn deny<'a>(findings: &'a [&'a str]) -> Expected<'a> {
    ("deny", findings, &[])
}

fn transports() -> Vec<Value> {
    let plain = json!({ "transport": "plaintext", "peer-certificate": null, "server-name": null });
    let tls = |version: Value| json!({ "transport": { "tls": version } });
    let passed = |version: Value, name: Value| json!({ "transport": { "passthrough": version }, "peer-certificate": null, "server-name": name });
    let passed_by_client =
        json!({ "transport": { "passthrough": "tls13" }, "server-name": "a.db.test" });
    vec![
        row("strict", json!({}), PERMIT),
        row(
            "strict",
            plain.clone(),
            deny(&["plaintext", "certificate_missing"]),
        ),
        row(
            "report",
            plain.clone(),
            ("would-deny", &["plaintext", "certificate_missing"], &[]),
        ),
        row("strict", tls(json!("tls12")), PERMIT),
        row(
            "strict",
            tls(json!("tls11")),
            deny(&["tls_version_too_old"]),
        ),
        row(
            "strict",
            tls(json!("tls10")),
            deny(&["tls_version_too_old"]),
        ),
        row("strict", tls(Value::Null), deny(&["tls_version_unknown"])),
        row(
            "tls-1.3",
            tls(json!("tls12")),
            deny(&["tls_version_too_old"]),
        ),
        row(
            "strict",
            passed(json!("tls13"), json!("api.test")),
            deny(&["passthrough_not_allowed"]),
        ),
        row(
            "passthrough",
            passed(json!("tls13"), json!("a.db.test")),
            PERMIT,
        ),
        row(
            "passthrough",
            passed(json!("tls12"), json!("A.DB.TEST")),
            PERMIT,
        ),
        row(
            "passthrough",
            passed(json!("tls11"), json!("a.db.test")),
            deny(&["tls_version_too_old"]),
        ),
        row(
            "passthrough",
            passed(Value::Null, json!("a.db.test")),
            deny(&["tls_version_too_old"]),
        ),
        row(
            "passthrough",
            passed(json!("tls13"), json!("db.test")),
            deny(&["server_name_mismatch"]),
        ),
        row(
            "passthrough",
            passed(json!("tls13"), Value::Null),
            deny(&["server_name_mismatch"]),
        ),
        row(
            "passthrough",
            tls(json!("tls13")),
            deny(&["passthrough_expected"]),
        ),
        row("passthrough", plain, deny(&["plaintext"])),
        client("passthrough", passed_by_client, PERMIT),
        client("strict", json!({}), PERMIT),
        client(
            "strict",
            json!({ "transport": "plaintext" }),
            deny(&["plaintext"]),
        ),
    ]
}

fn certificates(world: &World) -> Vec<Value> {
    let shown = |name: &str| json!({ "peer-certificate": name });
    let digest = |hex: &str| json!({ "peer-certificate": null, "peer-certificate-sha256": hex });
    let (server, pinned) = (world.server.sha256_hex(), world.pinned.sha256_hex());
    let mut rows = vec![
        row(
            "strict",
            json!({ "peer-certificate": null }),
            deny(&["certificate_missing"]),
        ),
        client("any-name", json!({}), deny(&["client_certificate_missing"])),
        client("any-name", json!({ "peer-certificate": "client" }), PERMIT),
        row(
            "strict",
            digest(&server),
            deny(&["certificate_unavailable"]),
        ),
        row(
            "strict",
            json!({ "peer-certificate-sha256": server }),
            PERMIT,
        ),
        row(
            "strict",
            json!({ "peer-certificate-sha256": pinned }),
            deny(&["certificate_digest_mismatch"]),
        ),
        row("pins", digest(&pinned), PERMIT),
        row("pins", shown("pinned"), PERMIT),
        row("pins", shown("server"), deny(&["certificate_not_pinned"])),
        row("empty", json!({}), deny(&["no_trust_store"])),
        row(
            "strict",
            shown("ends-soon"),
            ("permit", &[], &["certificate_near_expiry"]),
        ),
        row("strict", shown("rsa-2048"), PERMIT),
        row("strong", shown("server"), PERMIT),
        row("strong", shown("rsa-2048"), deny(&["certificate_key_weak"])),
        row("strong", shown("p-384"), deny(&["certificate_key_weak"])),
    ];
    let wrong = [
        ("no-der", "certificate_malformed"),
        ("too-many-names", "certificate_too_large"),
        ("expired", "certificate_expired"),
        ("not-yet-valid", "certificate_not_yet_valid"),
        ("of-another-ca", "certificate_unknown_issuer"),
        ("pinned", "certificate_unknown_issuer"),
        ("broken-signature", "certificate_signature_invalid"),
        ("sha1", "certificate_signature_algorithm"),
        ("rsa-1024", "certificate_key_weak"),
        ("ca", "certificate_is_ca"),
        ("for-clients", "certificate_usage"),
        ("client", "certificate_usage"),
        ("constrained", "certificate_constraint"),
        ("critical", "certificate_profile"),
        ("deep", "path_budget_exceeded"),
    ];
    rows.extend(wrong.map(|(name, cause)| row("strict", shown(name), deny(&[cause]))));
    rows
}

fn names() -> Vec<Value> {
    let no_name = json!({ "server-name": null });
    let authority = |name: &str| json!({ "server-name": null, "request": { "authority": name } });
    vec![
        row("other-name", json!({}), deny(&["name_mismatch"])),
        row("server-name", json!({ "server-name": "API.test" }), PERMIT),
        row(
            "server-name",
            json!({ "server-name": "b.test" }),
            deny(&["name_mismatch"]),
        ),
        row(
            "server-name",
            no_name.clone(),
            deny(&["reference_name_missing"]),
        ),
        row(
            "server-name",
            authority("api.test"),
            deny(&["reference_name_missing"]),
        ),
        row("any-name", no_name, PERMIT),
        row("strict", authority("api.test:8443"), PERMIT),
        row("strict", authority("*.test"), deny(&["name_mismatch"])),
        client("spiffe", json!({ "peer-certificate": "client" }), PERMIT),
        client(
            "spiffe-elsewhere",
            json!({ "peer-certificate": "client" }),
            deny(&["spiffe_id_invalid"]),
        ),
        row(
            "spiffe",
            json!({ "peer-certificate": "two-ids" }),
            deny(&["spiffe_id_invalid"]),
        ),
    ]
}

fn rules() -> Vec<Value> {
    let plain =
        || json!({ "transport": "plaintext", "peer-certificate": null, "server-name": null });
    let both: &[&str] = &["plaintext", "certificate_missing"];
    let token = json!({ "request": { "headers": ["Authorization"] } });
    let other = json!({ "request": { "headers": ["x-other"] } });
    let path = |path: &str| json!({ "request": { "path": path } });
    let tls12 =
        |path: &str| json!({ "transport": { "tls": "tls12" }, "request": { "path": path } });
    let cluster =
        |name: &str, host: &str| json!({ "cluster": name, "request": { "authority": host } });
    vec![
        row("credentials", json!({}), deny(&["credential_missing"])),
        row("credentials", json!({ "client-certificate": true }), PERMIT),
        row("credentials", token, PERMIT),
        row("credentials", other, deny(&["credential_missing"])),
        row("waived", plain(), ("waived", both, &[])),
        row(
            "waiver-near-end",
            plain(),
            ("waived", both, &["waiver_near_end", "waiver_near_end"]),
        ),
        row("waiver-ended", plain(), deny(both)),
        by("public", client("paths", path("/public/a?b=c"), PERMIT)),
        by(
            "secret",
            client("paths", tls12("/secret"), deny(&["tls_version_too_old"])),
        ),
        by(
            "default",
            client(
                "paths",
                path("/public/%2e%2e/secret"),
                deny(&["path_ambiguous"]),
            ),
        ),
        by(
            "payments-api",
            row("selectors", cluster("payments", "api.test"), PERMIT),
        ),
        by(
            "payments",
            row("selectors", cluster("payments", "b.test"), PERMIT),
        ),
        by(
            "named",
            row(
                "selectors",
                json!({ "peer-certificate": "expired" }),
                ("would-deny", &["certificate_expired"], &[]),
            ),
        ),
        by(
            "default",
            row(
                "selectors",
                json!({ "server-name": "b.example" }),
                deny(&["name_mismatch"]),
            ),
        ),
        by(
            "operators",
            client("selectors", json!({ "listener": "10.0.0.1:9443" }), PERMIT),
        ),
        by(
            "default",
            client(
                "selectors",
                json!({ "listener": "10.0.0.1:9443", "peer-address": "[2001:db8::1]:1" }),
                PERMIT,
            ),
        ),
        by(
            "chain",
            client("selectors", json!({ "filter-chain": "mtls" }), PERMIT),
        ),
    ]
}

fn revocation() -> Vec<Value> {
    let shown = |name: &str| json!({ "peer-certificate": name });
    let answered =
        |answer: &str| json!({ "peer-certificate": "sourced", "revocation-answer": answer });
    let stapled = json!({ "peer-certificate": "sourced", "stapled-ocsp-response": "good" });
    let of_another = json!({ "peer-certificate": "server", "stapled-ocsp-response": "good" });
    let mut rows = vec![
        row("crl", shown("server"), PERMIT),
        row("crl", shown("revoked"), deny(&["certificate_revoked"])),
        row(
            "ocsp-response",
            shown("revoked"),
            deny(&["certificate_revoked"]),
        ),
        row("responder", answered("good"), PERMIT),
        row(
            "responder",
            shown("server"),
            deny(&["revocation_no_source"]),
        ),
        row(
            "responder",
            shown("sourced"),
            deny(&["revocation_unreachable"]),
        ),
        row(
            "strict",
            shown("must-staple"),
            deny(&["revocation_no_source"]),
        ),
        row("staple", stapled, PERMIT),
        row("staple", of_another, deny(&["revocation_staple_missing"])),
        row(
            "staple",
            shown("sourced"),
            deny(&["revocation_staple_missing"]),
        ),
        row(
            "responder-lenient",
            answered("revoked"),
            deny(&["certificate_revoked"]),
        ),
    ];
    for (answer, cause) in [
        ("revoked", "certificate_revoked"),
        ("unknown", "revocation_unknown"),
        ("unreachable", "revocation_unreachable"),
        ("invalid", "revocation_invalid"),
        ("stale", "revocation_stale"),
    ] {
        rows.push(row("responder", answered(answer), deny(&[cause])));
        if answer != "revoked" {
            rows.push(row(
                "responder-lenient",
                answered(answer),
                ("permit", &[], &[cause]),
            ));
        }
    }
    rows
}
