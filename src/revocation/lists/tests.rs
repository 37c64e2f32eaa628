//! Lists that are fetched, over several workers and time.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails may panic"
)]

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::*;
use crate::revocation::crl::tests::made::{Fields, number, utc};
use crate::trust::tests::pki::{Authority, Leaf, NOW, judge, plain_authority, store};
use crate::trust::{Instant, NoHost};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// Memory that is shared, as Envoy's: a version that grows with each change.
#[derive(Default)]
pub(crate) struct Shared(RefCell<BTreeMap<String, (Vec<u8>, u32)>>);

impl Shared {
    /// Bytes of all values.
    fn size(&self) -> usize {
        self.0.borrow().values().map(|(value, _)| value.len()).sum()
    }
}

impl SharedData for Shared {
    fn get(&self, key: &str) -> Option<(Vec<u8>, u32)> {
        self.0.borrow().get(key).cloned()
    }

    fn set(&self, key: &str, value: &[u8], version: u32) -> bool {
        let mut all = self.0.borrow_mut();
        let known = all.get(key).map_or(0, |(_, version)| *version);
        if version != 0 && version != known {
            return false;
        }
        all.insert(key.to_owned(), (value.to_vec(), known + 1));
        true
    }
}

/// A CA, its list, and the workers of a process.
struct World {
    ca: Authority,
    shared: Rc<Shared>,
    loader: Lists,
    worker: Lists,
}

fn now(seconds: i64) -> Now {
    Now {
        nanos: u64::try_from(seconds).unwrap() * 1_000_000_000,
        at: Instant {
            now: seconds,
            skew: 300,
        },
    }
}

fn source() -> ListSource {
    ListSource {
        url: "http://crl.test/ca.crl".into(),
        cluster: "crl".into(),
        authority: "crl.test".into(),
        path: "/ca.crl".into(),
        refresh_seconds: 6 * HOUR,
        timeout_ms: 1_000,
        max_bytes: 1 << 20,
    }
}

fn world() -> World {
    let ca = plain_authority("ca");
    let shared = Rc::new(Shared::default());
    let issuers: Rc<[Certificate]> = Rc::new([Certificate::parse(&ca.der).unwrap()]);
    let lists = |is_loader| {
        let data = Rc::clone(&shared) as Rc<dyn SharedData>;
        let issuers = Rc::clone(&issuers);
        Lists::new(Vec::new(), vec![source()], issuers, data, 3_000, is_loader)
    };
    let (loader, worker) = (lists(true), lists(false));
    loader.prepare();
    World {
        ca,
        shared,
        loader,
        worker,
    }
}

impl World {
    fn asked(&self, leaf: &Leaf) -> Asked {
        let chain = judge(leaf, &store(&[&self.ca], &[])).unwrap();
        Asked::new(&leaf.parsed(), &chain).unwrap()
    }

    fn leaf(&self, serial: &[u8]) -> Asked {
        let leaf = self
            .ca
            .leaf(|params| params.serial_number = Some(serial.to_vec().into()));
        self.asked(&leaf)
    }

    /// The list of this number that revokes these, made at this time.
    fn list(&self, list_number: u8, serials: &[&[u8]], this_update: &str) -> Vec<u8> {
        let fields = Fields::of(&self.ca).revoking(serials).with(|fields| {
            fields.extensions = Some(vec![number(&[list_number])]);
            fields.this_update = utc(this_update);
        });
        fields.signed_by(&self.ca.key)
    }

    /// Fetches what is due, and loads it to the end.
    fn load(&mut self, answer: ListAnswer, at: i64) -> Option<Told> {
        let order = self.loader.take_order(now(at)).unwrap();
        if let Some(told) = self.loader.answered(order.index, answer, now(at)) {
            return Some(told);
        }
        let mut told = None;
        while self.loader.next_due(now(at)) == Some(now(at).nanos) {
            let one = self.loader.step(&NoHost, now(at));
            told = told.or(one);
        }
        told
    }
}

fn ok(body: Vec<u8>) -> ListAnswer {
    ListAnswer {
        status: 200,
        etag: "\"1\"".to_owned(),
        body,
    }
}

fn answer(status: u32) -> ListAnswer {
    ListAnswer {
        status,
        etag: String::new(),
        body: Vec::new(),
    }
}

fn trouble(status: Option<Status>) -> Trouble {
    match status {
        Some(Status::None { trouble, .. }) => trouble,
        other => panic!("{other:?}"),
    }
}

fn is_good(status: &Option<Status>) -> bool {
    matches!(status, Some(Status::Good { .. }))
}

fn is_revoked(status: &Option<Status>) -> bool {
    matches!(status, Some(Status::Revoked { .. }))
}

#[test]
fn one_worker_loads_for_all() {
    let mut world = world();
    let (good, bad) = (world.leaf(&[5]), world.leaf(&[6]));
    assert_eq!(world.worker.status(&good, now(NOW)), Some(Status::Pending));
    assert!(world.worker.is_awaited());
    assert_eq!(world.worker.take_order(now(NOW)), None, "the loader does");
    let told = world
        .load(ok(world.list(1, &[&[6]], "260531000000Z")), NOW)
        .unwrap();
    assert_eq!((told.result, told.is_news), ("loaded", true));
    assert!(
        told.detail.starts_with("1 entries, number 0x01, of "),
        "{}",
        told.detail
    );

    assert!(world.worker.look(now(NOW), true), "that is news");
    assert!(!world.worker.is_awaited());
    for lists in [&mut world.worker, &mut world.loader] {
        let status = lists.status(&good, now(NOW));
        let source = Source::CrlFetched;
        // The next list is looked for each second.
        let ask_again = NOW + 1;
        assert_eq!(status, Some(Status::Good { ask_again, source }));
        assert!(is_revoked(&lists.status(&bad, now(NOW))));
    }
    assert_eq!(world.loader.take_order(now(NOW + 60)), None, "not yet");
    // No later than the policy says.
    assert!(world.loader.take_order(now(NOW + 6 * HOUR)).is_some());
}

#[test]
fn the_next_list_takes_the_place_of_the_old_one_everywhere() {
    let mut world = world();
    let leaf = world.leaf(&[6]);
    world.load(ok(world.list(1, &[&[9]], "260531000000Z")), NOW);
    assert!(is_good(&world.worker.status(&leaf, now(NOW))));
    let size = world.shared.size();
    let later = NOW + 6 * HOUR;
    world.load(ok(world.list(2, &[&[6]], "260601000000Z")), later);
    assert!(is_revoked(&world.worker.status(&leaf, now(later))));
    assert_eq!(world.shared.size(), size, "the old one is gone");
}

#[test]
fn who_holds_the_old_head_notices_and_looks_again() {
    let mut world = world();
    let leaf = world.leaf(&[6]);
    world.load(ok(world.list(1, &[&[2]], "260531000000Z")), NOW);
    let at = NOW + 6 * HOUR;
    // It has looked in this very second.
    assert!(is_good(&world.worker.status(&leaf, now(at))));
    world.load(ok(world.list(2, &[&[6]], "260601000000Z")), at);
    assert!(is_revoked(&world.worker.status(&leaf, now(at))));
}

#[test]
fn each_failure_has_its_kind_and_a_pause_that_grows() {
    for (answer, kind) in [
        (answer(0), "unreachable"),
        (answer(404), "unreachable"),
        (answer(304), "unreachable"),
        (ok(b"garbage".to_vec()), "invalid"),
        (ok(vec![0; (1 << 20) + 1]), "invalid"),
    ] {
        let mut world = world();
        let leaf = world.leaf(&[5]);
        let mut at = NOW;
        for (round, pause) in [1, 5, 15, 60, 300, 300].into_iter().enumerate() {
            let again = ListAnswer {
                status: answer.status,
                etag: answer.etag.clone(),
                body: answer.body.clone(),
            };
            let told = world.load(again, at).unwrap();
            assert_eq!((told.result, told.is_news), (kind, round == 0));
            let status = trouble(world.worker.status(&leaf, now(at + 1)));
            assert_eq!(status.as_str(), kind);
            assert_eq!(world.loader.take_order(now(at + pause - 1)), None);
            at += pause;
        }
        let told = world
            .load(ok(world.list(1, &[], "260531000000Z")), at)
            .unwrap();
        assert!(told.is_news);
        assert!(is_good(&world.worker.status(&leaf, now(at + 1))));
    }
}

#[test]
fn a_list_that_must_not_take_the_place_leaves_the_old_one_in_use() {
    let mut world = world();
    let leaf = world.leaf(&[6]);
    world.load(ok(world.list(7, &[&[6]], "260531000000Z")), NOW);
    let at = NOW + 6 * HOUR;
    let told = world
        .load(ok(world.list(6, &[], "260601000000Z")), at)
        .unwrap();
    assert_eq!(told.result, "invalid");
    assert!(
        told.detail.contains("number 0x06, after number 0x07"),
        "{}",
        told.detail
    );
    assert!(is_revoked(&world.worker.status(&leaf, now(at))));
    // Of a stranger of the same name, too.
    let stranger = plain_authority("ca");
    let told = world.load(ok(Fields::of(&stranger).signed_by(&stranger.key)), at + 1);
    assert_eq!(told.unwrap().result, "invalid");
    assert!(is_revoked(&world.worker.status(&leaf, now(at + 1))));
}

#[test]
fn the_old_list_serves_to_its_end_and_revokes_beyond() {
    let mut world = world();
    let (good, bad) = (world.leaf(&[5]), world.leaf(&[6]));
    world.load(ok(world.list(1, &[&[6]], "260531000000Z")), NOW);
    let end = NOW + 6 * DAY;
    world.load(answer(503), end);
    assert!(is_good(&world.worker.status(&good, now(end))));
    let ended = end + 301;
    assert_eq!(
        trouble(world.worker.status(&good, now(ended))),
        Trouble::Stale
    );
    assert!(is_revoked(&world.worker.status(&bad, now(ended))));
}

#[test]
fn a_list_that_has_not_changed_is_not_loaded_again() {
    let mut world = world();
    let list = world.list(1, &[], "260531000000Z");
    world.load(ok(list.clone()), NOW);
    let at = NOW + 6 * HOUR;
    let order = world.loader.take_order(now(at)).unwrap();
    assert_eq!(order.etag, "\"1\"");
    let told = world.loader.answered(order.index, answer(304), now(at));
    assert_eq!(told.unwrap().result, "unchanged");
    assert_eq!(world.loader.take_order(now(at + HOUR)), None);
    // A server without entity tags sends it again.
    let told = world.load(ok(list), at + 6 * HOUR).unwrap();
    assert_eq!((told.result, told.is_news), ("unchanged", false));
}

#[test]
fn a_wait_has_an_end() {
    let mut world = world();
    let leaf = world.leaf(&[5]);
    assert_eq!(world.worker.status(&leaf, now(NOW)), Some(Status::Pending));
    assert_eq!(
        world.worker.status(&leaf, now(NOW + 2)),
        Some(Status::Pending)
    );
    let late = world.worker.status(&leaf, now(NOW + 3));
    assert_eq!(trouble(late), Trouble::Unreachable);
}

#[test]
fn a_loader_that_is_gone_is_replaced() {
    let mut world = world();
    let leaf = world.leaf(&[5]);
    assert!(world.loader.take_order(now(NOW)).is_some());
    // It is claimed, so that nobody else does it.
    world.worker.status(&leaf, now(NOW + 1));
    assert_eq!(world.worker.take_order(now(NOW + 1)), None);
    let mut other = self::world();
    other.shared = Rc::clone(&world.shared);
    // One that ends in order gives its claim up at once.
    world.loader.give_up();
    world.worker.look(now(NOW + 6), true);
    assert!(world.worker.take_order(now(NOW + 6)).is_some());
    // One that vanishes keeps it for a minute.
    world.loader.look(now(NOW + 60), true);
    assert_eq!(world.loader.take_order(now(NOW + 60)), None);
    assert!(world.loader.take_order(now(NOW + 68)).is_some());
}

#[test]
fn a_clock_that_jumps_back_does_not_stop_the_loading() {
    let mut world = world();
    world.load(ok(world.list(1, &[], "260531000000Z")), NOW + 3 * DAY);
    assert!(world.loader.take_order(now(NOW)).is_some());
}

/// What becomes of a shared value.
type Change = fn(&[u8]) -> Vec<u8>;

/// Of another form, cut short, or of something else: whatever lies in a place of the
/// workers is never taken for a list on which a revoked certificate is not, and the
/// next list that is loaded takes its place.
#[test]
fn garbage_in_what_is_shared_makes_nothing_good() {
    let serial = |n: u16| [&[1][..], &n.to_be_bytes()].concat();
    let serials: Vec<Vec<u8>> = (0..3_000).map(serial).collect();
    let serials: Vec<&[u8]> = serials.iter().map(Vec::as_slice).collect();
    // The names of the places are those of the CA, which each world has its own of.
    let places = |world: &World| -> Vec<String> {
        let all = world.shared.0.borrow();
        all.keys().cloned().collect()
    };
    let changes: [Change; 8] = [
        |_| Vec::new(),
        |_| vec![0xff],
        |_| vec![0xff; 100],
        |_| vec![0; 60_000],
        |value| value[..value.len() / 2].to_vec(),
        |value| value[..value.len().saturating_sub(1)].to_vec(),
        |value| [value, b"x"].concat(),
        // An older or newer form, or generation.
        |value| {
            let mut value = value.to_vec();
            value.iter_mut().take(1).for_each(|form| *form ^= 0x3f);
            value
        },
    ];
    for place in 0.. {
        for (number, change) in changes.iter().enumerate() {
            let mut world = world();
            let revoked: Vec<_> = [0, 1_023, 1_024, 2_047, 2_048, 2_999]
                .map(|n| world.leaf(&serial(n)))
                .into();
            world.load(ok(world.list(1, &serials, "260531000000Z")), NOW);
            // A record, a head and three shards.
            let places = places(&world);
            assert_eq!(places.len(), 5, "{places:?}");
            let Some(key) = places.get(place) else {
                return;
            };
            let value = world.shared.get(key).unwrap().0;
            world.shared.set(key, &change(&value), 0);
            for asked in &revoked {
                let status = world.worker.status(asked, now(NOW));
                assert!(!is_good(&status), "{key}, {number}: {status:?}");
            }
            // No number of a head makes a worker reserve memory by it.
            let later = NOW + 6 * HOUR;
            if world.loader.next_due(now(later)).is_some() {
                world.load(ok(world.list(2, &serials, "260601000000Z")), later);
            }
            for asked in &revoked {
                let status = world.worker.status(asked, now(later));
                assert!(is_revoked(&status), "{key}, {number}: {status:?}");
            }
        }
    }
}

/// Every octet of a head: none makes a panic, or takes memory by what it says.
#[test]
fn no_octet_of_a_shared_head_does_harm() {
    let mut world = world();
    let revoked = world.leaf(&[6]);
    world.load(ok(world.list(1, &[&[6]], "260531000000Z")), NOW);
    let heads: Vec<String> = {
        let all = world.shared.0.borrow();
        all.keys()
            .filter(|key| key.ends_with(".head"))
            .cloned()
            .collect()
    };
    let issuers: Rc<[Certificate]> = Rc::new([Certificate::parse(&world.ca.der).unwrap()]);
    for key in heads {
        let whole = world.shared.get(&key).unwrap().0;
        for index in 0..whole.len() {
            let mut changed = whole.clone();
            changed[index] ^= 0xff;
            world.shared.set(&key, &changed, 0);
            let data = Rc::clone(&world.shared) as Rc<dyn SharedData>;
            // A worker that has not read it yet.
            let mut fresh = Lists::new(
                Vec::new(),
                vec![source()],
                Rc::clone(&issuers),
                data,
                3_000,
                false,
            );
            let _ = fresh.status(&revoked, now(NOW));
        }
        world.shared.set(&key, &whole, 0);
    }
    assert!(is_revoked(&world.worker.status(&revoked, now(NOW))));
}

#[test]
fn large_lists_are_found_in_as_in_one_worker() {
    let mut world = world();
    let serial = |n: u16| {
        let [high, low] = (n * 2).to_be_bytes();
        vec![1, high, low]
    };
    let serials: Vec<Vec<u8>> = (0..5_000).map(serial).collect();
    let serials: Vec<&[u8]> = serials.iter().map(Vec::as_slice).collect();
    world.load(ok(world.list(1, &serials, "260531000000Z")), NOW);
    for n in [0, 1, 1_023, 1_024, 1_025, 2_047, 2_048, 4_998, 4_999] {
        let on_list = serial(n);
        let mut beside = on_list.clone();
        beside[2] += 1;
        let on_list = world.leaf(&on_list);
        assert!(is_revoked(&world.worker.status(&on_list, now(NOW))), "{n}");
        let beside = world.leaf(&beside);
        assert!(is_good(&world.worker.status(&beside, now(NOW))), "{n}");
    }
    for outside in [&[1][..], &[0x7f, 0xff, 0xff], &[0x80], &[0xff; 20]] {
        let leaf = world.leaf(outside);
        assert!(!is_revoked(&world.worker.status(&leaf, now(NOW))));
    }
}
