//! What the store says, asks for, and keeps, over time.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

mod properties;

use super::*;
use crate::revocation::lists::tests::Shared;
use crate::revocation::ocsp::tests::responder::{
    DAY, GOOD, HOUR, Response, Single, UNKNOWN, WORLD, revoked, time,
};
use crate::trust::tests::pki::{NOW, store as trust_store};
use crate::trust::{KeyRequirements, NoHost, Usage, verify};

fn asked() -> Rc<Asked> {
    let store = trust_store(&[&WORLD.ca], &[]);
    let at = Instant {
        now: NOW,
        skew: 300,
    };
    let keys = KeyRequirements::default();
    let chain = verify(&WORLD.leaf, &store, Usage::Server, at, &keys, &NoHost).unwrap();
    let asked = Asked::new(&WORLD.leaf, &chain).unwrap();
    Rc::new(asked.with_urls(&["ldap://ocsp.test", "http://OCSP.test/ca"]))
}

fn responder(host: &str) -> Responder {
    Responder {
        host: host.into(),
        cluster: "ocsp".into(),
        timeout_ms: 1_000,
        nonce: false,
    }
}

fn store() -> Store {
    store_of(vec![responder("ocsp.test")], &[])
}

fn store_of(responders: Vec<Responder>, responses: &[Vec<u8>]) -> Store {
    let nothing = Rc::new(Shared::default());
    let lists = Lists::new(Vec::new(), Vec::new(), Rc::new([]), nothing, 3_000, true);
    let random: Random = || Some([7; 32]);
    let responses = responses.to_vec().into();
    Store::new(lists, responders, responses, 3_000, Rc::new(NoHost), random)
}

fn status(store: &mut Store, now: i64) -> Status {
    store.look_up(&asked(), None, at(now)).status
}

fn at(seconds: i64) -> Now {
    Now {
        nanos: u64::try_from(seconds).unwrap() * 1_000_000_000,
        at: Instant {
            now: seconds,
            skew: 300,
        },
    }
}

/// An answer of this status, made at this time and good for a day.
fn answer(status: &[u8], made: i64) -> Vec<u8> {
    let single = Single {
        status: status.to_vec(),
        this_update: time(made),
        next_update: Some(time(made + DAY)),
        ..Single::good()
    };
    let mut response = Response::of(&single);
    response.produced_at = time(made);
    response.signed()
}

fn ok(body: &[u8]) -> Fetched<'_> {
    Fetched {
        status: 200,
        content_type: "Application/OCSP-Response; x=y",
        body,
    }
}

/// Asks, and answers what was asked with this.
fn learn(store: &mut Store, now: i64, fetched: &Fetched<'_>) -> Status {
    status(store, now);
    let order = store.take_order(now).unwrap();
    store.answered(&order, fetched, at(now));
    status(store, now)
}

const UNKNOWN_STATUS: Status = Status::Unknown {
    source: Source::OcspResponder,
};

fn trouble(status: Status) -> Trouble {
    match status {
        Status::None { trouble, .. } => trouble,
        _ => Trouble::NoSource,
    }
}

#[test]
fn one_request_serves_all_who_ask() {
    let mut store = store();
    for _ in 0..3 {
        assert_eq!(status(&mut store, NOW), Status::Pending);
    }
    assert!(store.has_orders(NOW));
    let order = store.take_order(NOW).unwrap();
    assert_eq!(store.take_order(NOW), None);
    assert_eq!(order.authority, "ocsp.test");
    assert_eq!(&*order.cluster, "ocsp");
    assert!(order.path.starts_with("/ca/") && order.body.is_none());
    store.answered(&order, &ok(&answer(GOOD, NOW)), at(NOW));
    let Status::Good { ask_again, source } = status(&mut store, NOW) else {
        unreachable_status();
        return;
    };
    assert_eq!(source, Source::OcspResponder);
    assert!((NOW + DAY / 2..=NOW + DAY).contains(&ask_again));
    assert!(!store.has_orders(NOW));
}

fn unreachable_status() {
    assert_eq!("another status", "good");
}

#[test]
fn a_wait_has_an_end() {
    let mut store = store();
    assert_eq!(status(&mut store, NOW), Status::Pending);
    assert_eq!(status(&mut store, NOW + 2), Status::Pending);
    let late = status(&mut store, NOW + 3);
    assert_eq!(trouble(late), Trouble::Unreachable);
    let jumped_back = status(&mut store, NOW - 1);
    assert_eq!(trouble(jumped_back), Trouble::Unreachable);
}

#[test]
fn nobody_is_asked_whom_the_policy_does_not_name() {
    let mut store = store_of(vec![responder("other.test")], &[]);
    assert_eq!(trouble(status(&mut store, NOW)), Trouble::NoSource);
    assert_eq!(store.take_order(NOW), None);
}

#[test]
fn each_failure_has_its_kind_and_a_pause_that_grows() {
    let good = answer(GOOD, NOW);
    let html = Fetched {
        content_type: "text/html",
        ..ok(&good)
    };
    let http = |status| Fetched { status, ..ok(b"") };
    for (fetched, kind) in [
        (http(0), Trouble::Unreachable),
        (http(302), Trouble::Unreachable),
        (http(500), Trouble::Unreachable),
        (html, Trouble::Invalid),
        (ok(b""), Trouble::Invalid),
        (ok(&answer(GOOD, NOW - 2 * DAY)), Trouble::Stale),
        (ok(&answer(GOOD, NOW + DAY)), Trouble::Invalid),
    ] {
        let mut store = store();
        let mut now = NOW;
        for pause in [1, 2, 5, 15, 30, 30] {
            assert_eq!(trouble(learn(&mut store, now, &fetched)), kind);
            status(&mut store, now + pause - 1);
            assert_eq!(store.take_order(now + pause - 1), None, "{pause}");
            now += pause;
        }
        assert_eq!(
            learn(&mut store, now, &ok(&answer(GOOD, now))),
            status(&mut store, now),
            "and all is well again"
        );
        assert!(matches!(status(&mut store, now), Status::Good { .. }));
    }
}

#[test]
fn an_answer_is_refreshed_ahead_of_its_end_and_serves_meanwhile() {
    let mut store = store();
    let Status::Good { ask_again, .. } = learn(&mut store, NOW, &ok(&answer(GOOD, NOW))) else {
        return unreachable_status();
    };
    assert!(matches!(
        status(&mut store, ask_again - 1),
        Status::Good { .. }
    ));
    assert_eq!(store.take_order(NOW), None);
    // While the next one is fetched, nobody keeps the status.
    assert_eq!(
        status(&mut store, ask_again),
        Status::Good {
            ask_again,
            source: Source::OcspResponder
        }
    );
    let order = store.take_order(ask_again).unwrap();
    store.answered(
        &order,
        &ok(&answer(&revoked(None), ask_again)),
        at(ask_again),
    );
    assert!(matches!(
        status(&mut store, ask_again),
        Status::Revoked { .. }
    ));
}

#[test]
fn a_failed_refresh_lets_the_known_answer_serve_to_its_end() {
    let mut store = store();
    let Status::Good { ask_again, .. } = learn(&mut store, NOW, &ok(&answer(GOOD, NOW))) else {
        return unreachable_status();
    };
    let failed = Fetched {
        status: 503,
        ..ok(b"")
    };
    assert!(matches!(
        learn(&mut store, ask_again, &failed),
        Status::Good { .. }
    ));
    let end = NOW + DAY;
    assert!(matches!(status(&mut store, end - 1), Status::Good { .. }));
    store.take_order(NOW);
    assert_eq!(trouble(status(&mut store, end + 300)), Trouble::Unreachable);
}

#[test]
fn an_older_answer_never_replaces_a_newer_one() {
    let mut store = store();
    learn(&mut store, NOW, &ok(&answer(&revoked(None), NOW)));
    let later = NOW + 23 * HOUR;
    let status = learn(&mut store, later, &ok(&answer(GOOD, NOW - HOUR)));
    assert!(matches!(status, Status::Revoked { .. }), "{status:?}");
}

#[test]
fn what_a_responder_does_not_know_is_asked_again_soon() {
    let mut store = store();
    assert_eq!(
        learn(&mut store, NOW, &ok(&answer(UNKNOWN, NOW))),
        UNKNOWN_STATUS
    );
    assert_eq!(status(&mut store, NOW + 59), UNKNOWN_STATUS);
    store.take_order(NOW);
    assert_eq!(status(&mut store, NOW + 60), Status::Pending);
}

#[test]
fn what_another_worker_learnt_is_taken_while_it_is_of_use() {
    let nanos = |seconds: i64| u64::try_from(seconds).unwrap() * 1_000_000_000;
    for (answer, came_at, is_of_use) in [
        (answer(GOOD, NOW), NOW, true),
        (answer(GOOD, NOW - DAY), NOW - DAY, false),
        (answer(GOOD, NOW - 2 * DAY), NOW - HOUR, false),
        (answer(UNKNOWN, NOW), NOW - 59, true),
        (answer(UNKNOWN, NOW), NOW - 60, false),
        (b"garbage".to_vec(), NOW, false),
    ] {
        let mut store = store();
        status(&mut store, NOW);
        let order = store.take_order(NOW).unwrap();
        let taken = store.shared(&order, &answer, nanos(came_at), at(NOW));
        assert_eq!(taken, is_of_use);
        let status = status(&mut store, NOW);
        assert_eq!(status == Status::Pending, !is_of_use, "{status:?}");
    }
}

#[test]
fn an_older_answer_is_no_news() {
    let mut store = store();
    learn(&mut store, NOW, &ok(&answer(&revoked(None), NOW)));
    let later = NOW + 23 * HOUR;
    status(&mut store, later);
    let order = store.take_order(later).unwrap();
    let older = answer(GOOD, NOW - HOUR);
    let learnt = store.answered(&order, &ok(&older), at(later));
    assert!(!learnt.is_news);
    status(&mut store, later + 29);
    assert_eq!(store.take_order(later + 29), None, "it lags: after a while");
    status(&mut store, later + 30);
    assert!(store.take_order(later + 30).is_some());
}

/// Another certificate of the same responder.
fn another(serial: u8) -> Rc<Asked> {
    let leaf = WORLD
        .ca
        .leaf(|leaf| leaf.serial_number = Some(vec![serial].into()));
    let leaf = leaf.parsed();
    let store = trust_store(&[&WORLD.ca], &[]);
    let at = at(NOW).at;
    let keys = KeyRequirements::default();
    let chain = verify(&leaf, &store, Usage::Server, at, &keys, &NoHost).unwrap();
    Rc::new(
        Asked::new(&leaf, &chain)
            .unwrap()
            .with_urls(&["http://ocsp.test/"]),
    )
}

#[test]
fn a_responder_that_does_not_answer_is_spared_by_all() {
    let mut store = store();
    let nobody = Fetched {
        status: 0,
        ..ok(b"")
    };
    status(&mut store, NOW);
    store.look_up(&another(1), None, at(NOW));
    let order = store.take_order(NOW).unwrap();
    store.look_up(&another(2), None, at(NOW));
    store.answered(&order, &nobody, at(NOW));
    // Those who waited behind it wait no longer, and nobody is sent.
    for asked in [asked(), another(1), another(2), another(3)] {
        let looked = store.look_up(&asked, None, at(NOW));
        assert_eq!(trouble(looked.status), Trouble::Unreachable);
    }
    assert_eq!(store.take_order(NOW), None);
    // After the pause one is sent, until one is answered.
    let later = NOW + 1;
    for serial in 1..=3 {
        let looked = store.look_up(&another(serial), None, at(later));
        assert_eq!(looked.status == Status::Pending, serial == 3, "{serial}");
    }
    let probe = store.take_order(later).unwrap();
    assert_eq!(store.take_order(later), None);
    assert_eq!(
        store.answered(&probe, &nobody, at(later)).result,
        "unreachable"
    );
    store.look_up(&another(4), None, at(later + 1));
    assert_eq!(store.take_order(later + 1), None, "the pause grows");
    // A clock that jumped back does not make a pause of it.
    status(&mut store, NOW - DAY);
    assert!(store.take_order(NOW - DAY).is_some());
}

#[test]
fn one_responder_takes_nothing_from_another() {
    let mut store = store_of(vec![responder("ocsp.test"), responder("other.test")], &[]);
    for serial in 1..=100 {
        store.look_up(&another(serial), None, at(NOW));
    }
    let hanging: Vec<_> = std::iter::from_fn(|| store.take_order(NOW)).collect();
    assert_eq!(hanging.len(), MAX_OPEN);
    let other = another(120);
    let other = Rc::new(Asked::clone(&other).with_urls(&["http://other.test/"]));
    store.look_up(&other, None, at(NOW));
    assert_eq!(store.take_order(NOW).unwrap().authority, "other.test");
}

#[test]
fn a_staple_is_evidence_and_worth_what_it_says() {
    let good = answer(GOOD, NOW);
    let mut store = store_of(Vec::new(), &[]);
    let looked = store.look_up(&asked(), Some(&good), at(NOW));
    let (source, staple) = (Source::OcspStaple, Staple::Holds);
    assert!(
        matches!(looked, Looked { status: Status::Good { source: s, .. }, staple: Staple::Holds } if s == source),
        "{staple:?}"
    );
    // It is remembered, but a peer that does not staple does not.
    let looked = store.look_up(&asked(), None, at(NOW));
    assert!(matches!(looked.status, Status::Good { .. }));
    assert_eq!(looked.staple, Staple::Absent);
    for (staple, kind) in [
        (answer(GOOD, NOW - 3 * DAY), Trouble::Stale),
        (b"garbage".to_vec(), Trouble::Invalid),
    ] {
        let mut store = store_of(Vec::new(), &[]);
        let looked = store.look_up(&asked(), Some(&staple), at(NOW));
        assert_eq!(trouble(looked.status), kind);
        assert!(matches!(looked.staple, Staple::Refused(found, _) if found == kind));
    }
    let mut store = store_of(Vec::new(), &[]);
    let looked = store.look_up(&asked(), Some(&answer(&revoked(None), NOW)), at(NOW));
    assert!(matches!(looked.status, Status::Revoked { .. }));
    // A good one of before the revocation changes nothing.
    let looked = store.look_up(&asked(), Some(&answer(GOOD, NOW - HOUR)), at(NOW));
    assert!(matches!(looked.status, Status::Revoked { .. }));
}

#[test]
fn responses_of_the_policy_are_evidence() {
    let others = {
        let mut single = Single::good();
        single.cert_id = crate::revocation::ocsp::tests::responder::cert_id(
            crate::revocation::ocsp::tests::responder::SHA1,
            |bytes| crate::revocation::ocsp::tests::responder::sha1(&[bytes, b"x"].concat()),
        );
        Response::of(&single).signed()
    };
    let mut store = store_of(Vec::new(), &[others.clone(), answer(GOOD, NOW)]);
    let source = Source::OcspPolicy;
    assert!(matches!(status(&mut store, NOW), Status::Good { source: s, .. } if s == source));
    let mut store = store_of(Vec::new(), &[others]);
    assert_eq!(trouble(status(&mut store, NOW)), Trouble::NoSource);
}

#[test]
fn a_nonce_goes_by_post_and_must_come_back() {
    let with_nonce = Responder {
        nonce: true,
        ..responder("ocsp.test")
    };
    let mut store = store_of(vec![with_nonce], &[]);
    status(&mut store, NOW);
    let order = store.take_order(NOW).unwrap();
    let body = order.body.as_deref().unwrap();
    assert!(body.windows(32).any(|octets| octets == [7; 32]));
    assert_eq!(order.path, "/ca");
    let learnt = store.answered(&order, &ok(&answer(GOOD, NOW)), at(NOW));
    assert_eq!((learnt.is_news, learnt.result), (false, "invalid"));
}

#[test]
fn which_of_two_sources_counts() {
    let good = |ask_again| Status::Good {
        ask_again,
        source: Source::CrlPolicy,
    };
    let revoked = || Status::Revoked {
        since: 1,
        source: Source::OcspStaple,
    };
    let none = |trouble| Status::None {
        trouble,
        detail: String::new(),
    };
    for (one, other, both) in [
        (good(9), revoked(), revoked()),
        (revoked(), none(Trouble::Stale), revoked()),
        (good(9), good(7), good(7)),
        // It may come to say otherwise.
        (good(9), Status::Pending, good(2)),
        (good(9), none(Trouble::Unreachable), good(3)),
        (good(9), UNKNOWN_STATUS, good(3)),
        (good(9), none(Trouble::NoSource), good(9)),
        (Status::Pending, UNKNOWN_STATUS, Status::Pending),
        (Status::Pending, none(Trouble::Invalid), Status::Pending),
        (UNKNOWN_STATUS, none(Trouble::Invalid), UNKNOWN_STATUS),
        (
            none(Trouble::Invalid),
            none(Trouble::Stale),
            none(Trouble::Invalid),
        ),
        (
            none(Trouble::NoSource),
            none(Trouble::Unreachable),
            none(Trouble::Unreachable),
        ),
    ] {
        assert_eq!(one.clone().or(other.clone(), 2), both);
        assert_eq!(other.or(one, 2), both);
    }
}
