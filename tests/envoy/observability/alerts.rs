//! The rules, and what tests them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use hopguard_testbed::prometheus;
use serde_json::Value;

use super::query::Query;

const RULES: &str = include_str!("../../../observability/hopguard-alerts.yaml");
const TESTS: &str = include_str!("../../../observability/hopguard-alerts.test.yaml");

/// A rule: an alert, or a metric that is recorded.
pub struct Rule {
    pub name: String,
    pub is_recorded: bool,
    pub query: Query,
    pub labels: Value,
    pub annotations: Value,
}

/// All rules, in order.
pub fn rules() -> Vec<Rule> {
    let file: Value = serde_saphyr::from_str(RULES).unwrap();
    let groups = file["groups"].as_array().unwrap();
    let rules = groups
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap());
    rules.map(rule).collect()
}

fn rule(rule: &Value) -> Rule {
    let record = rule["record"].as_str();
    let name = record.or(rule["alert"].as_str()).unwrap();
    let annotations = rule["annotations"].clone();
    let query = Query::parse(rule["expr"].as_str().unwrap(), &annotations.to_string());
    Rule {
        name: name.to_owned(),
        is_recorded: record.is_some(),
        query,
        labels: rule["labels"].clone(),
        annotations,
    }
}

/// Which alerts the tests let fire, and which they look at when they must not.
pub fn tested() -> BTreeMap<String, (bool, bool)> {
    let file: Value = serde_saphyr::from_str(TESTS).unwrap();
    let mut tested: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    let tests = file["tests"].as_array().unwrap();
    for check in tests
        .iter()
        .flat_map(|t| t["alert_rule_test"].as_array().unwrap())
    {
        let name = check["alertname"].as_str().unwrap();
        let (fires, does_not) = tested.entry(name.to_owned()).or_default();
        match check["exp_alerts"].as_array().unwrap().is_empty() {
            true => *does_not = true,
            false => *fires = true,
        }
    }
    tested
}

/// Runs promtool in `observability/`, which must be satisfied.
pub fn promtool(arguments: &[&str]) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("observability");
    let promtool = prometheus::promtool().unwrap();
    let output = Command::new(promtool)
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success(), "promtool {arguments:?}: {text}");
    assert!(text.contains("SUCCESS"), "{text}");
}
