//! All errors of a policy at once, for tools that check one before it is used.
//!
//! There is one reader, the one of [`parse`](super::parse), and it stops at the
//! first value that has not the form of its field. So that it goes on, such a
//! value is taken out, or another put in its place, and the document is read
//! again; what the reader then says of that place is not told.

use std::rc::Rc;

use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use super::error::{ConfigError, Errors};
use super::{VERSION, form_error, policy, store, version_error, wire};
use crate::decision::Policy;
use crate::trust::TrustStore;

/// The most errors that are told.
///
/// A hundred: more than anybody mends before checking again.
pub const MAX_ERRORS: usize = 100;

/// What can stand for a value of the wrong form.
const STAND_INS: [fn() -> Value; 5] = [
    || Value::String(String::new()),
    || Value::Object(Map::new()),
    || Value::Array(Vec::new()),
    || Value::from(0),
    || Value::Bool(false),
];

/// Checks a policy. `now` (seconds since the Unix epoch) decides whether the
/// trust anchors are valid.
///
/// # Errors
/// Each field that is wrong, and why, [`MAX_ERRORS`] at most.
pub fn check(document: &Value, now: i64) -> Result<Policy, Vec<ConfigError>> {
    if let Some(other) = document.get("version").and_then(Value::as_u64)
        && other != u64::from(VERSION)
    {
        return Err(vec![version_error(other)]);
    }
    let mut errors = Errors::at_most(MAX_ERRORS);
    let mut mended = Mended {
        document: document.clone(),
        places: Vec::new(),
    };
    let Some(wire) = mended.read(&mut errors) else {
        return errors.finish(None);
    };
    let mut found = Errors::at_most(MAX_ERRORS);
    let policy = policy(&wire, now, &mut found);
    match found.finish(policy) {
        Ok(policy) => errors.finish(Some(policy)),
        Err(found) => {
            let of_the_policy = found.into_iter().filter(|e| !mended.explains(e));
            of_the_policy.for_each(|error| errors.add(error));
            errors.finish(None)
        }
    }
}

/// The trust stores of a policy by name, in its order, also those that no rule
/// names.
///
/// # Errors
/// As [`check`], of what is read.
pub fn trust_stores(
    document: &Value,
    now: i64,
) -> Result<Vec<(String, Rc<TrustStore>)>, Vec<ConfigError>> {
    let wire = read(document).map_err(|fault| vec![fault.error])?;
    let mut errors = Errors::at_most(MAX_ERRORS);
    let stores = store::stores(&wire.trust_stores, now, &mut errors);
    let mut stores = errors.finish(stores)?;
    let names = wire.trust_stores.into_iter().map(|store| store.name);
    Ok(names
        .filter_map(|name| stores.remove(&name).flatten().map(|store| (name, store)))
        .collect())
}

/// A document in which values of the wrong form were replaced.
struct Mended {
    document: Value,
    /// The paths of these values.
    places: Vec<String>,
}

impl Mended {
    /// Reads the document, mending it as often as that takes.
    fn read(&mut self, errors: &mut Errors) -> Option<wire::Policy> {
        // A place may need to be mended twice: a value that is taken out, and
        // turns out to be required.
        for _ in 0..2 * MAX_ERRORS {
            let fault = match read(&self.document) {
                Ok(wire) => return Some(wire),
                Err(fault) => fault,
            };
            let place = fault.place();
            if !self.places.iter().any(|p| is_within(&place, p)) {
                errors.add(fault.error.clone());
                self.places.push(place);
            }
            self.mend(&fault)?;
        }
        None
    }

    fn mend(&mut self, fault: &Fault) -> Option<()> {
        let (last, above) = fault.path.split_last()?;
        let parent = at(&mut self.document, above)?;
        match last {
            Segment::Map { key } if fault.is_missing => {
                parent.as_object_mut()?.insert(key.clone(), Value::Null);
            }
            Segment::Map { key } => return parent.as_object_mut()?.remove(key).map(drop),
            _ => {}
        }
        for value in STAND_INS {
            *at(&mut self.document, &fault.path)? = value();
            match read(&self.document) {
                Err(now) if now.place() == fault.place() => {}
                _ => return Some(()),
            }
        }
        None
    }

    /// Whether an error may be but the consequence of what was mended: it is
    /// about that place, something in it, or what it stands in.
    fn explains(&self, error: &ConfigError) -> bool {
        let is_reference =
            !error.path.starts_with("trust_stores") && error.path.contains("trust_stores[");
        self.places.iter().any(|place| {
            is_within(&error.path, place)
                || is_within(place, &error.path)
                || is_reference && is_store(place)
        })
    }
}

/// Why a document could not be read.
struct Fault {
    error: ConfigError,
    /// Where the value is, or is missing.
    path: Vec<Segment>,
    is_missing: bool,
}

impl Fault {
    fn place(&self) -> String {
        path_text(&self.path)
    }
}

fn read(document: &Value) -> Result<wire::Policy, Fault> {
    serde_path_to_error::deserialize(document).map_err(|error| {
        // An enum's variant is a part of its value.
        let is_field = |s: &&Segment| matches!(s, Segment::Map { .. } | Segment::Seq { .. });
        let mut path: Vec<Segment> = error.path().iter().take_while(is_field).cloned().collect();
        let missing = missing_field(&error.inner().to_string());
        let is_missing = missing.is_some();
        path.extend(missing.map(|key| Segment::Map { key }));
        Fault {
            error: form_error(&error),
            path,
            is_missing,
        }
    })
}

/// The field that serde misses (`serde::de::Error::missing_field`).
fn missing_field(message: &str) -> Option<String> {
    let name = message.strip_prefix("missing field `")?.split('`').next()?;
    Some(name.to_owned())
}

/// As serde_path_to_error writes it.
fn path_text(path: &[Segment]) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => text.push_str(&format!("[{index}]")),
            Segment::Map { key } if text.is_empty() => text.push_str(key),
            Segment::Map { key } => text.push_str(&format!(".{key}")),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    text
}

/// Whether `path` is `place`, or within it.
fn is_within(path: &str, place: &str) -> bool {
    path.strip_prefix(place)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Whether a store as such is at that place, or all of them, or one's name.
fn is_store(place: &str) -> bool {
    place
        .strip_prefix("trust_stores")
        .is_some_and(|rest| !rest.contains('.') || rest.ends_with("].name"))
}

fn at<'v>(document: &'v mut Value, path: &[Segment]) -> Option<&'v mut Value> {
    path.iter()
        .try_fold(document, |value, segment| match segment {
            Segment::Seq { index } => value.get_mut(*index),
            Segment::Map { key } => value.get_mut(key),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::trust::tests::pki::{NOW, pem, plain_authority};

    fn errors(document: &Value) -> Vec<String> {
        check(document, NOW)
            .unwrap_err()
            .iter()
            .map(|e| format!("{}: {}", e.path, e.message))
            .collect()
    }

    #[track_caller]
    fn assert_errors(document: &Value, expected: &[&str]) {
        let errors = errors(document);
        let same = |(error, start): (&String, &&str)| error.starts_with(start);
        assert!(
            errors.len() == expected.len() && errors.iter().zip(expected).all(same),
            "{errors:#?}"
        );
    }

    #[test]
    fn a_right_policy_is_what_the_plugin_gets() {
        let document = json!({
            "version": 1,
            "trust_stores": [{ "name": "ca", "ca_certificates": pem(&plain_authority("ca").der) }],
            "default_trust_stores": ["ca"],
            "upstream": [{ "name": "a", "match": { "clusters": ["a*"] } }]
        });
        assert_eq!(
            format!("{:?}", check(&document, NOW).unwrap()),
            format!(
                "{:?}",
                super::super::parse(document.to_string().as_bytes(), NOW).unwrap()
            ),
        );
    }

    #[test]
    fn stores_come_by_name_and_in_order() {
        let store = |name| json!({ "name": name, "pinned_certificate_sha256": ["00".repeat(32)] });
        let document = json!({ "version": 1, "trust_stores": [store("b"), store("a")] });
        let names = trust_stores(&document, NOW).unwrap();
        let names: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["b", "a"]);
    }

    #[test]
    fn wrong_forms_hide_no_other_error() {
        assert_errors(
            &json!({
                "version": 1,
                "mod": "report",
                "clock_skew_seconds": "5",
                "trust_stores": [
                    7,
                    { "name": "a b", "ca_certificates": 5, "pinned_certificate_sha256": ["xy"] },
                    { "pinned_certificate_sha256": ["00".repeat(32)] }
                ],
                "gate": { "timeout_ms": 0, "max_pending": 0 },
                "upstream": [
                    { "name": "a", "match": { "clusters": [], "hosts": ["***"], "x": 1 }, "mode": "audit" },
                    { "name": "a", "require": { "min_tls_version": "1.4", "peer_certificate": {} } },
                    "c"
                ]
            }),
            &[
                "clock_skew_seconds: invalid type",
                "mod: unknown field `mod`",
                "trust_stores[0]: invalid type",
                "trust_stores[1].ca_certificates: invalid type",
                "trust_stores[2]: missing field `name`",
                "upstream[0].match.x: unknown field",
                "upstream[0].mode: unknown variant",
                "upstream[1].require.peer_certificate: missing field `trust_stores`",
                "upstream[2]: invalid type",
                "gate.timeout_ms: 0 is not",
                "gate.max_pending: 0 is not",
                "trust_stores[1].name: \"a b\" is no name",
                "trust_stores[1].pinned_certificate_sha256[0]: \"xy\" is no SHA-256",
                "upstream[0].match.clusters: it is empty",
                "upstream[0].match.hosts[0]: ",
                "upstream[1].name: \"a\" is the name of another rule",
                "upstream[1].require.min_tls_version: \"1.4\" is no version",
            ],
        );
    }

    #[test]
    fn what_follows_from_an_error_is_not_told() {
        // A store that is refused is known by its name all the same.
        assert_errors(
            &json!({
                "version": 1,
                "trust_stores": [{ "name": "ca", "ca_certificates": "no PEM" }],
                "default_trust_stores": ["ca", "other"],
                "upstream": [{ "name": "a", "require": { "peer_certificate": { "trust_stores": ["ca"], "names": "any" } } }, { "name": "b" }]
            }),
            &[
                "trust_stores[0].ca_certificates: ",
                "default_trust_stores[1]: \"other\" is not among",
            ],
        );
        // Stores of the wrong form may have had any name.
        assert_errors(
            &json!({
                "version": 1,
                "trust_stores": { "name": "ca" },
                "default_trust_stores": ["ca"],
                "upstream": [{ "name": "a", "require": { "peer_certificate": { "trust_stores": ["ca"], "names": "any" } } }]
            }),
            &["trust_stores: invalid type"],
        );
    }

    #[test]
    fn every_error_of_the_posture_is_told_once() {
        assert_errors(
            &json!({
                "version": 1,
                "posture": {
                    "cluster": "a b",
                    "interval_seconds": 0,
                    "staple_exceptions": [{}, { "names": [] }, { "paths": ["***"] }]
                }
            }),
            &[
                "posture.cluster: \"a b\" is no name of a cluster",
                "posture.interval_seconds: 0 is not",
                "posture.staple_exceptions[0]: it names no certificate",
                "posture.staple_exceptions[1].names: it is empty",
                "posture.staple_exceptions[2].paths[0]: too many asterisks",
            ],
        );
        assert_errors(
            &json!({ "version": 1, "posture": { "authority": "" } }),
            &[
                "posture: missing field `cluster`",
                "posture.authority: \"\" is no authority",
            ],
        );
    }

    #[test]
    fn every_certificate_of_a_store_is_told() {
        let ca = plain_authority("ca");
        let leaf = pem(&ca.leaf(|_| {}).der);
        let bundle = format!("{leaf}{}{leaf}", pem(&ca.der));
        assert_errors(
            &json!({
                "version": 1,
                "trust_stores": [{ "name": "ca", "ca_certificates": bundle, "spiffe_trust_domains": ["A B"] }]
            }),
            &[
                "trust_stores[0].ca_certificates[0]: ",
                "trust_stores[0].ca_certificates[2]: ",
                "trust_stores[0].spiffe_trust_domains[0]: ",
            ],
        );
    }

    #[test]
    fn whatever_the_document_is_it_is_refused() {
        for (document, start) in [
            (json!(null), ": invalid type"),
            (json!([]), ": invalid type: sequence"),
            (json!("version"), ": invalid type"),
            (json!({}), ": missing field `version`"),
            (
                json!({ "version": 2, "rules": 5 }),
                "version: this hopguard reads version 1, not 2",
            ),
            (json!({ "version": "1" }), "version: invalid type"),
            (
                json!({ "version": 1, "mode": { "a": 1, "b": 2 } }),
                "mode: invalid value",
            ),
            (json!({ "version": 1, "mode": { "report": 1 } }), "mode"),
        ] {
            assert_errors(&document, &[start]);
        }
    }

    #[test]
    fn only_so_many_errors_are_told() {
        let document = json!({ "version": 1, "default_trust_stores": vec![0; 500] });
        assert_eq!(errors(&document).len(), MAX_ERRORS);
        let document = json!({ "version": 1, "default_trust_stores": vec!["a"; 500] });
        assert_eq!(errors(&document).len(), MAX_ERRORS);
    }
}
