use std::net::IpAddr;

use crate::trust::names::{NameKind, match_any};
use crate::trust::{PresentedIdentifier as P, ReferenceIdentifier};

fn dns(name: &str) -> P {
    P::Dns(name.into())
}

fn reference(text: &str) -> ReferenceIdentifier {
    ReferenceIdentifier::parse(text).unwrap()
}

fn assert_match(text: &str, presented: &P, matches: bool) {
    let found = match_any(std::slice::from_ref(presented), &[reference(text)]);
    assert_eq!(found.is_some(), matches, "{text} against {presented:?}");
}

#[test]
fn dns_names() {
    let long_label = "a".repeat(64);
    let cases = [
        // (reference, presented, whether it matches)
        ("a.example.com", "a.example.com", true),
        ("a.example.com", "b.example.com", false),
        ("a.example.com", "A.Example.COM", true),
        ("A.EXAMPLE.com", "a.example.com", true),
        ("a.example.com", "a.example.com.", true),
        ("a.example.com.", "a.example.com", true),
        ("a.example.com", "a.example.com..", false),
        ("a.example.com", "a..example.com", false),
        ("a.example.com", ".a.example.com", false),
        ("a.example.com", "a.example.com\0", false),
        ("a.example.com", "a.example.com\0.evil.org", false),
        ("a.example.com", "a.example.com ", false),
        ("a.example.com", "", false),
        ("localhost", "localhost", true),
        ("localhost", "localhost.localdomain", false),
        ("my_svc.ns.svc", "my_svc.ns.svc", true),
        ("my_svc.ns.svc", "my-svc.ns.svc", false),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", true),
        ("xn--bcher-kva.example", "bcher-kva.example", false),
        // The certificate's wildcard: the whole first label, for one label.
        ("a.example.com", "*.example.com", true),
        ("a.example.com", "*.EXAMPLE.com", true),
        ("b.a.example.com", "*.example.com", false),
        ("example.com", "*.example.com", false),
        ("a.example.com", "*a.example.com", false),
        ("ab.example.com", "a*.example.com", false),
        ("ab.example.com", "*b.example.com", false),
        ("a.b.example.com", "a.*.example.com", false),
        ("a.b.example.com", "*.*.example.com", false),
        ("a.example.com", "*", false),
        ("a.example.com", "*.", false),
        ("example.com", "*.com", false),
        ("example.co.uk", "*.co.uk", true),
        ("xn--a.example.com", "*.example.com", true),
        ("a.example.com", "*.example.com\0", false),
        // The policy's pattern: one label, or the same wildcard.
        ("*.example.com", "a.example.com", true),
        ("*.example.com", "*.example.com", true),
        ("*.example.com", "*.other.com", false),
        ("*.example.com", "example.com", false),
        ("*.example.com", "b.a.example.com", false),
        ("*.example.com", "*.a.example.com", false),
        ("*.example.com", ".example.com", false),
        ("*.example.com", "a\0.example.com", false),
    ];
    for (expected, presented, matches) in cases {
        assert_match(expected, &dns(presented), matches);
    }
    assert_match("a.example.com", &dns(&format!("{long_label}.com")), false);
}

#[test]
fn kinds_are_not_mixed() {
    let address: IpAddr = "10.0.0.1".parse().unwrap();
    assert_match("ip:10.0.0.1", &P::Ip(address), true);
    assert_match("10.0.0.1", &P::Ip(address), true);
    assert_match("10.0.0.1", &dns("10.0.0.1"), false);
    assert_match(
        "10.0.0.1",
        &P::Ip("::ffff:10.0.0.1".parse().unwrap()),
        false,
    );
    assert_match("::1", &P::Ip("::1".parse().unwrap()), true);
    assert_match("::1", &P::Ip("::2".parse().unwrap()), false);
    assert_match("a.example.com", &P::Uri("a.example.com".into()), false);
    assert_match("a.example.com", &P::Email("a.example.com".into()), false);
    for kind in [NameKind::Dns, NameKind::Ip, NameKind::Uri, NameKind::Email] {
        let presented = P::unmatchable(kind, b"a.example.com");
        assert_match("a.example.com", &presented, false);
        assert_eq!(presented.kind(), kind);
    }
}

#[test]
fn presented_names_are_cut() {
    let shown = |presented: P| presented.to_string();
    assert_eq!(shown(dns("a.example")), "dns:a.example");
    assert_eq!(shown(P::Ip("::1".parse().unwrap())), "ip:::1");
    assert_eq!(
        shown(P::unmatchable(NameKind::Uri, b"\xffa")),
        "invalid:\u{fffd}a"
    );
    let long = shown(P::Uri("u".repeat(60_000)));
    assert_eq!(long.chars().count(), "uri:".len() + 256 + 1);
}

#[test]
fn uris() {
    let cases = [
        ("https://a.example/x", "https://a.example/x", true),
        ("https://a.example/x", "https://a.example/X", false),
        ("https://a.example/*/x", "https://a.example/1/x", true),
        ("https://a.example/*/x", "https://a.example/1/2/x", false),
        ("https://a.example/**", "https://a.example/1/2/x", true),
        ("https://a.example/**", "https://a.example.evil/1", false),
        ("uri:urn:uuid:*", "urn:uuid:1234", true),
        ("uri:urn:uuid:*", "urn:oid:1234", false),
    ];
    for (expected, presented, matches) in cases {
        assert_match(expected, &P::Uri(presented.into()), matches);
    }
}

#[test]
fn mailboxes() {
    let cases = [
        ("user@example.com", "user@example.com", true),
        ("user@example.com", "user@EXAMPLE.com", true),
        ("user@example.com", "User@example.com", false),
        ("user@example.com", "user@sub.example.com", false),
        ("@example.com", "anyone@example.com", true),
        ("@example.com", "anyone@sub.example.com", false),
        ("@example.com", "@example.com", false),
        ("@example.com", "\"a@b\"@example.com", false),
        ("@example.com", "a@evil.org@example.com", false),
        ("@example.com", "a b@example.com", false),
        ("@example.com", "a@example.com\0", false),
    ];
    for (expected, presented, matches) in cases {
        assert_match(expected, &P::Email(presented.into()), matches);
    }
}

#[test]
fn the_first_reference_that_matches_is_told() {
    let presented = [dns("x.example.com"), dns("b.example.com")];
    let references = [reference("a.example.com"), reference("b.example.com")];
    assert_eq!(match_any(&presented, &references), Some(1));
    assert_eq!(match_any(&presented, &references[..1]), None);
    assert_eq!(match_any(&presented, &[]), None);
    assert_eq!(match_any(&[], &references), None);
}

#[test]
fn spelling_and_refusals() {
    let accepted = [
        ("a.example.com", "dns:a.example.com"),
        ("dns:A.example.com.", "dns:a.example.com"),
        ("*.example.com", "dns:*.example.com"),
        ("10.0.0.1", "ip:10.0.0.1"),
        ("ip:::1", "ip:::1"),
        ("https://a/b", "uri:https://a/b"),
        ("spiffe://td/a/*", "spiffe://td/a/*"),
        ("uri:spiffe://td/a", "spiffe://td/a"),
        ("user@example.com", "email:user@example.com"),
        ("email:@example.com", "email:@example.com"),
    ];
    for (text, canonical) in accepted {
        let parsed = reference(text);
        assert_eq!(parsed.to_string(), canonical);
        assert_eq!(reference(canonical), parsed, "{canonical} reads back");
    }
    let refused = [
        ("", "is not a DNS name"),
        (".", "is not a DNS name"),
        ("a..b", "is not a DNS name"),
        ("-a.example.com", "is not a DNS name"),
        ("a b.example.com", "is not a DNS name"),
        (
            "bücher.example",
            "write international names in A-label form",
        ),
        ("dns:10.0.0.1", "is an address"),
        ("dns:::1", "is an address"),
        ("1.2.3", "is an address"),
        ("ip:example.com", "is not an IP address"),
        ("*", "asterisk"),
        ("*.com", "covers a whole top-level domain"),
        ("a*.example.com", "asterisk"),
        ("*.*.example.com", "asterisk"),
        ("uri:nothing", "is not a URI"),
        ("https://a b/", "is not a URI"),
        ("https://*.example/x", "wildcard in its scheme or host"),
        ("*://a.example/x", "wildcard in its scheme or host"),
        ("https://a/***", "asterisks"),
        ("a@b@example.com", "is not a DNS name"),
        ("a b@example.com", "is not an e-mail address"),
        ("spiffe://td", "has no path"),
        ("spiffe://*/a", "is not a SPIFFE trust domain"),
        ("spiffe://TD/a", "is not a SPIFFE trust domain"),
        ("spiffe://td/a/", "has a path that no SPIFFE ID has"),
        ("spiffe://td/a//b", "has a path that no SPIFFE ID has"),
        ("spiffe://td/a%20b", "has a path that no SPIFFE ID has"),
    ];
    for (text, reason) in refused {
        let error = ReferenceIdentifier::parse(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}
