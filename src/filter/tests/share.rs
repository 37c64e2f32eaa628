//! Workers that race for one certificate.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::rc::Rc;

use super::*;
use crate::host::fake::FakeHost;
use crate::revocation::ocsp::tests::responder::WORLD;

fn workers() -> [Rc<FakeHost>; 2] {
    let first = FakeHost::default();
    let mut second = FakeHost::default();
    second.shared = Rc::clone(&first.shared);
    [Rc::new(first), Rc::new(second)]
}

fn key() -> CacheKey {
    WORLD.question().cache_key()
}

#[test]
fn one_asks_and_the_others_get_its_answer() {
    let [one, two] = workers();
    prepare(&one);
    assert_eq!(claim(&one, &key(), 0, 10, 20), Claim::Ours);
    assert_eq!(claim(&two, &key(), 0, 11, 21), Claim::Others);
    share(&one, &key(), b"answer", 12);
    let answered = Claim::Answered(b"answer".to_vec(), 12);
    assert_eq!(claim(&two, &key(), 0, 13, 23), answered);
    assert_eq!(claim(&two, &key(), 11, 13, 23), answered);
    // It is the one that is known: a newer one is wanted, and one asks for it.
    assert_eq!(claim(&two, &key(), 12, 13, 23), Claim::Ours);
    assert_eq!(claim(&one, &key(), 12, 14, 24), Claim::Others);
}

#[test]
fn a_claim_ends_by_itself_or_when_it_is_given_up() {
    let [one, two] = workers();
    prepare(&one);
    assert_eq!(claim(&one, &key(), 0, 10, 20), Claim::Ours);
    assert_eq!(claim(&two, &key(), 0, 20, 30), Claim::Ours, "it has ended");
    give_up(&two, &key());
    assert_eq!(claim(&one, &key(), 0, 21, 31), Claim::Ours);
    // A clock that jumped back does not keep a claim for ever.
    assert_eq!(claim(&two, &key(), 0, 5, 15), Claim::Ours);
}

#[test]
fn a_lost_race_is_the_others_claim() {
    let [one, two] = workers();
    prepare(&one);
    let (place, digest) = place_of(&key());
    let (_, version) = two.get(&place).unwrap();
    assert_eq!(claim(&one, &key(), 0, 10, 20), Claim::Ours);
    assert!(!two.set(&place, &write(CLAIM, 20, &digest, &[]), version));
}

#[test]
fn what_is_not_ours_is_claimed_over() {
    let [one, _] = workers();
    prepare(&one);
    let (place, digest) = place_of(&key());
    for value in [
        Vec::new(),
        vec![0xff; 3],
        vec![0xff; 100],
        write(ANSWER, 5, &[0; 32], b"another's"),
        [&[2][..], &write(ANSWER, 5, &digest, b"newer form")[1..]].concat(),
        write(ANSWER, 500, &digest, b"of the future"),
    ] {
        one.set(&place, &value, 0);
        assert_eq!(claim(&one, &key(), 0, 10, 20), Claim::Ours, "{value:?}");
    }
}

#[test]
fn without_places_each_asks_for_itself() {
    let [one, two] = workers();
    assert_eq!(claim(&one, &key(), 0, 10, 20), Claim::Ours);
    assert_eq!(claim(&two, &key(), 0, 10, 20), Claim::Ours);
    share(&one, &key(), b"answer", 12);
    give_up(&one, &key());
    assert!(one.shared.borrow().is_empty());
}
