//! The page of all fields, and the defaults that it tells of.

use std::collections::HashSet;

use hopguard::config;
use serde_json::Value;

use super::{schema, whole};
use crate::run::hopguard;

#[test]
fn the_committed_reference_is_current() {
    let committed = include_str!("../../../../docs/policy-reference.md");
    assert!(
        hopguard(&["schema", "--markdown"]).out == committed,
        "run: hopguard schema --markdown > docs/policy-reference.md"
    );
    // Every object and field of the schema has its place.
    let schema = schema(&[]);
    let objects = schema["$defs"].as_object().unwrap().values();
    let mut count = 0;
    for object in objects.chain([&schema]) {
        for (name, field) in object["properties"].as_object().into_iter().flatten() {
            let meaning = field["description"].as_str().unwrap();
            let row = committed.lines().find(|line| {
                line.starts_with(&format!("| `{name}` |"))
                    && line.ends_with(&format!("| {meaning} |"))
            });
            assert!(row.is_some(), "{name}: {meaning}");
            count += 1;
        }
    }
    assert!(count > 60, "{count}");
}

/// The objects of a policy, each with its schema.
fn objects<'s>(
    value: &Value,
    schema: &'s Value,
    at: String,
    root: &'s Value,
    all: &mut Vec<(String, &'s Value)>,
) {
    if let Some(name) = schema["$ref"].as_str() {
        let definition = root.pointer(name.trim_start_matches('#')).unwrap();
        return objects(value, definition, at, root, all);
    }
    for way in schema["anyOf"].as_array().into_iter().flatten() {
        objects(value, way, at.clone(), root, all);
    }
    if let (Some(fields), Some(properties)) = (value.as_object(), schema["properties"].as_object())
    {
        all.push((at.clone(), schema));
        for (name, field) in properties {
            if let Some(value) = fields.get(name) {
                objects(value, field, format!("{at}/{name}"), root, all);
            }
        }
    }
    for (index, entry) in value.as_array().into_iter().flatten().enumerate() {
        objects(entry, &schema["items"], format!("{at}/{index}"), root, all);
    }
}

#[test]
fn to_write_a_default_out_changes_nothing() {
    let schema = schema(&[]);
    let base = whole();
    let mut all = Vec::new();
    objects(&base, &schema, String::new(), &schema, &mut all);
    let mut same = HashSet::new();
    for (pointer, object) in all {
        for (name, field) in object["properties"].as_object().unwrap() {
            let Some(default) = field.get("default") else {
                continue;
            };
            let read = |value: Option<&Value>| {
                let mut policy = base.clone();
                let object = policy
                    .pointer_mut(&pointer)
                    .unwrap()
                    .as_object_mut()
                    .unwrap();
                object.remove(name);
                object.extend(value.map(|v| (name.clone(), v.clone())));
                format!("{:?}", config::check(&policy, 1_800_000_000))
            };
            let (without, with) = (read(None), read(Some(default)));
            assert_eq!(without, with, "{pointer}/{name}: {default}");
            // Where both are refused, nothing is shown.
            if without.starts_with("Ok") {
                same.insert(format!("{}/{name}", without_digits(&pointer)));
            }
        }
    }
    assert!(same.len() > 25, "{same:?}");
}

fn without_digits(pointer: &str) -> String {
    pointer.chars().filter(|c| !c.is_ascii_digit()).collect()
}
