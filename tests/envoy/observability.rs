//! `observability/`: the dashboard and the alerts ask for nothing that a real Envoy does not
//! show, and Prometheus's own tool is satisfied with the rules and their tests.

mod alerts;
mod query;
mod scrape;
mod world;

use std::collections::BTreeMap;

use hopguard_testbed::envoy::pinned_versions;
use serde_json::Value;

use self::alerts::{Rule, rules};
use self::query::Query;
use self::scrape::Scrape;
use self::world::World;

const DASHBOARD: &str = include_str!("../../observability/hopguard-dashboard.json");
const DOCS: &str = include_str!("../../docs/observability.md");

/// The oldest minor version of Envoy 1 that the shipped configurations and rules are for.
const OLDEST: u32 = 39;

#[tokio::test]
async fn every_metric_and_label_asked_for_is_there() {
    let minor = |version: &str| version.split('.').nth(1).unwrap().parse::<u32>().unwrap();
    let versions = pinned_versions().into_iter().filter(|v| minor(v) >= OLDEST);
    let mut tried = 0;
    for version in versions {
        let world = World::start(version).await;
        let mut scrape = world.scrape().await;
        let mut wrong = Vec::new();
        // What one rule records, later ones and other groups may ask for.
        for rule in rules() {
            wrong.extend(
                rule.query
                    .wrong(&scrape)
                    .into_iter()
                    .map(|w| (rule.name.clone(), w)),
            );
            if rule.is_recorded {
                scrape.record(&rule.name, &rule.query);
            }
        }
        for (name, query) in dashboard_queries() {
            wrong.extend(query.wrong(&scrape).into_iter().map(|w| (name.clone(), w)));
        }
        assert_eq!(wrong, [], "Envoy {version}");
        tried += 1;
    }
    assert!(tried >= 2);
}

/// A check that passes everything would be none.
#[tokio::test]
async fn what_is_not_there_is_found() {
    let scrape = Scrape::parse(
        "hopguard_decisions{cause=\"plaintext\",verdict=\"deny\"} 1\nenvoy_a{b=\"c\"} 1\n",
    );
    for (text, expected) in [
        ("sum by (cause) (rate(hopguard_decisions[5m]))", 0),
        (
            "hopguard_decisions{cause=~\"plaintext|name_mismatch|revocation_.+\",verdict!=\"deny\"}",
            0,
        ),
        ("hopguard_decision", 1),
        ("rate(hopguard_decisions{cluster=\"a\"}[5m])", 1),
        ("sum by (cluster) (hopguard_decisions)", 1),
        ("sum without (cluster) (hopguard_decisions)", 1),
        (
            "hopguard_decisions / on (rule) group_left hopguard_decisions",
            2,
        ),
        ("hopguard_decisions{cause=~\"plaintext|plain\"}", 1),
        ("hopguard_decisions{cause=~\"certificates_.+\"}", 1),
        ("hopguard_decisions{verdict=\"denied\"}", 1),
        ("envoy_a{b=\"d\"}", 1),
        ("{b=\"c\"}", 1),
        ("topk(scalar(envoy_b), envoy_a)", 1),
        ("max_over_time(envoy_c[1h:1m])", 1),
    ] {
        let wrong = Query::parse(text, "").wrong(&scrape);
        assert_eq!(wrong.len(), expected, "{text}: {wrong:?}");
    }
    // A legend with a label that the aggregation dropped.
    let legend = Query::parse(
        "sum by (cause) (hopguard_decisions)",
        "{{cause}} {{verdict}}",
    );
    assert_eq!(legend.wrong(&scrape).len(), 1);
}

#[test]
fn promtool_takes_the_rules_and_their_tests() {
    alerts::promtool(&["check", "rules", "hopguard-alerts.yaml"]);
    alerts::promtool(&["test", "rules", "hopguard-alerts.test.yaml"]);
}

#[test]
fn every_alert_says_what_to_do_and_is_tested_both_ways() {
    let tested = alerts::tested();
    let mut alerts = 0;
    for rule in rules().into_iter().filter(|rule| !rule.is_recorded) {
        let Rule {
            name,
            labels,
            annotations,
            ..
        } = &rule;
        let severity = labels["severity"].as_str().unwrap();
        assert!(
            ["critical", "warning", "info"].contains(&severity),
            "{name}"
        );
        for annotation in ["summary", "description"] {
            let text = annotations[annotation].as_str().unwrap();
            assert!(!text.is_empty(), "{name}: {annotation}");
        }
        let anchor = format!("docs/observability.md#{}", name.to_lowercase());
        assert_eq!(annotations["runbook"], *anchor, "{name}");
        assert!(
            DOCS.contains(&format!("\n### {name}\n")),
            "{name} in the docs"
        );
        assert_eq!(
            tested.get(name),
            Some(&(true, true)),
            "{name}: fires, does not"
        );
        alerts += 1;
    }
    assert_eq!(tested.len(), alerts, "{:?}", tested.keys());
    assert_eq!(DOCS.matches("\n### Hopguard").count(), alerts);
}

#[test]
fn the_dashboard_is_one_that_grafana_takes_everywhere() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    // Set by the instance that takes it: with one here, it would take another's place.
    assert_eq!(dashboard["id"], Value::Null);
    let variables: Vec<_> = dashboard["templating"]["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["name"].as_str().unwrap())
        .collect();
    assert_eq!(variables, ["datasource", "job", "instance", "cluster"]);
    let mut places: BTreeMap<(u64, u64), &str> = BTreeMap::new();
    let mut ids = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        ids.push(panel["id"].as_u64().unwrap());
        let at = |side: &str| panel["gridPos"][side].as_u64().unwrap();
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(x < 24, "{title}");
                let other = places.insert((x, y), title);
                assert_eq!(other, None, "{title} covers it");
            }
        }
        if panel["type"] == "row" {
            continue;
        }
        assert!(
            DOCS.contains(&format!("| {title} |")),
            "{title} in the docs"
        );
        assert!(
            !panel["description"].as_str().unwrap().is_empty(),
            "{title}"
        );
        for source in panel["targets"].as_array().unwrap().iter().chain([panel]) {
            assert_eq!(source["datasource"]["uid"], "${datasource}", "{title}");
        }
    }
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count, "an id is given once");
}

/// The queries of panels and variables, with where each is.
fn dashboard_queries() -> Vec<(String, Query)> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expr = target["expr"].as_str().unwrap();
            // Each chosen proxy and no other.
            let selectors = expr.matches('{').count();
            let narrowed = expr
                .matches("{job=~\"$job\",instance=~\"$instance\"")
                .count();
            assert_eq!(narrowed, selectors, "{expr}");
            let legend = target["legendFormat"].as_str().unwrap();
            queries.push((panel["title"].to_string(), Query::parse(expr, legend)));
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        let Some(text) = variable["query"]["query"].as_str() else {
            continue;
        };
        let inner = text.strip_prefix("label_values(").unwrap();
        let (selector, label) = inner.strip_suffix(')').unwrap().rsplit_once(", ").unwrap();
        let expr = format!("count by ({label}) ({selector})");
        queries.push((variable["name"].to_string(), Query::parse(&expr, "")));
    }
    assert!(queries.len() > 20);
    queries
}
