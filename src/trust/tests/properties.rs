//! Names and patterns against models that are as plain as their standards:
//! whatever the input, both say the same.

use std::net::IpAddr;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::trust::dns::DnsName;
use crate::trust::glob::Glob;
use crate::trust::names::match_any;
use crate::trust::names::spiffe::SpiffeId;
use crate::trust::{PresentedIdentifier as P, ReferenceIdentifier};

/// Labels that often meet each other, and whatever else may stand in a name.
fn label() -> impl Strategy<Value = String> {
    let often = select(vec![
        "a",
        "b",
        "A",
        "ab",
        "com",
        "example",
        "xn--bcher-kva",
        "*",
        "a_b",
        "0",
        "10",
    ]);
    let seldom = select(vec![
        "", "-a", "a-", "*a", "a*", "**", "bücher", "a b", "a\0",
    ]);
    prop_oneof![
        12 => often.prop_map(str::to_owned),
        2 => seldom.prop_map(str::to_owned),
        1 => "[a-z0-9-]{1,64}",
    ]
}

fn name() -> impl Strategy<Value = String> {
    let dotted = (vec(label(), 1..5), any::<bool>()).prop_map(|(labels, root)| {
        let name = labels.join(".");
        if root { name + "." } else { name }
    });
    prop_oneof![9 => dotted, 1 => any::<String>()]
}

/// RFC 1123 section 2.1, and underscores.
fn is_ldh(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn labels(name: &str) -> Option<Vec<String>> {
    let name = name.strip_suffix('.').unwrap_or(name);
    (!name.is_empty() && name.len() <= 253)
        .then(|| name.split('.').map(str::to_ascii_lowercase).collect())
}

/// RFC 9525 section 6.3, label by label.
fn names_match(reference: &str, presented: &str) -> bool {
    let (Some(reference), Some(presented)) = (labels(reference), labels(presented)) else {
        return false;
    };
    let wildcard = presented[0] == "*" && presented.len() >= 3;
    let fixed = usize::from(wildcard);
    presented[fixed..].iter().all(|label| is_ldh(label))
        && presented.len() == reference.len()
        && presented[fixed..] == reference[fixed..]
}

fn matches(reference: &ReferenceIdentifier, presented: P) -> bool {
    match_any(&[presented], std::slice::from_ref(reference)).is_some()
}

/// A pattern over this alphabet, whose texts are easily met.
fn pattern(wildcards: &'static [&'static str]) -> impl Strategy<Value = String> {
    let part = prop_oneof![3 => select(vec!["a", "b", "/", "é"]), 2 => select(wildcards)];
    vec(part, 1..9)
        .prop_map(|parts| parts.concat())
        .prop_filter("too many asterisks", |pattern| !pattern.contains("***"))
}

fn text() -> impl Strategy<Value = String> {
    vec(select(vec!["a", "b", "/", "é"]), 0..9).prop_map(|parts| parts.concat())
}

/// By the definition: a wildcard is nothing, or one more character.
fn is_of(pattern: &[char], text: &[char], flat: bool) -> bool {
    let (rest, crosses) = match pattern {
        [] => return text.is_empty(),
        ['*', '*', rest @ ..] => (rest, true),
        ['*', rest @ ..] => (rest, flat),
        [literal, rest @ ..] => {
            return text.first() == Some(literal) && is_of(rest, &text[1..], flat);
        }
    };
    is_of(rest, text, flat)
        || text.split_first().is_some_and(|(first, behind)| {
            (crosses || *first != '/') && is_of(pattern, behind, flat)
        })
}

fn characters(text: &str) -> Vec<char> {
    text.chars().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn dns_names_match_label_by_label(reference in name(), presented in name()) {
        if let Ok(parsed) = DnsName::parse(&reference) {
            let parsed = ReferenceIdentifier::Dns(parsed);
            prop_assert_eq!(
                matches(&parsed, P::Dns(presented.clone())),
                names_match(&reference, &presented)
            );
        }
    }

    #[test]
    fn a_name_matches_itself_and_its_wildcard(reference in name()) {
        if let Ok(parsed) = DnsName::parse(&reference) {
            let parents = parsed.as_str().split_once('.').map(|(_, parent)| parent.to_owned());
            let parsed = ReferenceIdentifier::Dns(parsed);
            prop_assert!(matches(&parsed, P::Dns(reference.to_ascii_uppercase())));
            if let Some(parent) = parents {
                prop_assert_eq!(
                    matches(&parsed, P::Dns(format!("*.{parent}"))),
                    parent.contains('.')
                );
            }
        }
    }

    #[test]
    fn only_a_labels_are_names(reference in name()) {
        let parsed = DnsName::parse(&reference);
        let labels = labels(&reference).unwrap_or_default();
        let is_host = !labels.is_empty() && labels.iter().all(|label| is_ldh(label));
        let is_address = reference.parse::<IpAddr>().is_ok()
            || labels.last().is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()));
        prop_assert_eq!(parsed.is_ok(), is_host && !is_address, "{}", reference);
    }

    #[test]
    fn addresses_are_compared_as_octets(one: IpAddr, other: IpAddr) {
        let reference = ReferenceIdentifier::parse(&one.to_string()).unwrap();
        prop_assert_eq!(matches(&reference, P::Ip(other)), one == other);
        prop_assert!(matches(&reference, P::Ip(one)));
        // Never by a text that looks like it.
        prop_assert!(!matches(&reference, P::Dns(one.to_string())));
        prop_assert!(!matches(&reference, P::Uri(one.to_string())));
    }

    #[test]
    fn spiffe_ids_are_what_the_standard_says(
        scheme in select(vec!["spiffe://", "SPIFFE://", "spiff://", "https://"]),
        domain in "[a-z0-9._-]{0,6}|[A-Z%:@?#*]{1,2}",
        path in vec("[A-Za-z0-9._-]{1,3}|\\.|\\.\\.|[%?# *~]|", 0..4),
    ) {
        let path: String = path.iter().map(|segment| format!("/{segment}")).collect();
        let uri = format!("{scheme}{domain}{path}");
        let domain_is_valid = !domain.is_empty()
            && domain.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '.' | '-' | '_'));
        let path_is_valid = !path.is_empty()
            && path.split('/').skip(1).all(|segment| {
                !matches!(segment, "" | "." | "..")
                    && segment.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
            });
        let is_id = scheme == "spiffe://" && domain_is_valid && path_is_valid;
        let parsed = SpiffeId::parse(&uri);
        prop_assert_eq!(parsed.is_some(), is_id, "{}", uri);
        if let Some(id) = parsed {
            prop_assert_eq!((id.trust_domain, id.path), (domain.as_str(), path.as_str()));
            let matches_by = |pattern: &str| {
                matches(&ReferenceIdentifier::parse(pattern).unwrap(), P::Uri(uri.clone()))
            };
            prop_assert!(matches_by(&uri));
            let whole_domain = format!("spiffe://{domain}/**");
            prop_assert!(matches_by(&whole_domain));
            let other_domain = format!("spiffe://{domain}x/**");
            prop_assert!(!matches_by(&other_domain));
            // Two of them are none.
            let two = [P::Uri(uri.clone()), P::Uri(uri.clone())];
            let reference = ReferenceIdentifier::parse(&uri).unwrap();
            prop_assert_eq!(match_any(&two, &[reference]), None);
        }
    }

    #[test]
    fn globs_match_by_their_definition(pattern in pattern(&["*", "**"]), text in text()) {
        let glob = Glob::parse(&pattern).unwrap();
        let (of, text_chars) = (characters(&pattern), characters(&text));
        prop_assert_eq!(glob.matches(&text), is_of(&of, &text_chars, false));
    }

    #[test]
    fn flat_globs_match_by_their_definition(
        pattern in pattern(&["*"]).prop_filter("two asterisks", |p| !p.contains("**")),
        text in text(),
    ) {
        let glob = Glob::parse_flat(&pattern).unwrap();
        let (of, text_chars) = (characters(&pattern), characters(&text));
        prop_assert_eq!(glob.matches(&text), is_of(&of, &text_chars, true));
    }

    #[test]
    fn what_a_glob_covers_it_matches(
        one in pattern(&["*", "**"]),
        other in pattern(&["*", "**"]),
        text in text(),
    ) {
        let (one, other) = (Glob::parse(&one).unwrap(), Glob::parse(&other).unwrap());
        if one.covers(&other) && other.matches(&text) {
            prop_assert!(one.matches(&text));
        }
        prop_assert!(one.covers(&one));
    }
}
