//! An audit as SARIF 2.1.0 (OASIS), which code scanning takes.

use serde_json::{Value, json};

use super::Audit;
use super::hop::{Found, Hop};
use super::rules::{Level, Rule};
use crate::reply::clean;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub fn log(audit: &Audit) -> Value {
    let results: Vec<Value> = audit
        .ranked()
        .into_iter()
        .map(|(hop, found)| result(audit, hop, found))
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "hopguard",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": Rule::ALL.iter().map(|rule| self::rule(*rule)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }]
    })
}

fn rule(rule: Rule) -> Value {
    let control = rule.control();
    json!({
        "id": rule.code(),
        "shortDescription": { "text": rule.meaning() },
        "defaultConfiguration": { "level": level(rule.level()) },
        "properties": { "tags": ["security", format!("ASVS-4.0-{control}"), control.cwe()] },
    })
}

fn result(audit: &Audit, hop: &Hop, found: &Found) -> Value {
    let index = Rule::ALL.iter().position(|rule| *rule == found.rule);
    let mut physical = json!({ "artifactLocation": { "uri": uri(&audit.document.name) } });
    if let Some(place) = audit.document.place(&found.path)
        && let Some(physical) = physical.as_object_mut()
    {
        let region = json!({ "startLine": place.line, "startColumn": place.column });
        physical.insert("region".to_owned(), region);
    }
    let name = clean(&hop.name);
    let path = if found.path.is_empty() {
        &hop.path
    } else {
        &found.path
    };
    json!({
        "ruleId": found.rule.code(),
        "ruleIndex": index,
        "level": level(found.level),
        "kind": if found.level == Level::Unknown { "open" } else { "fail" },
        "message": { "text": format!("{} {name}: {}. {}", hop.kind, clean(&found.detail), found.rule.meaning()) },
        "locations": [{
            "physicalLocation": physical,
            "logicalLocations": [{ "name": name, "fullyQualifiedName": clean(path), "kind": "resource" }],
        }],
        // The same finding in a file whose lines have moved.
        "partialFingerprints": { "hop/v1": format!("{}/{}/{name}", found.rule.code(), hop.kind) },
    })
}

/// `kind` other than `fail` has no level (SARIF section 3.27.10).
const fn level(level: Level) -> &'static str {
    match level {
        Level::Note => "note",
        Level::Unknown => "none",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

/// A file's name as a reference (RFC 3986).
fn uri(name: &str) -> String {
    let mut uri = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
