//! Which certificate is asked about.

use super::responder::*;
use crate::revocation::ocsp::Question;
use crate::trust::tests::pki;
use crate::trust::{Certificate, Instant, KeyRequirements, NoHost, Usage, verify};

#[test]
fn a_question_comes_from_a_verified_path() {
    let ca = pki::plain_authority("root");
    let leaf = ca.leaf(|_| {});
    let chain = pki::judge(&leaf, &pki::store(&[&ca], &[])).unwrap();
    let leaf = leaf.parsed();
    let question = Question::of(&leaf, &chain).unwrap();
    assert_eq!(question.leaf.sha256(), leaf.sha256());
    assert_eq!(question.issuer.der(), ca.der);
}

#[test]
fn nobody_can_be_asked_about_a_pinned_certificate() {
    let leaf = pki::self_signed(|_| {});
    let store = crate::trust::TrustStore::builder(pki::NOW)
        .pinned_certificate(leaf.der.clone())
        .build()
        .unwrap();
    let leaf = leaf.parsed();
    let at = Instant {
        now: pki::NOW,
        skew: 0,
    };
    let requirements = KeyRequirements::default();
    let chain = verify(&leaf, &store, Usage::Server, at, &requirements, &NoHost).unwrap();
    assert!(Question::of(&leaf, &chain).is_none());
}

#[test]
fn the_key_of_a_cache() {
    let key = WORLD.question().cache_key();
    assert_eq!(key, WORLD.question().cache_key());
    // The same as text, in every process: hashes of name and key, the serial.
    let text = key.to_string();
    let parts: Vec<_> = text.split('.').collect();
    assert_eq!(
        (parts[0].len(), parts[1].len(), parts[2]),
        (64, 64, "00fe010203")
    );
    // Another certificate of the issuer; of a CA of the same name; of the same
    // key under another name.
    let issuer = &WORLD.issuer;
    let second = WORLD.ca.leaf(|_| {}).parsed();
    let namesake = Certificate::parse(&pki::plain_authority("ca").der).unwrap();
    let renamed = pki::authority_of(pki::ca_params("renamed"), copy(&WORLD.ca.key));
    let renamed_leaf = renamed.leaf(|params| {
        params.serial_number = Some(vec![0xfe, 1, 2, 3].into());
    });
    let renamed_leaf = renamed_leaf.parsed();
    let renamed = Certificate::parse(&renamed.der).unwrap();
    for (leaf, issuer) in [
        (&second, issuer),
        (&WORLD.leaf, &namesake),
        (&renamed_leaf, &renamed),
    ] {
        assert_ne!(Question { leaf, issuer }.cache_key(), key);
    }
}
