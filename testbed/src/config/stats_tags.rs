//! The labels of metrics, as a shipped configuration has them.

use serde_json::{Value, json};

/// The `stats_config` of a configuration in YAML whose `stats_tags` stand one a line, as in
/// `envoy/envoy.yaml`. What does not have that form is left out.
pub fn stats_tags(yaml: &str) -> Value {
    let tags: Vec<_> = yaml.lines().filter_map(tag).collect();
    json!({ "stats_config": { "stats_tags": tags } })
}

/// `- { tag_name: NAME, regex: 'REGEX' }`
fn tag(line: &str) -> Option<Value> {
    let line = line.trim().strip_prefix("- { tag_name: ")?;
    let (name, rest) = line.split_once(", regex: '")?;
    let regex = rest.strip_suffix("' }")?;
    Some(json!({ "tag_name": name, "regex": regex }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_and_all_else_is_not() {
        let yaml = "stats_config:\n  stats_tags:\n  - { tag_name: use, regex: '(\\.use\\.([^;]*);)' }\n  - { name: x }\n";
        let read = stats_tags(yaml);
        assert_eq!(
            read["stats_config"]["stats_tags"],
            json!([{ "tag_name": "use", "regex": r"(\.use\.([^;]*);)" }])
        );
    }
}
