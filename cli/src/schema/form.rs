//! What a schema says of one field, in words.

use serde_json::{Map, Value};

/// An object of the policy: the name of its definition, and its schema.
type Object<'s> = (&'s str, &'s Value);

/// The form of a field.
#[derive(Default)]
pub struct Form<'s> {
    /// `string`, `whole number`, `list of objects` …
    pub kind: String,
    /// Values and bounds, each a phrase.
    pub allowed: Vec<String>,
    /// The object that it is, or may be.
    pub object: Option<Object<'s>>,
    /// The objects that it is a list of.
    pub items: Option<Object<'s>>,
    /// Whether `null` is allowed, so that leaving it out means nothing at all.
    pub is_nullable: bool,
}

/// The form of a field, definitions followed.
pub fn form<'s>(schema: &'s Value, definitions: &'s Map<String, Value>) -> Form<'s> {
    let mut form = Form::default();
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let name = name.rsplit('/').next().unwrap_or(name);
        if let Some(definition) = definitions.get(name) {
            return of_definition(name, definition, definitions);
        }
    }
    if let Some(ways) = list(schema, "anyOf") {
        return of_ways(ways, definitions);
    }
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one],
        _ => Vec::new(),
    };
    form.is_nullable = types.contains(&"null");
    let kind = types.iter().find(|t| **t != "null").copied();
    form.kind = match kind {
        Some("integer") => "whole number".to_owned(),
        Some(other) => other.to_owned(),
        None => String::new(),
    };
    form.allowed = values(schema);
    form.allowed.extend(bounds(schema));
    if let Some(items) = schema.get("items") {
        let entries = self::form(items, definitions);
        form.kind = format!("list of {}s", entries.kind);
        let of = if items.get("enum").is_some() {
            "one of "
        } else {
            ""
        };
        let each = entries.allowed.into_iter().map(|a| format!("each {of}{a}"));
        form.allowed.extend(each);
        form.items = entries.object;
    }
    form
}

fn of_definition<'s>(
    name: &'s str,
    definition: &'s Value,
    definitions: &'s Map<String, Value>,
) -> Form<'s> {
    if definition.get("properties").is_some() {
        return Form {
            kind: "object".to_owned(),
            object: Some((name, definition)),
            ..Form::default()
        };
    }
    let Some(words) = list(definition, "oneOf") else {
        return form(definition, definitions);
    };
    let meaning = |word: &Value| {
        let meaning = word.get("description").and_then(Value::as_str)?;
        Some(format!("{}: {}", code(word.get("const")?), phrase(meaning)))
    };
    Form {
        kind: "string".to_owned(),
        allowed: words.iter().filter_map(meaning).collect(),
        ..Form::default()
    }
}

/// One of several forms, of which `null` may be one.
fn of_ways<'s>(ways: &'s [Value], definitions: &'s Map<String, Value>) -> Form<'s> {
    let mut all = Form::default();
    let mut kinds = Vec::new();
    for way in ways {
        if way.get("type").is_some_and(|t| t == "null") {
            all.is_nullable = true;
            continue;
        }
        let form = form(way, definitions);
        kinds.push(form.kind);
        let meaning = way.get("description").and_then(Value::as_str);
        match meaning.filter(|_| !form.allowed.is_empty()) {
            Some(meaning) => {
                let allowed = form.allowed.join(", ");
                all.allowed.push(format!("{allowed}: {}", phrase(meaning)));
            }
            None => all.allowed.extend(form.allowed),
        }
        all.object = all.object.or(form.object);
    }
    all.kind = kinds.join(" or ");
    all
}

/// The values that are allowed, where they are listed.
fn values(schema: &Value) -> Vec<String> {
    let values = list(schema, "enum").unwrap_or_default().iter();
    let values = values.chain(schema.get("const")).filter(|v| !v.is_null());
    let values: Vec<String> = values.map(code).collect();
    let is_one = !values.is_empty();
    is_one.then(|| values.join(", ")).into_iter().collect()
}

/// The bounds of a number, a text or a list.
fn bounds(schema: &Value) -> Vec<String> {
    let number = |field: &str| schema.get(field).and_then(Value::as_u64);
    let mut bounds = Vec::new();
    if let (Some(min), Some(max)) = (number("minimum"), number("maximum")) {
        bounds.push(format!("{} to {}", grouped(min), grouped(max)));
    }
    match (number("minItems"), number("maxItems")) {
        (Some(_), None) => bounds.push("not empty".to_owned()),
        (_, Some(max)) => bounds.push(format!("at most {} entries", grouped(max))),
        (None, None) => {}
    }
    match (number("minLength"), number("maxLength")) {
        (min, Some(max)) => {
            let least = min.map(|min| format!("{min} to ")).unwrap_or_default();
            let most = if least.is_empty() { "at most " } else { "" };
            bounds.push(format!("{least}{most}{} characters", grouped(max)));
        }
        (Some(_), None) => bounds.push("not empty".to_owned()),
        (None, None) => {}
    }
    if let Some(pattern) = schema.get("pattern") {
        bounds.push(code(pattern));
    }
    bounds
}

/// What leaving the field out means.
pub fn default(schema: &Value, form: &Form<'_>) -> String {
    match schema.get("default") {
        Some(Value::Array(list)) if list.is_empty() => "empty".to_owned(),
        Some(Value::Array(list)) => list.iter().map(code).collect::<Vec<_>>().join(", "),
        Some(value) => code(value),
        None if form.is_nullable => "none".to_owned(),
        None if form.object.is_some() => "its defaults".to_owned(),
        None => "empty".to_owned(),
    }
}

fn list<'s>(schema: &'s Value, field: &str) -> Option<&'s [Value]> {
    schema
        .get(field)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
}

/// A value as it is written in a policy; a text without quotes.
fn code(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

/// 16,777,216.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A sentence within another.
fn phrase(sentence: &str) -> String {
    let sentence = sentence.strip_suffix('.').unwrap_or(sentence);
    let mut rest = sentence.chars();
    let first = rest.next().map(|c| c.to_lowercase().to_string());
    format!("{}{}", first.unwrap_or_default(), rest.as_str())
}
