//! The schema as a page for people: one table for each object of a policy.

use serde_json::{Map, Value};

use super::form::{Form, default, form};

const HEAD: &str = "\
# Every field of the policy

Written by `hopguard schema --markdown`; a test holds that this page is what the code prints. [policy.md](policy.md)
explains how rules, stores and waivers work together, [revocation.md](revocation.md) and [posture.md](posture.md) do so for
two parts of it. [`policy.schema.json`](policy.schema.json) says the same to editors and other programs. What no form can say,
such as names that must exist, `hopguard validate` finds ([cli.md](cli.md#schema)).

A field that is not on this page is refused. `null` is the same as leaving the field out, where its default is *none*.
`[]` in a path stands for each entry of a list. Regular expressions, such as `^/[!-~]*$`, are what the text must match.
";

/// An object of the policy, and where it stands.
struct Section<'s> {
    definition: &'s str,
    schema: &'s Value,
    paths: Vec<String>,
}

/// The page.
pub fn markdown(schema: &Value) -> String {
    let none = Map::new();
    let definitions = schema.get("$defs").and_then(Value::as_object);
    let mut pages = Pages {
        definitions: definitions.unwrap_or(&none),
        sections: Vec::new(),
    };
    pages.collect("", schema, "");
    let mut text = HEAD.to_owned();
    for section in &pages.sections {
        pages.print(section, &mut text);
    }
    text
}

struct Pages<'s> {
    definitions: &'s Map<String, Value>,
    sections: Vec<Section<'s>>,
}

impl<'s> Pages<'s> {
    /// Notes an object at a path, and all below it.
    fn collect(&mut self, definition: &'s str, schema: &'s Value, path: &str) {
        let known = self
            .sections
            .iter_mut()
            .find(|s| s.definition == definition);
        match known {
            Some(section) => section.paths.push(path.to_owned()),
            None => self.sections.push(Section {
                definition,
                schema,
                paths: vec![path.to_owned()],
            }),
        }
        for (field, schema) in fields(schema) {
            let dot = if path.is_empty() { "" } else { "." };
            let form = form(schema, self.definitions);
            let below = form.object.or(form.items);
            let Some((name, object)) = below else {
                continue;
            };
            let brackets = if form.items.is_some() { "[]" } else { "" };
            self.collect(name, object, &format!("{path}{dot}{field}{brackets}"));
        }
    }

    fn print(&self, section: &Section<'_>, text: &mut String) {
        text.push_str(&format!("\n## {}\n\n", heading(section)));
        if let Some(meaning) =
            description(section.schema).filter(|_| !section.definition.is_empty())
        {
            text.push_str(&format!("{meaning}\n\n"));
        }
        text.push_str("| field | type | allowed | default | meaning |\n|---|---|---|---|---|\n");
        for (field, schema) in fields(section.schema) {
            let form = form(schema, self.definitions);
            let default = if is_required(section.schema, field) {
                "required".to_owned()
            } else {
                default(schema, &form)
            };
            let cells = [
                format!("`{field}`"),
                self.kind(&form),
                form.allowed.join("; "),
                default,
                description(schema).unwrap_or_default().to_owned(),
            ];
            let cells = cells.map(|cell| cell.replace('|', "\\|"));
            text.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
    }

    /// The type, with a link to the object that it is.
    fn kind(&self, form: &Form<'_>) -> String {
        let section = |name: &str| self.sections.iter().find(|s| s.definition == name);
        match form
            .object
            .or(form.items)
            .and_then(|(name, _)| section(name))
        {
            Some(section) => {
                let anchor = anchor(&heading(section));
                form.kind.replace("object", &format!("[object](#{anchor})"))
            }
            None => form.kind.clone(),
        }
    }
}

fn heading(section: &Section<'_>) -> String {
    let paths: Vec<String> = section.paths.iter().map(|p| format!("`{p}`")).collect();
    match section.definition {
        "" => "The document".to_owned(),
        _ => paths.join(", "),
    }
}

/// As GitHub makes it of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().replace(' ', "-")
}

fn fields(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let fields = schema.get("properties").and_then(Value::as_object);
    fields.into_iter().flatten().map(|(n, s)| (n.as_str(), s))
}

fn is_required(schema: &Value, field: &str) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    required.is_some_and(|list| list.iter().any(|name| name == field))
}

fn description(schema: &Value) -> Option<&str> {
    schema.get("description").and_then(Value::as_str)
}
