//! `docs/troubleshooting.md` has every cause of the program, and names nothing that
//! is not there.

use hopguard::decision::Cause;

const PAGE: &str = include_str!("../../docs/troubleshooting.md");

/// The section of each code, in order.
fn sections() -> Vec<(&'static str, &'static str)> {
    let sections = PAGE.split("\n### `").skip(1);
    sections
        .map(|section| {
            let section = section.split("\n## ").next().unwrap();
            section.split_once("`\n").unwrap()
        })
        .collect()
}

#[test]
fn every_cause_is_there_and_no_other() {
    let codes: Vec<&str> = sections().into_iter().map(|(code, _)| code).collect();
    let expected: Vec<&str> = Cause::ALL.iter().map(|cause| cause.code()).collect();
    for code in &expected {
        assert!(codes.contains(code), "{code} is missing");
    }
    for code in &codes {
        assert!(expected.contains(code), "{code} is no cause");
    }
    assert_eq!(codes.len(), expected.len(), "a code is there twice");
}

#[test]
fn each_says_what_it_means_and_what_to_do() {
    for (code, section) in sections() {
        let cause = Cause::ALL.iter().find(|cause| cause.code() == code);
        let meaning = cause.unwrap().meaning();
        assert!(
            section.starts_with(&format!("\n{meaning}\n\n")),
            "{code}: {meaning}"
        );
        let mut rest = section;
        for part in ["\n- **See:** ", "\n- **Reasons:** ", "\n- **Do:** "] {
            let (_, after) = rest.split_once(part).unwrap_or_else(|| {
                panic!("{code} has no {part:?}, or not in this place");
            });
            let text = after.split("\n- ").next().unwrap().trim();
            assert!(text.ends_with('.'), "{code}: {part:?} {text:?}");
            rest = after;
        }
    }
}

#[test]
fn codes_that_are_named_are_codes() {
    let all = |name: &str| Cause::ALL.iter().any(|cause| cause.code() == name);
    // What looks like a code begins as one.
    let prefixes = [
        "certificate_",
        "revocation_",
        "staple_",
        "gate_",
        "connection_",
        "admin_",
    ];
    // Fields of the policy, and Envoy's.
    let others = [
        "staple_properties",
        "staple_exceptions",
        "staple_warning_hours",
    ];
    let mut count = 0;
    for name in PAGE.split('`').skip(1).step_by(2) {
        let looks_like_one = prefixes.iter().any(|prefix| name.starts_with(prefix));
        if looks_like_one && !name.ends_with('*') && !others.contains(&name) {
            assert!(all(name), "{name}");
            count += 1;
        }
    }
    assert!(count > 40, "{count}");
}
