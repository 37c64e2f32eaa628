//! What the core demands of single values. The core's structs do not say it; a
//! test changes each value of a policy in many ways, and holds that schema and core
//! refuse the same.

use hopguard::config::{MAX_RULES, VERSION};
use hopguard::revocation::crl::Limits;
use serde_json::{Value, json};

use crate::reply::Failure;

/// Adds them all.
///
/// # Errors
/// A sentence: a field is not there.
pub fn add(schema: &mut Value) -> Result<(), Failure> {
    for (definition, field, constraint) in all() {
        let pointer = match definition {
            "" => format!("/properties/{field}"),
            _ => format!("/$defs/{definition}/properties/{field}"),
        };
        merge(at(schema, &pointer)?, constraint);
    }
    let word = at(schema, "/$defs/Names/anyOf/0")?;
    merge(
        word,
        json!({ "enum": ["any", "server_name", "authority", "server_name_or_authority"] }),
    );
    let exception = at(schema, "/$defs/StapleException")?;
    let given =
        |field: &str| json!({ "required": [field], "properties": { field: { "type": "array" } } });
    merge(
        exception,
        json!({ "anyOf": [given("names"), given("paths")] }),
    );
    Ok(())
}

/// The part of a schema at a pointer.
///
/// # Errors
/// A sentence: it is not there.
pub fn at<'s>(schema: &'s mut Value, pointer: &str) -> Result<&'s mut Value, Failure> {
    schema
        .pointer_mut(pointer)
        .ok_or_else(|| Failure(format!("the schema has no {pointer}")))
}

/// Puts the entries of an object into another, and lists of items below.
fn merge(schema: &mut Value, constraint: Value) {
    match (schema, constraint) {
        (Value::Object(schema), Value::Object(constraint)) => {
            for (key, value) in constraint {
                match schema.get_mut(&key) {
                    Some(old) if old.is_object() => merge(old, value),
                    _ => {
                        schema.insert(key, value);
                    }
                }
            }
        }
        (schema, constraint) => *schema = constraint,
    }
}

fn range(min: u32, max: u32) -> Value {
    json!({ "minimum": min, "maximum": max })
}

/// Each with its definition (none for the policy itself) and field.
fn all() -> Vec<(&'static str, &'static str, Value)> {
    let name = || json!({ "pattern": "^[A-Za-z0-9_.-]{1,64}$" });
    let text = || json!({ "pattern": "^[!-~]{1,256}$" });
    let rules = || json!({ "maxItems": MAX_RULES });
    let some = || json!({ "minItems": 1, "items": { "minLength": 1 } });
    let few = || json!({ "maxItems": 256 });
    let property = || json!({ "maxItems": 8, "items": { "minLength": 1, "maxLength": 256 } });
    let mut all = vec![
        ("", "version", json!({ "const": VERSION })),
        ("", "clock_skew_seconds", range(0, 86_400)),
        ("", "expiry_warning_days", range(0, 3_650)),
        ("", "trust_stores", json!({ "maxItems": 1_024 })),
        ("", "downstream", rules()),
        ("", "upstream", rules()),
        ("TrustStore", "name", name()),
        ("Gate", "timeout_ms", range(1, 600_000)),
        ("Gate", "max_pending", range(1, 65_536)),
        ("Revocation", "responders", few()),
        ("Revocation", "crls", few()),
        ("Revocation", "crl_sources", few()),
        ("Revocation", "ocsp_responses", few()),
        ("Revocation", "max_wait_ms", range(1, 60_000)),
        ("StapleProperties", "downstream", property()),
        ("StapleProperties", "upstream", property()),
        (
            "CrlSource",
            "url",
            json!({ "pattern": "^[Hh][Tt][Tt][Pp]://", "maxLength": 2_048 }),
        ),
        ("CrlSource", "cluster", text()),
        ("CrlSource", "refresh_seconds", range(1, 604_800)),
        ("CrlSource", "timeout_ms", range(1, 600_000)),
        (
            "CrlSource",
            "max_bytes",
            json!({ "minimum": 1, "maximum": Limits::default().bytes }),
        ),
        (
            "Responder",
            "host",
            json!({ "pattern": "^[A-Za-z0-9._:\\[\\]-]{1,255}$" }),
        ),
        ("Responder", "cluster", text()),
        ("Responder", "timeout_ms", range(1, 60_000)),
        ("Collector", "authority", text()),
        ("Posture", "authority", text()),
        ("Collector", "cluster", text()),
        ("Posture", "cluster", text()),
        ("Collector", "path", json!({ "pattern": "^/[!-~]*$" })),
        ("Collector", "timeout_ms", range(1, 600_000)),
        ("Posture", "interval_seconds", range(1, 86_400)),
        ("Posture", "timeout_ms", range(1, 60_000)),
        ("Posture", "staple_warning_hours", range(0, 8_760)),
        ("Posture", "staple_exceptions", few()),
        ("StapleException", "names", some()),
        ("StapleException", "paths", some()),
        ("Rule", "name", name()),
        (
            "Require",
            "min_tls_version",
            json!({ "enum": ["1.0", "1.1", "1.2", "1.3", null], "default": "1.2" }),
        ),
        ("Passthrough", "server_names", some()),
        ("PeerCertificate", "trust_stores", some()),
        (
            "PeerCertificate",
            "min_rsa_bits",
            json!({ "minimum": 2_048, "maximum": 8_192, "default": 2_048 }),
        ),
        (
            "PeerCertificate",
            "extended_key_usage",
            json!({ "default": "required" }),
        ),
        (
            "PeerCertificate",
            "curves",
            json!({
                "minItems": 1,
                "items": { "enum": ["P-256", "P-384", "P-521"] },
                "default": ["P-256", "P-384"]
            }),
        ),
        (
            "Waiver",
            "controls",
            json!({ "minItems": 1, "items": { "enum": ["V9.2.1", "V9.2.2", "V9.2.3", "V9.2.4"] } }),
        ),
        ("Waiver", "reason", json!({ "pattern": "\\S" })),
        (
            "Waiver",
            "until",
            json!({ "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$" }),
        ),
    ];
    let lists = [
        "clusters",
        "listeners",
        "filter_chains",
        "server_names",
        "addresses",
        "hosts",
        "paths",
    ];
    all.extend(lists.map(|list| ("Match", list, some())));
    all
}
