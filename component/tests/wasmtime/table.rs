//! The table: what each row is to come to, what the core says of it, what the component says.

use std::collections::BTreeSet;

use hopguard::decision::Cause;
use hopguard::trust::Certificate;
use hopguard_engine::certificate::Sight;
use hopguard_engine::explanation::{FindingSight, decide, explain};
use hopguard_engine::stores::verdicts;
use serde_json::{Value, json};

use crate::host::{SAID, TABLE};
use crate::{native, told};

/// The codes that no decision over facts comes to: what only a proxy can meet.
const OF_A_PROXY: [Cause; 47] = [
    // Waiting for a connection, and looking at it.
    Cause::GateTimeout,
    Cause::GateOverflow,
    Cause::ClientHandshakePending,
    Cause::UpstreamNotShown,
    Cause::EvidenceSuperseded,
    Cause::EvidenceUnreadable,
    // No connection shows this: it is `impossible-facts`.
    Cause::AddressFromHeader,
    // The proxy's own certificates.
    Cause::StapleMissing,
    Cause::StapleExpired,
    Cause::StapleNotYetValid,
    Cause::StapleNearExpiry,
    Cause::StapleFailed,
    Cause::StapleOmitted,
    Cause::AdminUnreachable,
    Cause::AdminAnswerInvalid,
    // Failures of TLS and TCP.
    Cause::TlsPlaintextPeer,
    Cause::TlsVersionMismatch,
    Cause::TlsCipherMismatch,
    Cause::TlsParametersMismatch,
    Cause::TlsProtocolError,
    Cause::TlsCertificateUntrusted,
    Cause::TlsCertificateExpired,
    Cause::TlsCertificateNotYetValid,
    Cause::TlsCertificateName,
    Cause::TlsCertificateNotPinned,
    Cause::TlsCertificateRevoked,
    Cause::TlsRevocationUnknown,
    Cause::TlsCertificateUnsuitable,
    Cause::TlsCertificateRefused,
    Cause::TlsClientCertificateMissing,
    Cause::TlsAlertCertificate,
    Cause::TlsAlertHandshakeFailure,
    Cause::TlsAlertUnrecognizedName,
    Cause::TlsAlertNoApplicationProtocol,
    Cause::TlsAlertInternalError,
    Cause::TlsAlertOther,
    Cause::TlsHandshakeReset,
    Cause::TlsHandshakeTimeout,
    Cause::TlsClosedAfterHandshake,
    Cause::TlsLocalSecretMissing,
    Cause::TlsFailureOther,
    Cause::ConnectionRefused,
    Cause::ConnectionReset,
    Cause::ConnectionFailed,
    Cause::ConnectionTimeout,
    Cause::ConnectionUnestablished,
    Cause::AttemptFailed,
];

fn rows() -> &'static [Value] {
    TABLE["rows"].as_array().unwrap()
}

fn codes(findings: &[FindingSight]) -> Vec<&str> {
    findings.iter().map(|finding| finding.cause).collect()
}

#[test]
fn each_row_comes_to_what_it_is_to_come_to() {
    for row in rows() {
        let name = &row["name"];
        let document = native::policy(row["policy"].as_str().unwrap());
        let facts = native::facts(&row["connection"]);
        let verdict = decide(&document.policy, facts, native::now());
        let outcome = verdict.outcome.as_str().replace('_', "-");
        assert_eq!(row["outcome"], outcome, "{name}: {verdict:?}");
        assert_eq!(row["rule"], verdict.rule, "{name}");
        assert_eq!(row["findings"], json!(codes(&verdict.findings)), "{name}");
        assert_eq!(row["notices"], json!(codes(&verdict.notices)), "{name}");
    }
}

#[test]
fn each_cause_of_a_decision_has_a_row() {
    let lists = rows()
        .iter()
        .flat_map(|row| [&row["findings"], &row["notices"]]);
    let codes = lists.flat_map(|list| list.as_array().unwrap());
    let in_rows: BTreeSet<&str> = codes.map(|code| code.as_str().unwrap()).collect();
    let of_a_proxy: BTreeSet<&str> = OF_A_PROXY.iter().map(|cause| cause.code()).collect();
    let all: BTreeSet<&str> = Cause::ALL.iter().map(|cause| cause.code()).collect();
    let both: Vec<_> = in_rows.intersection(&of_a_proxy).collect();
    assert!(both.is_empty(), "{both:?}");
    let known: BTreeSet<&str> = in_rows.union(&of_a_proxy).copied().collect();
    assert_eq!(known, all);
    let outcomes: BTreeSet<&str> = rows()
        .iter()
        .filter_map(|row| row["outcome"].as_str())
        .collect();
    assert_eq!(
        outcomes,
        BTreeSet::from(["deny", "permit", "waived", "would-deny"])
    );
}

#[test]
fn the_component_decides_and_explains_as_the_core_does() {
    let said = SAID["rows"].as_array().unwrap();
    assert_eq!(said.len(), rows().len());
    for (row, said) in rows().iter().zip(said) {
        let name = &row["name"];
        let document = native::policy(row["policy"].as_str().unwrap());
        let facts = native::facts(&row["connection"]);
        let explained = explain(&document.policy, &document.json, facts, native::now());
        assert_eq!(&said["name"], name);
        assert_eq!(
            said["explained"]["ok"],
            told::explanation(&explained),
            "{name}"
        );
        assert_eq!(
            said["decided"]["ok"],
            told::verdict(&explained.verdict),
            "{name}"
        );
    }
}

#[test]
fn the_component_sees_certificates_as_the_core_does() {
    let strict = native::policy("strict");
    for (name, said) in SAID["certificates"].as_object().unwrap() {
        let read = Certificate::parse(&native::der(name)).map_err(|error| error.to_string());
        let inspected = read
            .as_ref()
            .map(|certificate| told::certificate(&Sight::of(certificate)));
        let trusted = read.as_ref().map(|certificate| {
            let all = verdicts(&strict.policy, &strict.json, certificate, native::now()).unwrap();
            all.iter().map(told::store_verdict).collect::<Value>()
        });
        // A text or a record needs no tag.
        let either = |result: Result<Value, &String>| result.unwrap_or_else(|error| json!(error));
        assert_eq!(said["inspected"], either(inspected), "{name}");
        assert_eq!(said["trusted"], either(trusted), "{name}");
    }
}

#[test]
fn the_component_imports_nothing() {
    assert_eq!(SAID["imports"], json!([]));
}

#[test]
fn the_component_tells_all_causes() {
    let causes = Cause::ALL.iter().map(|cause| {
        json!({
            "code": cause.code(), "control": cause.requirement().as_str(),
            "cwe": cause.requirement().cwe(), "meaning": cause.meaning(),
        })
    });
    assert_eq!(SAID["causes"], causes.collect::<Value>());
}

#[test]
fn the_component_describes_policies() {
    let selectors = &SAID["policies"]["selectors"]["upstream"];
    let default = json!({
        "path": "default", "name": "default", "enforcement": "enforce", "matches": [],
        "require": null, "waivers": [],
    });
    assert_eq!(
        selectors["rules"],
        json!([
            {
                "path": "upstream[0]", "name": "payments-api", "enforcement": "enforce",
                "matches": [
                    { "field": "clusters", "patterns": ["pay*"] },
                    { "field": "hosts", "patterns": ["api.test"] },
                ],
                "require": "{}", "waivers": [],
            },
            {
                "path": "upstream[1]", "name": "payments", "enforcement": "enforce",
                "matches": [{ "field": "clusters", "patterns": ["pay*"] }],
                "require": "{}", "waivers": [],
            },
            {
                "path": "upstream[2]", "name": "named", "enforcement": "report",
                "matches": [{ "field": "server_names", "patterns": ["*.test"] }],
                "require": "{}", "waivers": [],
            },
            default,
        ])
    );
    let needed = |policy: &str, direction: &str| &SAID["policies"][policy][direction]["needed"];
    for (policy, direction, facts, headers) in [
        (
            "selectors",
            "upstream",
            json!(["authority", "cluster", "server-name"]),
            json!([]),
        ),
        (
            "selectors",
            "downstream",
            json!(["filter-chain", "listener", "peer-address"]),
            json!([]),
        ),
        ("paths", "downstream", json!(["path"]), json!([])),
        (
            "passthrough",
            "downstream",
            json!(["server-name"]),
            json!([]),
        ),
        (
            "staple",
            "upstream",
            json!(["authority", "server-name", "stapled-ocsp-response"]),
            json!([]),
        ),
        (
            "credentials",
            "upstream",
            json!(["authority", "client-certificate", "server-name"]),
            json!(["authorization"]),
        ),
    ] {
        let expected = json!({ "facts": facts, "headers": headers });
        assert_eq!(needed(policy, direction), &expected, "{policy} {direction}");
    }
    for (policy, state) in [
        ("waived", "active"),
        ("waiver-near-end", "near-end"),
        ("waiver-ended", "expired"),
    ] {
        let waiver = &SAID["policies"][policy]["upstream"]["rules"][0]["waivers"][0];
        assert_eq!(waiver["controls"], json!(["V9.2.1", "V9.2.2"]), "{policy}");
        assert_eq!(waiver["waiver"]["state"], state, "{policy}");
        assert_eq!(waiver["waiver"]["reason"], "CHG-4711", "{policy}");
    }
}
