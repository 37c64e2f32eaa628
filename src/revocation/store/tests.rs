//! What the store says, asks for, and keeps, over time.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

use super::*;
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
    }
}

fn store() -> Store {
    Store::new(
        vec![responder("ocsp.test")],
        Vec::new(),
        3_000,
        Rc::new(NoHost),
    )
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
    store.status(&asked(), at(now));
    let order = store.take_order().unwrap();
    store.answered(&order.key, fetched, at(now));
    store.status(&asked(), at(now))
}

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
        assert_eq!(store.status(&asked(), at(NOW)), Status::Pending);
    }
    assert!(store.has_orders());
    let order = store.take_order().unwrap();
    assert_eq!(store.take_order(), None);
    assert_eq!(order.authority, "ocsp.test");
    assert_eq!(&*order.cluster, "ocsp");
    assert!(order.path.starts_with("/ca/") && order.body.is_none());
    store.answered(&order.key, &ok(&answer(GOOD, NOW)), at(NOW));
    let Status::Good { ask_again, source } = store.status(&asked(), at(NOW)) else {
        unreachable_status();
        return;
    };
    assert_eq!(source, Source::Ocsp);
    assert!((NOW + DAY / 2..=NOW + DAY).contains(&ask_again));
    assert!(!store.has_orders());
}

fn unreachable_status() {
    assert_eq!("another status", "good");
}

#[test]
fn a_wait_has_an_end() {
    let mut store = store();
    assert_eq!(store.status(&asked(), at(NOW)), Status::Pending);
    assert_eq!(store.status(&asked(), at(NOW + 2)), Status::Pending);
    let late = store.status(&asked(), at(NOW + 3));
    assert_eq!(trouble(late), Trouble::Unreachable);
    let jumped_back = store.status(&asked(), at(NOW - 1));
    assert_eq!(trouble(jumped_back), Trouble::Unreachable);
}

#[test]
fn nobody_is_asked_whom_the_policy_does_not_name() {
    let mut store = Store::new(
        vec![responder("other.test")],
        Vec::new(),
        3_000,
        Rc::new(NoHost),
    );
    assert_eq!(trouble(store.status(&asked(), at(NOW))), Trouble::NoSource);
    assert_eq!(store.take_order(), None);
}

#[test]
fn each_failure_has_its_kind_and_a_pause_that_grows() {
    let good = answer(GOOD, NOW);
    let html = Fetched {
        content_type: "text/html",
        ..ok(&good)
    };
    let status = |status| Fetched { status, ..ok(b"") };
    for (fetched, kind) in [
        (status(0), Trouble::Unreachable),
        (status(302), Trouble::Unreachable),
        (status(500), Trouble::Unreachable),
        (html, Trouble::Invalid),
        (ok(b""), Trouble::Invalid),
        (ok(&answer(GOOD, NOW - 2 * DAY)), Trouble::Stale),
        (ok(&answer(GOOD, NOW + DAY)), Trouble::Invalid),
    ] {
        let mut store = store();
        let mut now = NOW;
        for pause in [1, 2, 5, 15, 30, 30] {
            assert_eq!(trouble(learn(&mut store, now, &fetched)), kind);
            store.status(&asked(), at(now + pause - 1));
            assert_eq!(store.take_order(), None, "{pause}");
            now += pause;
        }
        assert_eq!(
            learn(&mut store, now, &ok(&answer(GOOD, now))),
            store.status(&asked(), at(now)),
            "and all is well again"
        );
        assert!(matches!(
            store.status(&asked(), at(now)),
            Status::Good { .. }
        ));
    }
}

#[test]
fn an_answer_is_refreshed_ahead_of_its_end_and_serves_meanwhile() {
    let mut store = store();
    let Status::Good { ask_again, .. } = learn(&mut store, NOW, &ok(&answer(GOOD, NOW))) else {
        return unreachable_status();
    };
    assert!(matches!(
        store.status(&asked(), at(ask_again - 1)),
        Status::Good { .. }
    ));
    assert_eq!(store.take_order(), None);
    // While the next one is fetched, nobody keeps the status.
    assert_eq!(
        store.status(&asked(), at(ask_again)),
        Status::Good {
            ask_again,
            source: Source::Ocsp
        }
    );
    let order = store.take_order().unwrap();
    store.answered(
        &order.key,
        &ok(&answer(&revoked(None), ask_again)),
        at(ask_again),
    );
    assert!(matches!(
        store.status(&asked(), at(ask_again)),
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
    assert!(matches!(
        store.status(&asked(), at(end - 1)),
        Status::Good { .. }
    ));
    store.take_order();
    assert_eq!(
        trouble(store.status(&asked(), at(end + 300))),
        Trouble::Unreachable
    );
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
        Status::Unknown
    );
    assert_eq!(store.status(&asked(), at(NOW + 59)), Status::Unknown);
    store.take_order();
    assert_eq!(store.status(&asked(), at(NOW + 60)), Status::Pending);
}

#[test]
fn what_another_worker_learnt_is_taken_while_it_is_of_use() {
    let nanos = |seconds: i64| u64::try_from(seconds).unwrap() * 1_000_000_000;
    let key = asked().key().clone();
    for (answer, came_at, is_of_use) in [
        (answer(GOOD, NOW), NOW, true),
        (answer(GOOD, NOW - DAY), NOW - DAY, false),
        (answer(GOOD, NOW - 2 * DAY), NOW - HOUR, false),
        (answer(UNKNOWN, NOW), NOW - 59, true),
        (answer(UNKNOWN, NOW), NOW - 60, false),
        (b"garbage".to_vec(), NOW, false),
    ] {
        let mut store = store();
        store.status(&asked(), at(NOW));
        store.take_order().unwrap();
        let taken = store.shared(&key, &answer, nanos(came_at), at(NOW));
        assert_eq!(taken, is_of_use);
        let status = store.status(&asked(), at(NOW));
        assert_eq!(status == Status::Pending, !is_of_use, "{status:?}");
    }
}

#[test]
fn an_older_answer_is_no_news() {
    let mut store = store();
    learn(&mut store, NOW, &ok(&answer(&revoked(None), NOW)));
    let key = asked().key().clone();
    let older = answer(GOOD, NOW - HOUR);
    assert!(!store.answered(&key, &ok(&older), at(NOW + 1)));
}
