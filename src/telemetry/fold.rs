//! Flood control: the same event beyond a burst is counted, not printed, and
//! summed up once an interval.

use std::collections::HashMap;
use std::rc::Rc;

use crate::decision::{Cause, Direction, Outcome};

/// What makes two events the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventKey {
    /// Direction of the connection.
    pub direction: Direction,
    /// Why.
    pub cause: Cause,
    /// What happened.
    pub outcome: Outcome,
    /// The rule's name.
    pub rule: Rc<str>,
    /// The cluster, upstream; its name is the operator's.
    pub cluster: Option<Rc<str>>,
}

/// Events of one key printed in full in one interval.
///
/// Ten: enough to see whether they differ.
pub const BURST: u64 = 10;
/// Length of an interval.
pub const INTERVAL_NANOS: u64 = 60 * 1_000_000_000;
/// Keys that are told apart at once.
///
/// Rules and clusters are the operator's, but there may be thousands. At 1,024
/// keys of about 200 bytes the table stays under 256 KiB a root context; what
/// does not fit is counted under its cause alone.
pub const MAX_KEYS: usize = 1_024;

/// What was not printed of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Whose events.
    pub key: EventKey,
    /// How many were not printed.
    pub folded: u64,
    /// When the first and the last of them were, in nanoseconds.
    pub first: u64,
    /// See `first`.
    pub last: u64,
    /// The id of one of them.
    pub sample: String,
}

#[derive(Debug)]
struct Window {
    started: u64,
    seen: u64,
    folded: u64,
    first: u64,
    last: u64,
    sample: String,
}

/// Counts events and says which to print.
#[derive(Debug, Default)]
pub struct Fold {
    windows: HashMap<EventKey, Window>,
}

impl Fold {
    /// Whether an event is to be printed; if not, it is counted.
    pub fn admit(&mut self, key: EventKey, id: &str, now: u64) -> bool {
        let key = if self.windows.len() >= MAX_KEYS && !self.windows.contains_key(&key) {
            EventKey {
                rule: Rc::from("*"),
                cluster: None,
                ..key
            }
        } else {
            key
        };
        let window = self.windows.entry(key).or_insert(Window {
            started: now,
            seen: 0,
            folded: 0,
            first: now,
            last: now,
            sample: String::new(),
        });
        let over = now < window.started || now - window.started >= INTERVAL_NANOS;
        if over && window.folded == 0 {
            (window.started, window.seen) = (now, 0);
        }
        window.seen += 1;
        if window.seen <= BURST {
            return true;
        }
        if window.folded == 0 {
            window.first = now;
            window.sample = id.to_owned();
        }
        window.folded += 1;
        window.last = now;
        false
    }

    /// The summaries that are due: of windows that are over, or of all.
    pub fn flush(&mut self, now: u64, all: bool) -> Vec<Summary> {
        let mut summaries = Vec::new();
        self.windows.retain(|key, window| {
            // A clock that jumped backwards ends the window, too.
            let over = all || now < window.started || now - window.started >= INTERVAL_NANOS;
            if over && window.folded > 0 {
                summaries.push(Summary {
                    key: key.clone(),
                    folded: window.folded,
                    first: window.first,
                    last: window.last,
                    sample: std::mem::take(&mut window.sample),
                });
            }
            !over
        });
        summaries
    }

    /// When to call [`Fold::flush`] next: nanoseconds from `now`, `None` while
    /// nothing is folded. Windows without folded events wait for the next
    /// flush or the next event, so that they cost no timer.
    pub fn next_flush(&self, now: u64) -> Option<u64> {
        self.windows
            .values()
            .filter(|w| w.folded > 0)
            .map(|w| (w.started + INTERVAL_NANOS).saturating_sub(now))
            .min()
    }

    /// Drops windows that are over and folded nothing, when the table is full.
    pub fn make_room(&mut self, now: u64) {
        if self.windows.len() >= MAX_KEYS {
            self.windows.retain(|_, w| {
                w.folded > 0 || (now >= w.started && now - w.started < INTERVAL_NANOS)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(cluster: usize) -> EventKey {
        EventKey {
            direction: Direction::Upstream,
            cause: Cause::Plaintext,
            outcome: Outcome::Deny,
            rule: Rc::from("r"),
            cluster: Some(Rc::from(format!("c{cluster}"))),
        }
    }

    #[test]
    fn printed_and_folded_add_up() {
        let mut fold = Fold::default();
        let printed = (0..10_000)
            .filter(|n| fold.admit(key(0), &n.to_string(), 5 + n))
            .count() as u64;
        assert_eq!(printed, BURST);
        assert_eq!(fold.flush(100, false), []);
        let summaries = fold.flush(5 + INTERVAL_NANOS, false);
        assert_eq!(summaries.len(), 1);
        assert_eq!(summaries[0].folded + printed, 10_000);
        assert_eq!((summaries[0].first, summaries[0].last), (15, 10_004));
        assert_eq!(summaries[0].sample, "10");
        assert_eq!(fold.next_flush(0), None);
        assert!(
            fold.admit(key(0), "x", 6 + INTERVAL_NANOS),
            "a new interval prints again"
        );
    }

    #[test]
    fn memory_is_bounded_against_variety() {
        let mut fold = Fold::default();
        let total = 50_000u64;
        let mut printed = 0;
        for n in 0..total {
            for _ in 0..2 {
                printed += u64::from(fold.admit(key(n as usize), "x", n));
            }
        }
        assert!(fold.windows.len() <= MAX_KEYS + 1);
        let folded: u64 = fold.flush(0, true).iter().map(|s| s.folded).sum();
        assert_eq!(printed + folded, 2 * total);
    }

    #[test]
    fn a_quiet_window_starts_anew_without_a_flush() {
        let mut fold = Fold::default();
        for n in 0..2 * BURST {
            assert!(fold.admit(key(0), "x", n / BURST * INTERVAL_NANOS));
        }
    }

    #[test]
    fn no_timer_without_folded_events() {
        let mut fold = Fold::default();
        fold.admit(key(0), "x", 0);
        assert_eq!(fold.next_flush(0), None);
    }

    #[test]
    fn a_window_ends_when_the_clock_jumps_back() {
        let mut fold = Fold::default();
        for _ in 0..=BURST {
            fold.admit(key(0), "x", 1_000);
        }
        assert_eq!(fold.flush(10, false).len(), 1);
    }
}
