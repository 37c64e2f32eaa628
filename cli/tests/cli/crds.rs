//! The schemas of resources, from their CustomResourceDefinitions.

use serde_json::{Value, json};

use crate::run::fixtures;

/// The schema of a resource, without room for unknown fields: an API server would
/// drop them.
pub fn schema(file: &str) -> (Value, jsonschema::Validator) {
    fn close(schema: &mut Value) {
        if let Some(object) = schema.as_object_mut() {
            let keeps = object.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
            if object.contains_key("properties") && !keeps {
                object.insert("additionalProperties".into(), json!(false));
            }
            object.values_mut().for_each(close);
        } else if let Some(list) = schema.as_array_mut() {
            list.iter_mut().for_each(close);
        }
    }
    let text = std::fs::read_to_string(fixtures().join("crds").join(file)).unwrap();
    let mut resource: Value = serde_json::from_str(&text).unwrap();
    let mut spec = resource["schema"]["properties"]["spec"].take();
    if let Some(properties) = spec["properties"].as_object_mut() {
        properties.values_mut().for_each(close);
    }
    spec["additionalProperties"] = json!(false);
    let validator = jsonschema::validator_for(&spec).unwrap();
    (resource, validator)
}

#[track_caller]
pub fn assert_resource(file: &str, resource: &Value) {
    let (expected, validator) = schema(file);
    assert_eq!(resource["apiVersion"], expected["apiVersion"]);
    assert_eq!(resource["kind"], expected["kind"]);
    let errors = errors(&validator, &resource["spec"]);
    assert!(errors.is_empty(), "{errors:#?}");
}

/// What a schema has against a value, each with its place.
pub fn errors(validator: &jsonschema::Validator, value: &Value) -> Vec<String> {
    validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}
