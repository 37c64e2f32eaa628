use rcgen::{KeyUsagePurpose, SanType};

use super::pki::{authority, judge, plain_authority, self_signed, store};
use crate::trust::names::match_any;
use crate::trust::names::spiffe::{SpiffeId, TrustDomain};
use crate::trust::{
    PresentedIdentifier as P, ReferenceIdentifier, TrustError, TrustStore, TrustedBy,
};

fn uri(text: &str) -> P {
    P::Uri(text.into())
}

#[test]
fn spiffe_ids() {
    let longest = format!("spiffe://td/{}", "a".repeat(2048 - 12));
    let accepted = [
        "spiffe://td/a",
        "spiffe://prod.example_1-2/ns/default/sa/web",
        "spiffe://td/A/b.c_d-e",
        "spiffe://td/...",
        longest.as_str(),
    ];
    for text in accepted {
        assert!(SpiffeId::parse(text).is_some(), "{text}");
    }
    let too_long = format!("{longest}a");
    let long_domain = format!("spiffe://{}/a", "a".repeat(256));
    let refused = [
        "spiffe://td",
        "spiffe://td/",
        "spiffe:///a",
        "spiffe://td/a/",
        "spiffe://td//a",
        "spiffe://td/./a",
        "spiffe://td/../a",
        "spiffe://TD/a",
        "SPIFFE://td/a",
        "spiffe://td:80/a",
        "spiffe://user@td/a",
        "spiffe://td/a?b",
        "spiffe://td/a#b",
        "spiffe://td/a%41",
        "spiffe://td/a b",
        "spiffe://td/ä",
        "https://td/a",
        too_long.as_str(),
        long_domain.as_str(),
    ];
    for text in refused {
        assert!(SpiffeId::parse(text).is_none(), "{text}");
    }
    assert!(TrustDomain::parse(&"a".repeat(255)).is_ok());
    assert!(TrustDomain::parse(&"a".repeat(256)).is_err());
}

#[test]
fn exactly_one_uri() {
    let id = [P::Dns("x.example".into()), uri("spiffe://td/a")];
    assert_eq!(SpiffeId::of(&id).unwrap().trust_domain, "td");
    let refused: [(&[P], &str); 4] = [
        (&[], "no URI name"),
        (
            &[uri("spiffe://td/a"), uri("spiffe://td/b")],
            "more than one URI name",
        ),
        (
            &[
                uri("spiffe://td/a"),
                P::unmatchable(crate::trust::names::NameKind::Uri, b"\xff"),
            ],
            "more than one URI name",
        ),
        (&[uri("https://td/a")], "its URI is no SPIFFE ID"),
    ];
    for (presented, reason) in refused {
        let error = SpiffeId::of(presented).unwrap_err();
        assert_eq!(error, TrustError::SpiffeInvalid(reason));
    }
}

#[test]
fn references() {
    let cases = [
        ("spiffe://td/ns/web/sa/a", "spiffe://td/ns/web/sa/a", true),
        ("spiffe://td/ns/web/sa/a", "spiffe://td/ns/web/sa/b", false),
        ("spiffe://td/ns/*/sa/a", "spiffe://td/ns/web/sa/a", true),
        ("spiffe://td/ns/*/sa/a", "spiffe://td/ns/a/b/sa/a", false),
        ("spiffe://td/**", "spiffe://td/ns/a/b", true),
        ("spiffe://td/**", "spiffe://td.evil/ns/a/b", false),
        ("spiffe://td/**", "spiffe://td", false),
    ];
    for (expected, presented, matches) in cases {
        let expected = ReferenceIdentifier::parse(expected).unwrap();
        let found = match_any(&[uri(presented)], std::slice::from_ref(&expected));
        assert_eq!(found.is_some(), matches, "{expected} against {presented}");
        // A second URI makes it no X.509-SVID, so it has no SPIFFE ID.
        let two = [uri(presented), uri("spiffe://td/other")];
        assert_eq!(match_any(&two, &[expected]), None);
    }
}

#[test]
fn a_store_of_a_trust_domain_takes_its_svids_only() {
    let root = plain_authority("Root");
    let store = TrustStore::builder(super::pki::NOW)
        .ca_certificate(root.der.clone())
        .spiffe_trust_domain("prod.example")
        .build()
        .unwrap();
    let svid = |uris: &[&str]| {
        root.leaf(|params| {
            params.subject_alt_names = uris
                .iter()
                .map(|uri| SanType::URI((*uri).try_into().unwrap()))
                .collect();
        })
    };
    let chain = judge(&svid(&["spiffe://prod.example/web"]), &store).unwrap();
    assert_eq!(chain.trusted_by(), TrustedBy::Path);
    let refused = [
        (
            svid(&["spiffe://test.example/web"]),
            TrustError::SpiffeDomain {
                presented: "test.example".into(),
            },
        ),
        (
            svid(&["spiffe://prod.example/web", "spiffe://prod.example/db"]),
            TrustError::SpiffeInvalid("more than one URI name"),
        ),
        (
            svid(&["spiffe://prod.example"]),
            TrustError::SpiffeInvalid("its URI is no SPIFFE ID"),
        ),
        (root.leaf(|_| {}), TrustError::SpiffeInvalid("no URI name")),
        (
            root.leaf(|params| {
                params.subject_alt_names = vec![SanType::URI(
                    "spiffe://prod.example/web".try_into().unwrap(),
                )];
                params.key_usages.push(KeyUsagePurpose::CrlSign);
            }),
            TrustError::SpiffeInvalid("keyCertSign or cRLSign in a leaf"),
        ),
    ];
    for (leaf, error) in refused {
        assert_eq!(judge(&leaf, &store).unwrap_err(), error);
    }
}

#[test]
fn a_pin_does_not_lift_the_trust_domain() {
    let leaf = self_signed(|_| {});
    let builder = TrustStore::builder(super::pki::NOW).pinned_certificate(leaf.der.clone());
    let pinned = builder.build().unwrap();
    assert!(judge(&leaf, &pinned).is_ok());
    let bound = TrustStore::builder(super::pki::NOW)
        .pinned_certificate(leaf.der.clone())
        .spiffe_trust_domain("prod.example")
        .build()
        .unwrap();
    assert_eq!(
        judge(&leaf, &bound).unwrap_err(),
        TrustError::SpiffeInvalid("no URI name")
    );
}

#[test]
fn an_svid_is_an_ordinary_leaf_to_other_stores() {
    let root = authority("Root", |_| {});
    let leaf = root.leaf(|params| {
        params.subject_alt_names = vec![SanType::URI("spiffe://td/a".try_into().unwrap())];
    });
    assert!(judge(&leaf, &store(&[&root], &[])).is_ok());
}
