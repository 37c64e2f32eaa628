//! Links lead to files and headings, and names of files of this repository to such
//! files.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use crate::pages::{documents, prose};

/// Where files are named by their path from the root.
const FOLDERS: [&str; 9] = [
    "cli/",
    "docs/",
    "envoy/",
    "fuzz/",
    "observability/",
    "src/",
    "testbed/",
    "tests/",
    "tools/",
];

/// The targets of `[…](target)`.
fn links(text: &str) -> Vec<&str> {
    let rest = text.split("](").skip(1);
    rest.filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
        .collect()
}

/// What stands between backticks, on one line.
fn names(text: &str) -> Vec<&str> {
    let spans = text
        .lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2));
    spans.collect()
}

/// The anchors of a document's headings, as GitHub makes them.
fn anchors(text: &str) -> HashSet<String> {
    let headings = prose(text);
    let headings = headings.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            let kept = words
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.collect::<String>().replace(' ', "-")
        })
        .collect()
}

#[test]
fn links_lead_somewhere() {
    let mut count = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let shown = document.display();
        for link in links(&prose(&text)) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => document.clone(),
                file => document.parent().unwrap().join(file),
            };
            assert!(target.exists(), "{shown}: {link}");
            if !anchor.is_empty() {
                let anchors = anchors(&fs::read_to_string(&target).unwrap());
                assert!(anchors.contains(anchor), "{shown}: {link}: {anchors:?}");
            }
        }
    }
    assert!(count > 20, "{count} links are too few to be all");
}

#[test]
fn named_files_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let prose = prose(&text);
        for name in names(&prose) {
            let is_path = FOLDERS.iter().any(|folder| name.starts_with(folder));
            if !is_path || name.contains(|c: char| " *<>{}…$".contains(c)) {
                continue;
            }
            count += 1;
            // `src/filter/gate.rs::a_test` is a function in a file.
            let (path, function) = name.split_once("::").unwrap_or((name, ""));
            let found = match function {
                // `tests/envoy/names` is a module in one file or a folder.
                "" => root.join(path).exists() || root.join(format!("{path}.rs")).exists(),
                function => fs::read_to_string(root.join(path))
                    .is_ok_and(|code| code.contains(&format!("fn {function}("))),
            };
            assert!(found, "{}: `{name}`", document.display());
        }
    }
    assert!(count > 20, "{count} names are too few to be all");
}
