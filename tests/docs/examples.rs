//! Examples in the documents are what they look like: policies that the plugin takes,
//! YAML, and targets of the Makefile.

use std::collections::HashSet;

use hopguard::config;
use hopguard_testbed::pki::Authority;
use serde_json::Value;

use crate::pages::{blocks, documents, prose};

/// What stands in the place of a certificate.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n";
/// Shows what `hopguard validate` says of mistakes; `cli/tests` compare that.
const BROKEN: &str = "# broken.yaml\n";

/// What a policy has at its top, and nothing else that is shown.
const POLICY: [&str; 4] = ["version", "trust_stores", "downstream", "upstream"];

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_secs()).unwrap()
}

/// Puts certificates in their places, also for files.
fn fill(value: &mut Value, pem: &str) {
    match value {
        Value::String(text) if text == CERTIFICATE => *text = pem.to_owned(),
        Value::Object(fields) if fields.len() == 1 && fields.contains_key("file") => {
            *value = pem.into();
        }
        Value::Object(fields) => fields.values_mut().for_each(|v| fill(v, pem)),
        Value::Array(list) => list.iter_mut().for_each(|v| fill(v, pem)),
        _ => {}
    }
}

/// What the plugin has to take.
fn check_policy(place: &str, mut document: Value, pem: &str) {
    fill(&mut document, pem);
    let errors = config::check(&document, now()).err();
    assert!(errors.is_none(), "{place}: {errors:?}");
}

#[test]
fn json_is_read() {
    let pem = Authority::root("Root").issue().pem();
    let mut policies = 0;
    for block in blocks().iter().filter(|b| b.language() == "json") {
        let place = &block.place;
        let read = serde_json::from_str::<Value>(&block.text);
        if block.is_fragment() {
            assert!(
                read.is_err(),
                "{place} is whole, and says that it is a part"
            );
            continue;
        }
        let document = read.unwrap_or_else(|error| panic!("{place}: {error}"));
        // All that is shown as whole JSON is a policy.
        check_policy(place, document, &pem);
        policies += 1;
    }
    assert!(policies > 7, "{policies} policies are too few to be all");
}

#[test]
fn yaml_is_read() {
    let pem = Authority::root("Root").issue().pem();
    let (mut documents, mut policies) = (0, 0);
    for block in blocks().iter().filter(|b| b.language() == "yaml") {
        let place = &block.place;
        let read = serde_saphyr::from_multiple::<Value>(&block.text);
        let read = read.unwrap_or_else(|error| panic!("{place}: {error}"));
        for document in read {
            documents += 1;
            let is_policy = POLICY.iter().any(|field| document.get(*field).is_some());
            if is_policy && !block.text.starts_with(BROKEN) {
                check_policy(place, document, &pem);
                policies += 1;
            }
        }
    }
    assert!(documents > 6 && policies > 1, "{documents} {policies}");
}

#[test]
fn every_block_says_what_it_is() {
    // Those that no check is for are here by name, so that no misspelt one escapes its own.
    let known = ["", "console", "js", "json", "python", "sh", "yaml"];
    for block in blocks() {
        let place = &block.place;
        assert!(known.contains(&block.language()), "{place}: {}", block.info);
    }
}

#[test]
fn targets_of_make_are_there() {
    let makefile = include_str!("../../Makefile");
    let targets: HashSet<&str> = makefile
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter_map(|line| line.split_once(':'))
        .map(|(target, _)| target)
        .collect();
    let mut count = 0;
    let mut check = |place: &str, line: &str| {
        let words = line.trim_start_matches("$ ").split_whitespace();
        // `ONLY=crl make bench`.
        let mut words = words.skip_while(|word| word.contains('='));
        if words.next() != Some("make") {
            return;
        }
        // `make test    # what it does`.
        let goals = words.take_while(|word| !word.starts_with('#'));
        for goal in goals.filter(|word| !word.contains('=')) {
            assert!(targets.contains(goal), "{place}: make {goal}");
            count += 1;
        }
    };
    for block in blocks() {
        for line in block.text.lines() {
            check(&block.place, line);
        }
    }
    for document in documents() {
        let text = prose(&std::fs::read_to_string(&document).unwrap());
        for name in text.split('`').skip(1).step_by(2) {
            check(&document.display().to_string(), name);
        }
    }
    assert!(count > 15, "{count} are too few to be all");
}
