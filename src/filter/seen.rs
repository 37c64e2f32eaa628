//! The failures that were told of, so that one which is seen from two places
//! (a filter and an access log, or two logs) makes one event. Shared by all
//! roles in a VM.

use std::cell::RefCell;
use std::rc::Rc;

use super::flow::push_part;
use crate::decision::Generations;

/// Failures that are remembered, twice. The places see one failure within one
/// request, so this is about concurrency: far more than Envoy's 1,024 pending
/// requests and 3 retries of a cluster.
const HALF: usize = 8_192;

/// The failures that were told of; clones share them.
#[derive(Clone, Debug)]
pub struct Seen(Rc<RefCell<Generations<Box<[u8]>, Sight>>>);

/// Who told of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    /// A place that knows whose failure it is.
    Exact,
    /// One that does not: the router's `upstream_log` without request ids, before
    /// Envoy 1.39.
    Vague,
}

impl Default for Seen {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(Generations::new(HALF))))
    }
}

/// What makes a failure itself, wherever it is seen from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    exact: Option<Box<[u8]>>,
    /// Without request or connection: for places that know neither.
    vague: Option<Box<[u8]>>,
}

impl Key {
    /// An attempt of a request: its request (`x-request-id`, else the client's
    /// connection), and how long the connection pool took, to the nanosecond: for
    /// attempts have no number that all places show.
    pub fn of_request(
        request_id: Option<&[u8]>,
        connection_id: Option<&[u8]>,
        pool_answered: &[u8],
        address: &[u8],
    ) -> Self {
        let key = |kind: &[u8], owner: &[u8]| -> Box<[u8]> {
            let mut key = kind.to_vec();
            for part in [owner, pool_answered, address] {
                push_part(&mut key, Some(part));
            }
            key.into()
        };
        match (request_id, connection_id) {
            (Some(id), _) => Self {
                exact: Some(key(b"r", id)),
                vague: None,
            },
            (None, connection) => Self {
                exact: connection.map(|id| key(b"q", id)),
                vague: Some(key(b"v", b"")),
            },
        }
    }

    /// An attempt of a TCP connection, from 1.
    pub fn of_connection(connection: u64, attempt: u64) -> Self {
        let numbers = [connection.to_le_bytes(), attempt.to_le_bytes()].concat();
        Self::exact([b"c", &numbers[..]].concat())
    }

    /// A client's handshake.
    pub fn of_client(connection: u64) -> Self {
        Self::exact([b"d", &connection.to_le_bytes()[..]].concat())
    }

    fn exact(key: Vec<u8>) -> Self {
        Self {
            exact: Some(key.into()),
            vague: None,
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
        let vaguely = key.vague.as_ref().and_then(|key| seen.get(key));
        let (is_news, sight) = match &key.exact {
            Some(exact) => (
                seen.get(exact).is_none() && vaguely != Some(Sight::Vague),
                Sight::Exact,
            ),
            None => (vaguely.is_none(), Sight::Vague),
        };
        if is_news {
            for key in [key.exact, key.vague].into_iter().flatten() {
                seen.insert(key, sight);
            }
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_of_once() {
        let seen = Seen::default();
        let request = |id, pool_answered, address| {
            Key::of_request(Some(id), Some(b"c"), pool_answered, address)
        };
        let all = [
            request(b"1", b"1", b"a"),
            request(b"1", b"1", b"b"),
            request(b"1", b"1b", b""),
            request(b"2", b"1", b"a"),
            Key::of_request(None, Some(b"1"), b"1", b"a"),
            Key::of_request(None, Some(b"2"), b"1", b"a"),
            Key::of_connection(1, 1),
            Key::of_connection(1, 2),
            Key::of_client(1),
        ];
        for key in &all {
            assert!(seen.is_news(key.clone()), "{key:?}");
        }
        for key in &all {
            assert!(!seen.clone().is_news(key.clone()), "{key:?}");
        }
    }

    #[test]
    fn a_place_that_does_not_know_whose_failure_it_is_tells_of_it_once_too() {
        let exact = || Key::of_request(None, Some(b"1"), b"7", b"a");
        let vague = || Key::of_request(None, None, b"7", b"a");
        for [first, second] in [[exact(), vague()], [vague(), exact()], [vague(), vague()]] {
            let seen = Seen::default();
            assert!(seen.is_news(first));
            assert!(!seen.is_news(second));
        }
    }
}
