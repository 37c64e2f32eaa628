//! `hopguard audit`.

mod clusters;
mod configs;
mod discovered;
mod guarded;
mod listeners;
mod services;

use std::collections::BTreeSet;

use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Authority;
use serde_json::{Value, json};

use self::configs::{cluster, tls_cluster, tls_listener};
use self::guarded::guarded;
use crate::run::{DAY, Run, fixtures, folder, hopguard, run_in};
use crate::site;

fn audit(config: &Value, more: &[&str]) -> Run {
    let folder = folder(&[("envoy.json", config.to_string().as_bytes())]);
    run_in(
        folder.path(),
        &[&["audit", "envoy.json"], more].concat(),
        b"",
    )
}

fn report(config: &Value) -> Value {
    audit(config, &["--format", "json"]).json()
}

/// Rule, level and hop of each finding.
fn findings(report: &Value) -> BTreeSet<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let hops = report["hops"].as_array().unwrap().iter();
    hops.flat_map(|hop| {
        let findings = hop["findings"].as_array().unwrap().iter();
        findings.map(|f| (text(&f["rule"]), text(&f["level"]), text(&hop["name"])))
    })
    .collect()
}

/// The rules of the one hop of this name that have this level.
fn rules(report: &Value, hop: &str, level: &str) -> BTreeSet<String> {
    let found = findings(report).into_iter();
    found
        .filter(|(_, l, name)| l == level && name == hop)
        .map(|(rule, ..)| rule)
        .collect()
}

fn set(rules: &[&str]) -> BTreeSet<String> {
    rules.iter().map(|rule| (*rule).to_owned()).collect()
}

#[test]
fn every_rule_is_in_the_document_and_in_sarif() {
    let run = audit(&guarded(&json!({ "version": 1 })), &["--sarif"]);
    let log = run.json();
    assert_eq!((run.code, &log["version"]), (0, &json!("2.1.0")));
    let rules = log["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap();
    let document = include_str!("../../../docs/cli.md");
    for rule in rules {
        let (id, level) = (
            rule["id"].as_str().unwrap(),
            rule["defaultConfiguration"]["level"].as_str().unwrap(),
        );
        let level = if level == "none" { "unknown" } else { level };
        let control = rule["properties"]["tags"][1]
            .as_str()
            .unwrap()
            .replace("ASVS-4.0-", "");
        let meaning = rule["shortDescription"]["text"].as_str().unwrap();
        let row = format!("| `{id}` | {control} | {level} | {meaning} |");
        assert!(document.contains(&row), "docs/cli.md lacks\n{row}");
    }
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let kind = if result["level"] == "none" {
            "open"
        } else {
            "fail"
        };
        assert_eq!(result["kind"], kind);
        let location = &result["locations"][0];
        assert_eq!(
            location["physicalLocation"]["artifactLocation"]["uri"],
            "envoy.json"
        );
        assert!(location["logicalLocations"][0]["fullyQualifiedName"].is_string());
    }
}

#[test]
fn a_result_in_yaml_has_its_line() {
    let log = hopguard(&["audit", "gateway.yaml", "--sarif"]).json();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let of = |rule: &str| results.iter().find(|r| r["ruleId"] == rule).unwrap();
    let line = |rule: &str| {
        of(rule)["locations"][0]["physicalLocation"]["region"]["startLine"]
            .as_u64()
            .unwrap()
    };
    let text = std::fs::read_to_string(fixtures().join("gateway.yaml")).unwrap();
    let nth = |line: u64| {
        text.lines()
            .nth(usize::try_from(line - 1).unwrap())
            .unwrap()
    };
    assert!(
        nth(line("admin_exposed")).contains("socket_address"),
        "{}",
        nth(line("admin_exposed"))
    );
    assert!(nth(line("cluster_plaintext")).contains("name: legacy"));
    assert!(nth(line("name_not_verified")).contains("trusted_ca"));
}

#[tokio::test]
async fn a_live_config_dump_shows_what_its_file_shows() {
    let ca = Authority::root("CA").issue();
    let own = ca.server("envoy.example").issue();
    let certificate = json!({
        "certificate_chain": { "inline_string": own.chain_pem() },
        "private_key": { "inline_string": own.key_pem() },
    });
    let mut config = json!({ "static_resources": {
        "listeners": [tls_listener("l", json!({ "common_tls_context": { "tls_certificates": [certificate],
            "validation_context": { "trusted_ca": { "inline_string": ca.pem() } } } }), &json!([]))],
        "clusters": [
            tls_cluster("unverified", json!({})),
            tls_cluster("verified", json!({ "common_tls_context": { "validation_context_sds_secret_config": { "name": "ca" } } })),
            cluster("plain", "127.0.0.2"),
            cluster("far", "192.0.2.1"),
        ],
        "secrets": [{ "name": "ca", "validation_context": { "trusted_ca": { "inline_string": ca.pem() } } }]
    } });
    config["static_resources"]["listeners"][0]["address"] =
        json!({ "socket_address": { "address": "127.0.0.1", "port_value": 0 } });
    let envoy = Envoy::builder()
        .config(config.clone())
        .start()
        .await
        .unwrap();
    let dump = envoy.config_dump().await.unwrap();
    let live = report(&dump);
    assert_eq!(live["kind"], "config_dump");
    let of_the_file = findings(&report(&config));
    let mut of_the_dump = findings(&live);
    // The testbed gives Envoy its admin interface.
    let count = of_the_dump.len();
    of_the_dump.retain(|(_, _, hop)| !hop.starts_with("127.0.0.1:"));
    assert_eq!(of_the_dump.len(), count - 1, "{live}");
    assert_eq!(of_the_dump, of_the_file);
    assert!(of_the_dump.len() > 5);
}

#[test]
fn what_is_no_configuration_is_refused() {
    let folder = folder(&[
        ("words.yaml", b"just words"),
        ("list.json", b"[]"),
        ("broken.json", b"{"),
        ("broken.yaml", b"a: ["),
        ("policy.json", b"{\"version\":1}"),
        ("empty.yaml", b"static_resources: {}"),
        ("empty.json", b"{\"configs\":[]}"),
    ]);
    let run = |name| run_in(folder.path(), &["audit", name], b"");
    run("words.yaml").assert_failure("neither a configuration of Envoy nor a config_dump");
    run("list.json").assert_failure("neither a configuration");
    run("broken.json").assert_failure("it is no JSON");
    run("broken.yaml").assert_failure("broken.yaml:1:");
    run("policy.json").assert_failure("neither a configuration");
    run("empty.yaml").assert_failure("there is no listener");
    run("empty.json").assert_failure("neither a configuration");
    run("absent.yaml").assert_failure("No such file");
}

/// In the file as in the running Envoy.
#[tokio::test]
async fn what_is_rendered_is_guarded() {
    let rendered = hopguard(&["render", "policy.yaml", "--at", DAY, "--for", "envoy"]).out;
    let folder = folder(&[("envoy.yaml", rendered.as_bytes())]);
    let arguments = ["audit", "envoy.yaml", "--at", DAY, "--format", "json"];
    let run = run_in(folder.path(), &arguments, b"");
    let envoy = site::site().await.start().await;
    let dump = envoy.config_dump().await.unwrap();
    let live = audit(&dump, &["--format", "json"]);
    for run in [run, live] {
        assert_eq!(run.code, 0, "{run:?}");
        let hops = run.json()["hops"].clone();
        let of = |kind: &str| {
            let mut hops = hops.as_array().unwrap().iter();
            hops.find(|hop| hop["kind"] == kind).unwrap()["hopguard"].clone()
        };
        let expected = json!({ "roles": ["downstream", "log"], "guards": true });
        assert_eq!(of("listener"), expected);
        assert_eq!(
            of("cluster"),
            json!({ "roles": ["upstream"], "guards": true })
        );
    }
}
