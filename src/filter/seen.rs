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
pub struct Seen(Rc<RefCell<Generations<Box<[u8]>, ()>>>);

impl Default for Seen {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(Generations::new(HALF))))
    }
}

/// What makes a failure itself, wherever it is seen from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(Box<[u8]>);

impl Key {
    /// An attempt of a request: its request (`x-request-id`, else
    /// `connection_id`, which the router's `upstream_log` does not show before
    /// Envoy 1.39), and how long the connection pool took, to the nanosecond:
    /// for attempts have no number that all places show.
    pub fn of_request(request: &[u8], pool_answered: &[u8], address: &[u8]) -> Self {
        let mut key = b"r".to_vec();
        for part in [request, pool_answered, address] {
            push_part(&mut key, Some(part));
        }
        Self(key.into())
    }

    /// An attempt of a TCP connection, from 1.
    pub fn of_connection(connection: u64, attempt: u64) -> Self {
        let numbers = [connection.to_le_bytes(), attempt.to_le_bytes()].concat();
        Self([b"c", &numbers[..]].concat().into())
    }

    /// A client's handshake.
    pub fn of_client(connection: u64) -> Self {
        Self([b"d", &connection.to_le_bytes()[..]].concat().into())
    }
}

impl Seen {
    /// Whether a failure was not told of before; it is, from now on.
    pub fn is_news(&self, Key(key): Key) -> bool {
        // No callback runs inside another; should it, two events are better
        // than none.
        let Ok(mut seen) = self.0.try_borrow_mut() else {
            return true;
        };
        let is_news = seen.get(&key).is_none();
        if is_news {
            seen.insert(key, ());
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
        let all = [
            Key::of_request(b"1", b"1", b"a"),
            Key::of_request(b"1", b"1", b"b"),
            Key::of_request(b"1", b"1b", b""),
            Key::of_request(b"2", b"1", b"a"),
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
}
