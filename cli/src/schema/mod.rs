//! The form of policies as JSON Schema: what the core's structs say, and besides
//! what the core demands of single values. And the same as a page for people.

mod constraints;
mod form;
mod reference;

use hopguard::config;
use serde_json::{Value, json};

use crate::policy::FILES;
use crate::reply::Failure;

pub use reference::markdown;

/// Where the schema is to be found.
const ID: &str = "policy.schema.json";

/// Of the policies that the plugin takes.
///
/// # Errors
/// None that is known: a test holds that each constraint finds its field.
pub fn of_the_plugin() -> Result<Value, Failure> {
    let mut schema = config::schema().to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("$id".to_owned(), ID.into());
        root.insert("title".to_owned(), "hopguard's policy".into());
    }
    tidy(&mut schema);
    constraints::add(&mut schema)?;
    Ok(schema)
}

/// Allows to name files where operators may.
///
/// # Errors
/// As [`of_the_plugin`].
pub fn allow_files(schema: &mut Value) -> Result<(), Failure> {
    if let Some(id) = schema.get_mut("$id") {
        *id = "policy-with-files.schema.json".into();
    }
    for field in FILES {
        let (list, field) = (field.list, field.field);
        let pointer = match field {
            Some(field) => format!("/$defs/{}/properties/{field}", definition(list)),
            None => {
                let (object, field) = list.rsplit_once('.').unwrap_or(("", list));
                format!("/$defs/{}/properties/{field}/items", definition(object))
            }
        };
        let place = constraints::at(schema, &pointer)?;
        let content = place.take();
        let file = json!({
            "type": "object",
            "description": "A file, in PEM, base64 or DER as what it stands for; relative to the policy's own.",
            "properties": { "file": { "type": "string" } },
            "required": ["file"],
            "additionalProperties": false
        });
        *place = json!({ "anyOf": [content, file] });
    }
    Ok(())
}

/// The definition of a field of the policy.
fn definition(field: &str) -> &str {
    match field {
        "trust_stores" => "TrustStore",
        "revocation" => "Revocation",
        other => other,
    }
}

/// Line breaks of comments, and formats and defaults that say nothing.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            let says_nothing =
                |format: &Value| format.as_str().is_some_and(|f| f.starts_with("uint"));
            if map.get("format").is_some_and(says_nothing) {
                map.remove("format");
            }
            if map.get("default").is_some_and(Value::is_null) {
                map.remove("default");
            }
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            map.values_mut().for_each(tidy);
        }
        Value::Array(list) => list.iter_mut().for_each(tidy),
        _ => {}
    }
}
