//! docs/reliability.md names tests that exist, and every test of a fault.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The rows of its tables: cells between bars, without heads.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let lines = text.lines().filter(|line| line.starts_with("| <a id="));
    lines
        .map(|line| {
            let inner = line.trim_matches('|');
            inner.split('|').map(str::trim).collect()
        })
        .collect()
}

/// The functions of a file that are tests.
fn tests_in(path: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut is_test = false;
    let mut tests = BTreeSet::new();
    for line in text.lines().map(str::trim) {
        if line == "#[test]" || line == "#[tokio::test]" {
            is_test = true;
        } else if let Some((_, rest)) = line.split_once("fn ") {
            if is_test {
                let name = rest.split('(').next().unwrap_or_default();
                tests.insert(name.to_owned());
            }
            is_test = false;
        }
    }
    tests
}

#[test]
fn every_row_names_tests_that_exist() {
    let text = fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let mut ids = HashSet::new();
    for row in rows(&text) {
        let [fault, correct, shown_by, asserted] = row[..] else {
            panic!("a row of {} cells: {row:?}", row.len());
        };
        let id = fault.split('"').nth(1).unwrap();
        assert!(ids.insert(id), "{id} twice");
        assert!(!correct.is_empty() && !asserted.is_empty(), "{id}");
        let mut count = 0;
        for name in shown_by.split('`').skip(1).step_by(2) {
            let (file, function) = name.split_once("::").unwrap();
            let tests = tests_in(&root().join(file));
            assert!(tests.contains(function), "{id}: no test {name}");
            count += 1;
        }
        assert!(count > 0, "{id}: nothing shows it");
    }
    assert!(ids.len() > 30, "{} rows are too few to be all", ids.len());
}

#[test]
fn every_test_of_a_fault_has_a_row() {
    let text = fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let named: HashSet<&str> = rows(&text)
        .into_iter()
        .flat_map(|row| row[2].split('`').skip(1).step_by(2))
        .collect();
    let folder = "tests/envoy/faults";
    let mut count = 0;
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        for test in tests_in(&path) {
            count += 1;
            let name = format!("{folder}/{file}::{test}");
            assert!(named.contains(name.as_str()), "{name} has no row");
        }
    }
    assert!(count > 5, "{count} tests are too few to be all");
}
