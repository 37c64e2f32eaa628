use std::time::{Duration, Instant};

use crate::trust::glob::{Glob, GlobError, MAX_LEN, MAX_WILDCARDS};

#[test]
fn segments() {
    let cases = [
        // (pattern, text, whether it matches)
        ("/a/b", "/a/b", true),
        ("/a/b", "/a/bc", false),
        ("/a/b", "/a/B", false),
        ("/a/*", "/a/b", true),
        ("/a/*", "/a/", true),
        ("/a/*", "/a", false),
        ("/a/*", "/a/b/c", false),
        ("/a/**", "/a/b/c", true),
        ("/a/**", "/a/", true),
        ("/a/**", "/a", false),
        ("/a*/c", "/ab/c", true),
        ("/a*/c", "/a/c", true),
        ("/a*/c", "/a/b/c", false),
        ("**/c", "/a/b/c", true),
        ("**/c", "c", false),
        ("**c", "c", true),
        ("/*/b/**/d", "/a/b/c/d", true),
        ("/*/b/**/d", "/a/b/d", false),
        ("/*/b**/d", "/a/b/d", true),
        ("/ns/*/sa/**", "/ns/web/sa/front/end", true),
        ("/ns/*/sa/**", "/ns/web/x/sa/front", false),
        // The first text that fits the literal after a wildcard is not always
        // the right one.
        ("**ab*c", "ab/abc", true),
        ("*ab*ab", "abab", true),
        ("*ab*ab", "ab", false),
        ("a**b*c", "a/b/bxc", true),
        ("a**b*c", "a/b/bx/c", false),
        ("*", "", true),
        ("*", "/", false),
        ("**", "/", true),
        // No other character is special.
        ("a.?[b]", "a.?[b]", true),
        ("a.?[b]", "axyb", false),
        ("grüß/*", "grüß/dich", true),
        ("grüß/*", "gruß/dich", false),
    ];
    for (pattern, text, matches) in cases {
        let glob = Glob::parse(pattern).unwrap();
        assert_eq!(glob.matches(text), matches, "{pattern} against {text}");
        assert_eq!(glob.as_str(), pattern);
    }
}

#[test]
fn flat() {
    let cases = [
        ("outbound|443||*", "outbound|443||db.svc/a", true),
        ("outbound|443||*", "outbound|80||db.svc", false),
        ("*/x", "a/b/x", true),
        ("*/x", "a/b/y", false),
    ];
    for (pattern, text, matches) in cases {
        let glob = Glob::parse_flat(pattern).unwrap();
        assert_eq!(glob.matches(text), matches, "{pattern} against {text}");
    }
}

#[test]
fn refused_patterns() {
    let long = "a".repeat(MAX_LEN + 1);
    let wild = "*a".repeat(MAX_WILDCARDS + 1);
    let cases = [
        ("", GlobError::Empty),
        (long.as_str(), GlobError::TooLong),
        (wild.as_str(), GlobError::TooManyWildcards),
        ("a***b", GlobError::Asterisks),
    ];
    for (pattern, error) in cases {
        assert_eq!(Glob::parse(pattern), Err(error), "{pattern}");
    }
    assert!(Glob::parse("a**b").is_ok());
    assert_eq!(Glob::parse_flat("a**b"), Err(GlobError::Asterisks));
    assert!(Glob::parse(&"a".repeat(MAX_LEN)).is_ok());
    let wild = "*a".repeat(MAX_WILDCARDS);
    assert!(Glob::parse(&wild).is_ok());
}

#[test]
fn the_longest_pattern_uses_every_state() {
    let pattern = format!("*{}", "a".repeat(MAX_LEN - 1));
    let glob = Glob::parse(&pattern).unwrap();
    assert!(glob.matches(&"a".repeat(MAX_LEN + 50)));
    assert!(glob.matches(&"a".repeat(MAX_LEN - 1)));
    assert!(!glob.matches(&"a".repeat(MAX_LEN - 2)));
}

/// A matcher that is plainly right and plainly slow.
fn reference(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', b'*', rest @ ..] => (0..=text.len()).any(|cut| reference(rest, &text[cut..])),
        [b'*', rest @ ..] => {
            let end = text.iter().position(|b| *b == b'/').unwrap_or(text.len());
            (0..=end).any(|cut| reference(rest, &text[cut..]))
        }
        [byte, rest @ ..] => text.first() == Some(byte) && reference(rest, &text[1..]),
    }
}

#[test]
fn agrees_with_the_reference() {
    // A linear congruential generator: the same cases in every run.
    let mut state = 42_u64;
    let mut next = |bound: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let mut word = |alphabet: &[u8], max: u64| -> String {
        let len = next(max);
        (0..len)
            .map(|_| char::from(alphabet[usize::try_from(next(alphabet.len() as u64)).unwrap()]))
            .collect()
    };
    let mut matched = 0;
    for _ in 0..20_000 {
        let pattern = word(b"ab/**", 9);
        let text = word(b"aab/", 9);
        let Ok(glob) = Glob::parse(&pattern) else {
            continue;
        };
        let expected = reference(pattern.as_bytes(), text.as_bytes());
        assert_eq!(glob.matches(&text), expected, "{pattern} against {text}");
        matched += usize::from(expected);
    }
    assert!(matched > 500, "only {matched} cases matched");
}

#[test]
fn hostile_text_takes_linear_time() {
    let glob = Glob::parse(&format!("{}b", "**a".repeat(MAX_WILDCARDS))).unwrap();
    let text = "a".repeat(64 * 1024);
    let start = Instant::now();
    assert!(!glob.matches(&text));
    // Milliseconds; a matcher that backtracks would not come back.
    assert!(start.elapsed() < Duration::from_secs(5));
}
