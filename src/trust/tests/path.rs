use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, KeyPair};

use super::openssl::Workshop;
use super::pki::{
    Authority, NOW, at, authority, authority_of, ca_params, judge, judge_as, judge_at, lenient,
    plain_authority, self_signed, store, valid,
};
use crate::trust::{KeyRequirements, NoHost, TrustError, TrustStore, TrustedBy, Usage, verify_any};

#[test]
fn a_leaf_of_an_anchor() {
    let root = plain_authority("Root");
    let leaf = root.leaf(|_| {});
    let trusting = store(&[&root], &[]);
    let chain = judge(&leaf, &trusting).unwrap();
    assert_eq!(chain.trusted_by(), TrustedBy::Path);
    assert_eq!(chain.anchor().unwrap().der(), root.der);
    assert_eq!(chain.issuer().unwrap().der(), root.der);
    assert!(chain.intermediates().is_empty());

    let stranger = plain_authority("Stranger").leaf(|_| {});
    assert_eq!(
        judge(&stranger, &trusting).unwrap_err(),
        TrustError::UnknownIssuer
    );
    let impostor = plain_authority("Root").leaf(|_| {});
    assert_eq!(
        judge(&impostor, &trusting).unwrap_err(),
        TrustError::SignatureInvalid
    );
    assert_eq!(
        judge(&self_signed(|_| {}), &trusting).unwrap_err(),
        TrustError::UnknownIssuer
    );
}

#[test]
fn a_changed_leaf() {
    let root = plain_authority("Root");
    let trusting = store(&[&root], &[]);
    let mut leaf = root.leaf(|_| {});
    let name = leaf
        .der
        .windows(4)
        .rposition(|window| window == b"peer")
        .unwrap();
    assert!(judge(&leaf, &trusting).is_ok());
    leaf.der[name] = b'b';
    assert_eq!(
        judge(&leaf, &trusting).unwrap_err(),
        TrustError::SignatureInvalid
    );
}

#[test]
fn intermediates_come_from_the_store() {
    let root = plain_authority("Root");
    let upper = root.sub("Upper", |_| {});
    let lower = upper.sub("Lower", |_| {});
    let leaf = lower.leaf(|_| {});
    let unrelated = root.sub("Unrelated", |_| {});
    let chain = judge(&leaf, &store(&[&root], &[&unrelated, &upper, &lower])).unwrap();
    let used: Vec<_> = chain
        .intermediates()
        .iter()
        .map(|certificate| certificate.subject())
        .collect();
    assert_eq!(used, ["CN=Lower", "CN=Upper"]);
    assert_eq!(chain.issuer().unwrap().subject(), "CN=Lower");
    assert_eq!(chain.anchor().unwrap().subject(), "CN=Root");
    for incomplete in [vec![&lower], vec![&upper], vec![]] {
        assert_eq!(
            judge(&leaf, &store(&[&root], &incomplete)).unwrap_err(),
            TrustError::UnknownIssuer
        );
    }
    // An intermediate alone is no anchor, and may be made one.
    assert!(judge(&leaf, &store(&[&lower], &[])).is_ok());
}

#[test]
fn path_length() {
    for (allowed, accepted) in [(1, true), (0, false)] {
        let root = plain_authority("Root");
        let upper = root.sub("Upper", |params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(allowed));
        });
        let lower = upper.sub("Lower", |_| {});
        let leaf = lower.leaf(|_| {});
        let result = judge(&leaf, &store(&[&root], &[&upper, &lower]));
        assert_eq!(result.is_ok(), accepted);
        if let Err(error) = result {
            assert_eq!(error, TrustError::PathLength);
        }
    }
}

#[test]
fn an_anchors_own_words() {
    use ExtendedKeyUsagePurpose as Purpose;
    for (allowed, accepted) in [(1, true), (0, false)] {
        let root = authority("Root", |params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(allowed));
        });
        let issuer = root.sub("Issuer", |_| {});
        let trusting = store(&[&root], &[&issuer]);
        assert!(judge(&root.leaf(|_| {}), &trusting).is_ok());
        let result = judge(&issuer.leaf(|_| {}), &trusting);
        assert_eq!(result.is_ok(), accepted);
        if let Err(error) = result {
            assert_eq!(error, TrustError::PathLength);
        }
    }
    let cases: [(&[Purpose], bool); 3] = [
        (&[Purpose::ServerAuth], true),
        (&[Purpose::Any], true),
        (&[Purpose::EmailProtection], false),
    ];
    for (purposes, accepted) in cases {
        let root = authority("Root", |params| {
            params.extended_key_usages = purposes.to_vec();
        });
        let result = judge(&root.leaf(|_| {}), &store(&[&root], &[]));
        assert_eq!(result.is_ok(), accepted, "{purposes:?}");
        if let Err(error) = result {
            assert_eq!(error, TrustError::IssuerPurpose);
        }
    }
}

#[test]
fn an_issuers_purpose() {
    use ExtendedKeyUsagePurpose as Purpose;
    let cases: [(&[Purpose], bool); 4] = [
        (&[], true),
        (&[Purpose::ServerAuth], true),
        (&[Purpose::Any], true),
        (&[Purpose::ClientAuth], false),
    ];
    for (purposes, accepted) in cases {
        let root = plain_authority("Root");
        let issuer = root.sub("Issuer", |params| {
            params.extended_key_usages = purposes.to_vec();
        });
        let result = judge(&issuer.leaf(|_| {}), &store(&[&root], &[&issuer]));
        assert_eq!(result.is_ok(), accepted, "{purposes:?}");
        if let Err(error) = result {
            assert_eq!(error, TrustError::IssuerPurpose);
        }
    }
}

#[test]
fn validity_and_skew() {
    let root = plain_authority("Root");
    let leaf = root.leaf(|params| valid(params, NOW - 100, NOW + 100));
    let trusting = store(&[&root], &[]);
    let expired = |now| {
        Some(TrustError::Expired {
            not_after: NOW + 100,
            now,
        })
    };
    let early = |now| {
        Some(TrustError::NotYetValid {
            not_before: NOW - 100,
            now,
        })
    };
    let cases = [
        (NOW, 0, None),
        (NOW + 100, 0, None),
        (NOW + 101, 0, expired(NOW + 101)),
        (NOW + 101, 300, None),
        (NOW + 400, 300, None),
        (NOW + 401, 300, expired(NOW + 401)),
        (NOW - 100, 0, None),
        (NOW - 101, 0, early(NOW - 101)),
        (NOW - 400, 300, None),
        (NOW - 401, 300, early(NOW - 401)),
        (0, 300, early(0)),
        (-1, 300, early(-1)),
        (i64::MIN, u32::MAX, early(i64::MIN)),
        (i64::MAX, u32::MAX, expired(i64::MAX)),
    ];
    for (now, skew, refused) in cases {
        let result = judge_at(&leaf, &trusting, lenient(now, skew));
        assert_eq!(
            result.err(),
            refused,
            "{} with {skew}",
            now.wrapping_sub(NOW)
        );
    }
}

#[test]
fn issuers_expire_after_the_store_was_built() {
    let short = |params: &mut rcgen::CertificateParams| valid(params, NOW - 10, NOW + 10);
    let root = authority("Root", short);
    let leaf = root.leaf(|_| {});
    let long_root = plain_authority("Long");
    let issuer = long_root.sub("Issuer", short);
    let below = issuer.leaf(|_| {});
    for (leaf, store) in [
        (leaf, store(&[&root], &[])),
        (below, store(&[&long_root], &[&issuer])),
    ] {
        assert!(judge_at(&leaf, &store, at(NOW + 10)).is_ok());
        let error = judge_at(&leaf, &store, at(NOW + 11)).unwrap_err();
        let not_after = NOW + 10;
        let now = NOW + 11;
        assert_eq!(error, TrustError::Expired { not_after, now });
        assert!(judge_at(&leaf, &store, lenient(NOW + 11, 1)).is_ok());
        assert!(judge_at(&leaf, &store, at(NOW - 11)).is_err());
        assert!(judge_at(&leaf, &store, lenient(NOW - 11, 1)).is_ok());
    }
}

#[test]
fn the_other_of_two_anchors() {
    // One key, one name, two certificates: a root that was renewed.
    let key = KeyPair::generate().unwrap();
    let pem = key.serialize_pem();
    let mut old = ca_params("Root");
    valid(&mut old, NOW - 10, NOW + 10);
    let old = authority_of(old, key);
    let new = authority_of(ca_params("Root"), KeyPair::from_pem(&pem).unwrap());
    let leaf = new.leaf(|_| {});
    for order in [[&old, &new], [&new, &old]] {
        let chain = judge_at(&leaf, &store(&order, &[]), at(NOW + 11)).unwrap();
        assert_eq!(chain.anchor().unwrap().der(), new.der);
    }
}

#[test]
fn when_the_verdict_changes() {
    let ends = |root: i64, issuer: i64, leaf: i64, at| {
        let root = authority("Root", |params| valid(params, NOW - 50, NOW + root));
        let issuer = root.sub("Issuer", |params| valid(params, NOW - 50, NOW + issuer));
        let leaf = issuer.leaf(|params| valid(params, NOW - 50, NOW + leaf));
        let store = store(&[&root], &[&issuer]);
        let changes = judge_at(&leaf, &store, at).unwrap().changes_at() - NOW;
        // It says yes until then.
        let ask = |now| judge_at(&leaf, &store, crate::trust::Instant { now, ..at });
        assert!(ask(NOW + changes - 1).is_ok());
        assert!(ask(NOW + changes).is_err());
        changes
    };
    assert_eq!(ends(300, 200, 100, at(NOW)), 101);
    assert_eq!(ends(100, 200, 300, at(NOW)), 101);
    assert_eq!(ends(200, 100, 300, at(NOW)), 101);
    // The skew is granted after the first end, whether it is needed yet or not.
    for now in [NOW, NOW + 110, NOW + 120, NOW - 60] {
        assert_eq!(ends(300, 200, 100, lenient(now, 20)), 121);
        assert_eq!(ends(110, 105, 100, lenient(now, 20)), 121);
    }
}

#[test]
fn rules_may_ask_for_more_than_the_store() {
    let shop = Workshop::new();
    let root = authority_of(ca_params("Root"), shop.rsa_key(2048));
    let leaf = root.leaf(|_| {});
    let store = store(&[&root], &[]);
    for (min, accepted) in [(2048, true), (3072, false)] {
        let requirements = KeyRequirements::default().with_min_rsa_bits(min).unwrap();
        let result = judge_as(&leaf, &store, Usage::Server, at(NOW), &requirements);
        assert_eq!(result.is_ok(), accepted);
        if let Err(error) = result {
            assert_eq!(
                error,
                TrustError::KeyTooWeak {
                    bits: 2048,
                    min: 3072
                }
            );
        }
    }
}

#[test]
fn loops_end() {
    // Two CAs that certify each other, and no anchor above.
    let one = plain_authority("One");
    let two = plain_authority("Two");
    let cross = |issuer: &Authority, subject: &Authority, name| {
        let key = KeyPair::from_pem(&subject.key.serialize_pem()).unwrap();
        issuer.sub_of(ca_params(name), key)
    };
    let one_by_two = cross(&two, &one, "One");
    let two_by_one = cross(&one, &two, "Two");
    let other = plain_authority("Other");
    let leaf = one.leaf(|_| {});
    let looping = store(&[&other], &[&one_by_two, &two_by_one]);
    assert_eq!(
        judge(&leaf, &looping).unwrap_err(),
        TrustError::UnknownIssuer
    );
    let anchored = store(&[&two], &[&one_by_two, &two_by_one]);
    assert!(judge(&leaf, &anchored).is_ok());
}

#[test]
fn deep_paths_are_bounded() {
    let root = plain_authority("Root");
    let mut chain = vec![root.sub("CA 0", |_| {})];
    for depth in 1..8 {
        chain.push(chain[depth - 1].sub(&format!("CA {depth}"), |_| {}));
    }
    let leaf_of = |depth: usize| chain[depth].leaf(|_| {});
    let intermediates: Vec<_> = chain.iter().collect();
    let store = store(&[&root], &intermediates);
    assert!(judge(&leaf_of(5), &store).is_ok());
    let error = judge(&leaf_of(6), &store).unwrap_err();
    assert_eq!(error.code(), "path_budget_exceeded");
}

#[test]
fn many_issuers_of_one_name_are_bounded() {
    // As many impostors as a store takes: one of 16 made the signature.
    let authorities: Vec<_> = (0..16).map(|_| plain_authority("Same")).collect();
    let all: Vec<_> = authorities.iter().collect();
    let store = store(&all, &[]);
    let chain = judge(&authorities[15].leaf(|_| {}), &store).unwrap();
    assert_eq!(chain.anchor().unwrap().der(), authorities[15].der);
    let error = judge(&plain_authority("Same").leaf(|_| {}), &store).unwrap_err();
    assert_eq!(error, TrustError::SignatureInvalid);
}

#[test]
fn any_of_several_stores() {
    let root = plain_authority("Root");
    let impostor = plain_authority("Root");
    let other = plain_authority("Other");
    let short = authority("Root", |params| valid(params, NOW - 10, NOW - 1));
    let leaf = root.leaf(|_| {});
    let pins = || {
        TrustStore::builder(NOW)
            .pinned_certificate_sha256([0; 32])
            .build()
            .unwrap()
    };
    let judge = |stores: &[&TrustStore]| {
        verify_any(
            &leaf.parsed(),
            stores.iter().copied(),
            Usage::Server,
            at(NOW),
            &KeyRequirements::default(),
            &NoHost,
        )
        .map(|(index, _)| index)
    };
    let (right, unknown, wrong) = (
        store(&[&root], &[]),
        store(&[&other], &[]),
        store(&[&impostor], &[]),
    );
    assert_eq!(judge(&[&unknown, &right]), Ok(1));
    assert_eq!(judge(&[&right, &unknown]), Ok(0));
    // The error that came furthest, wherever it stands.
    assert_eq!(judge(&[]), Err(TrustError::UnknownIssuer));
    assert_eq!(judge(&[&pins()]), Err(TrustError::NotPinned));
    assert_eq!(judge(&[&pins(), &unknown]), Err(TrustError::UnknownIssuer));
    assert_eq!(judge(&[&unknown, &pins()]), Err(TrustError::UnknownIssuer));
    assert_eq!(
        judge(&[&wrong, &unknown]),
        Err(TrustError::SignatureInvalid)
    );
    assert_eq!(
        judge(&[&unknown, &wrong]),
        Err(TrustError::SignatureInvalid)
    );
    // A store whose anchor ended in between.
    let key = KeyPair::from_pem(&root.key.serialize_pem()).unwrap();
    let ended = authority_of(short.params, key);
    let ended = TrustStore::builder(NOW - 5)
        .ca_certificate(ended.der)
        .build()
        .unwrap();
    let error = judge(&[&ended, &wrong, &unknown]).unwrap_err();
    assert_eq!(error.code(), "certificate_expired");
}
