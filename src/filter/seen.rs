//! The failures that were told of, so that one which is seen from two places
//! (a filter and an access log, or two logs) makes one event. Shared by all
//! roles in a VM.

use std::cell::RefCell;
use std::rc::Rc;

use super::flow::push_part;
use super::request_id::RequestId;
use crate::decision::Generations;

/// Failures that are remembered, twice. The places see one failure within one
/// request, so this is about concurrency: far more than Envoy's 1,024 pending
/// requests and 3 retries of a cluster.
const HALF: usize = 8_192;

/// The failures that were told of; clones share them.
#[derive(Clone, Debug)]
pub struct Seen(Rc<RefCell<Generations<Box<[u8]>, Sights>>>);

impl Default for Seen {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(Generations::new(HALF))))
    }
}

/// Who sees a failure: a filter of a root, or one of its logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(u64);

impl Place {
    /// A filter of this root.
    pub fn filter(root: u32) -> Self {
        Self(u64::from(root) * 4)
    }

    /// The router's log of attempts.
    pub fn attempts(root: u32) -> Self {
        Self(u64::from(root) * 4 + 1)
    }

    /// The log of requests.
    pub fn requests(root: u32) -> Self {
        Self(u64::from(root) * 4 + 2)
    }
}

/// How often each place saw failures of one key, and how many were told of.
#[derive(Clone, Debug, Default)]
struct Sights {
    told: u32,
    places: Vec<(u64, u32)>,
}

/// What makes a failure itself, wherever it is seen from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    bytes: Box<[u8]>,
    /// Set where others may have the same key; then each place's sights count.
    place: Option<Place>,
}

impl Key {
    /// An attempt of a request: its request, if it has an id, and how long the
    /// connection pool took, to the nanosecond; for attempts have no number that
    /// all places show. A client may give many requests one id, and two may fail
    /// in the same nanosecond: but each place sees each once.
    pub fn of_request(
        place: Place,
        request_id: Option<&RequestId>,
        pool_answered: &[u8],
        address: &[u8],
    ) -> Self {
        let mut bytes = b"r".to_vec();
        push_part(&mut bytes, request_id.map(RequestId::identity));
        push_part(&mut bytes, Some(pool_answered));
        push_part(&mut bytes, Some(address));
        Self {
            bytes: bytes.into(),
            place: Some(place),
        }
    }

    /// An attempt of a TCP connection, from 1.
    pub fn of_connection(connection: u64, attempt: u64) -> Self {
        let numbers = [connection.to_le_bytes(), attempt.to_le_bytes()].concat();
        Self {
            bytes: [b"c", &numbers[..]].concat().into(),
            place: None,
        }
    }

    /// A client's handshake.
    pub fn of_client(connection: u64) -> Self {
        Self {
            bytes: [b"d", &connection.to_le_bytes()[..]].concat().into(),
            place: None,
        }
    }
}

impl Seen {
    /// Whether a failure was not told of before; it is, from now on.
    pub fn is_news(&self, key: Key) -> bool {
        // No callback runs inside another; should it, two events are better
        // than none.
        let Ok(mut seen) = self.0.try_borrow_mut() else {
            return true;
        };
        let mut sights = seen.get(&key.bytes).unwrap_or_default();
        let seen_here = match key.place {
            None => 1,
            Some(Place(place)) => {
                let known = sights.places.iter_mut().find(|(other, _)| *other == place);
                match known {
                    Some((_, count)) => {
                        *count = count.saturating_add(1);
                        *count
                    }
                    None => {
                        sights.places.push((place, 1));
                        1
                    }
                }
            }
        };
        let is_news = seen_here > sights.told;
        if is_news {
            sights.told = seen_here;
        }
        seen.insert(key.bytes, sights);
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_of_once() {
        let seen = Seen::default();
        let all = |place| {
            let request = |id: Option<&[u8]>, pool_answered, address| {
                let id = id.map(RequestId::new);
                Key::of_request(place, id.as_ref(), pool_answered, address)
            };
            [
                request(Some(b"1"), &b"1"[..], &b"a"[..]),
                request(Some(b"1"), b"1", b"b"),
                request(Some(b"1"), b"1b", b""),
                request(Some(b"2"), b"1", b"a"),
                request(None, b"1", b"a"),
                Key::of_connection(1, 1),
                Key::of_connection(1, 2),
                Key::of_client(1),
            ]
        };
        for key in all(Place::filter(1)) {
            assert!(seen.is_news(key.clone()), "{key:?}");
        }
        for place in [Place::attempts(2), Place::requests(2), Place::filter(3)] {
            for key in all(place) {
                assert!(!seen.clone().is_news(key.clone()), "{key:?}");
            }
        }
    }

    #[test]
    fn failures_of_one_key_are_counted_by_whoever_sees_them_most() {
        let key = |place| Key::of_request(place, None, b"7", b"a");
        let (filter, log) = (Place::filter(1), Place::attempts(2));
        let seen = Seen::default();
        let told = [filter, filter, log, filter, log, log, log]
            .into_iter()
            .filter(|place| seen.is_news(key(*place)))
            .count();
        assert_eq!(told, 4, "the log saw four");
    }
}
