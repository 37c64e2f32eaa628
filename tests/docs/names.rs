//! Names of the program in the documents for operators and auditors are names that it
//! has: fields, metrics, alerts, rules of the audit, fields of the policy.

/// Compared with the code by `src/telemetry/tests.rs`.
const TELEMETRY: &str = include_str!("../../docs/telemetry.md");
/// Compared with the code by `cli/tests`.
const REFERENCE: &str = include_str!("../../docs/policy-reference.md");
const CLI: &str = include_str!("../../docs/cli.md");
const ALERTS: &str = include_str!("../../observability/hopguard-alerts.yaml");
const ASVS: &str = include_str!("../../docs/asvs.md");
const OPERATIONS: &str = include_str!("../../docs/operations.md");
const TROUBLESHOOTING: &str = include_str!("../../docs/troubleshooting.md");

/// What stands between backticks.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Whether a table has a row of this name.
fn has_row(document: &str, name: &str) -> bool {
    document.contains(&format!("\n| `{name}` |"))
}

#[test]
fn fields_and_metrics_are_those_of_the_program() {
    let prefixes = [
        "hopguard.",
        "tls.",
        "error.",
        "network.peer",
        "client.",
        "server.",
    ];
    // Of Envoy and of Envoy Gateway; `…` stands for several.
    let others = ["server.memory_allocated", "tls.clientValidation"];
    // Kinds of events stand in a table, too.
    for (page, least) in [(TROUBLESHOOTING, 100), (ASVS, 10), (OPERATIONS, 5)] {
        let mut count = 0;
        for name in names(page).filter(|name| prefixes.iter().any(|p| name.starts_with(p))) {
            if name.contains([' ', '…']) || others.contains(&name) || name.ends_with(".wasm") {
                continue;
            }
            assert!(
                has_row(TELEMETRY, name),
                "docs/telemetry.md knows no {name}"
            );
            count += 1;
        }
        assert!(count >= least, "{count} names are too few to be all");
    }
}

#[test]
fn alerts_are_those_that_are_shipped() {
    let observability = include_str!("../../docs/observability.md");
    let mut count = 0;
    for page in [ASVS, OPERATIONS, TROUBLESHOOTING, observability] {
        let words = page.split(|c: char| !c.is_ascii_alphanumeric());
        for word in words.filter(|word| word.starts_with("Hopguard")) {
            assert!(ALERTS.contains(&format!("alert: {word}\n")), "{word}");
            count += 1;
        }
    }
    assert!(count > 25, "{count}");
}

/// The sections of the page that are about a requirement of V9.2.
fn requirements() -> Vec<&'static str> {
    ASVS.split("\n## ")
        .filter(|s| s.starts_with("V9.2."))
        .collect()
}

/// The lines from one of the parts of a section to the next.
fn part<'a>(section: &'a str, name: &str) -> &'a str {
    let (_, rest) = section
        .split_once(&format!("\n- **{name}:** "))
        .unwrap_or_else(|| panic!("{section} has no {name}"));
    rest.split("\n- **").next().unwrap_or(rest)
}

#[test]
fn each_requirement_has_its_evidence() {
    let requirements = requirements();
    assert_eq!(requirements.len(), 5);
    for (index, section) in requirements.iter().enumerate() {
        let number = index + 1;
        assert!(section.starts_with(&format!("V9.2.{number} ")));
        for name in ["Enforced", "Evidence", "Not shown"] {
            assert!(part(section, name).len() > 50, "V9.2.{number}: {name}");
        }
        // That they are there is for `links.rs`.
        let tests = names(part(section, "Tests"));
        let tests = tests.filter(|name| name.starts_with("tests/envoy/"));
        assert!(tests.count() > 0, "V9.2.{number} names no test in Envoy");
        let fields: Vec<&str> = names(part(section, "Fields")).collect();
        for field in fields.iter().filter(|f| number < 5 || f.contains('.')) {
            for name in field.split('.') {
                let name = name.trim_end_matches("[]");
                assert!(has_row(REFERENCE, name), "V9.2.{number}: {field}");
            }
        }
        assert!(number == 5 || fields.len() > 2, "V9.2.{number}: {fields:?}");
    }
}

#[test]
fn rules_of_the_audit_are_those_of_the_command() {
    let audit = CLI.split("\n## audit\n").nth(1).unwrap();
    let mut count = 0;
    for page in [ASVS, OPERATIONS, TROUBLESHOOTING] {
        for sentence in page.split("`hopguard audit`").skip(1) {
            // What follows up to the end of the sentence, or cell.
            let sentence = sentence.split([';', '.', '|', '(']).next().unwrap();
            let found = names(sentence)
                .filter(|name| name.contains('_') && !name.contains(' '))
                // Of another sentence's beginning.
                .filter(|name| !name.starts_with("hopguard."));
            for name in found {
                assert!(has_row(audit, name), "the audit has no rule {name}");
                count += 1;
            }
        }
    }
    assert!(count > 15, "{count}");
}
