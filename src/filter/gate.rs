//! The waiting room of the upstream gate: which requests wait for their
//! connection, since when, and when to look next. Pure: time is given.

use super::request_id::RequestId;

/// A request that waits for its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The stream's context id.
    pub stream: u32,
    /// When it came, in nanoseconds.
    pub since: u64,
    /// Which attempt of its request it is, as the host said when it came.
    pub attempt: Option<u64>,
    /// The host that the attempt was sent to.
    pub address: Option<Vec<u8>>,
    /// The request's id, since the headers are gone when it ends.
    pub request_id: Option<RequestId>,
    /// Whether a later attempt was seen to replace its attributes.
    pub superseded: bool,
    /// Whether it waits for a connection, which is there without a word: quick
    /// looks are for such. That an answer about a certificate came is told.
    pub awaits_connection: bool,
    /// When to look at it next, at the latest.
    due: u64,
}

impl Waiting {
    /// A request that comes at `since`.
    pub const fn new(
        stream: u32,
        since: u64,
        attempt: Option<u64>,
        address: Option<Vec<u8>>,
    ) -> Self {
        Self {
            stream,
            since,
            attempt,
            address,
            request_id: None,
            superseded: false,
            awaits_connection: true,
            due: since + MS,
        }
    }
}

/// Nanoseconds in a millisecond.
const MS: u64 = 1_000_000;

/// When to look at the waiting requests again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NextLook {
    /// As soon as the worker has done what else is due, at the newest.
    pub soon: bool,
    /// After so many milliseconds, at those that are due; `None` while nobody
    /// waits.
    pub after_ms: Option<u32>,
}

/// Immediate looks that follow the arrival of a request.
///
/// Each comes after a message to another thread and back, some tens of
/// microseconds: together they span the handshake with a near upstream, for
/// which a timer would be one to four milliseconds late. A far one is not up by
/// then, and more looks would only burn CPU. `make bench` measures both
/// (`wake_near`, `wake_far`).
pub const QUICK_LOOKS: u32 = 24;
/// The newest requests that an immediate look is for: so that requests which
/// wait for a dead upstream do not make those for a good one dearer.
const QUICK_MANY: usize = 32;
/// The longest pause between two looks at a request.
pub const MAX_PAUSE_MS: u64 = 16;

/// The requests that wait.
#[derive(Debug)]
pub struct Gate {
    /// Roughly in the order of arrival.
    waiting: Vec<Waiting>,
    max: usize,
    timeout_nanos: u64,
    quick_looks: u32,
}

impl Gate {
    /// With these bounds.
    pub fn new(max_pending: u32, timeout_ms: u32) -> Self {
        Self {
            waiting: Vec::new(),
            max: usize::try_from(max_pending).unwrap_or(usize::MAX),
            timeout_nanos: u64::from(timeout_ms) * MS,
            quick_looks: 0,
        }
    }

    /// Lets a request wait; `false` where too many do already.
    pub fn enter(&mut self, waiting: Waiting) -> bool {
        if self.waiting.len() >= self.max {
            return false;
        }
        if waiting.awaits_connection {
            self.hurry();
        }
        self.waiting.push(waiting);
        true
    }

    /// Looks quickly again: one that waits already awaits a connection from now on.
    pub const fn hurry(&mut self) {
        self.quick_looks = QUICK_LOOKS;
    }

    /// Takes a request out; `None` where it did not wait.
    pub fn leave(&mut self, stream: u32) -> Option<Waiting> {
        let position = self.waiting.iter().position(|w| w.stream == stream)?;
        Some(self.waiting.remove(position))
    }

    /// Notes that a request's attributes are now those of a later attempt: it
    /// can never be judged any more.
    pub fn supersede(&mut self, stream: u32) {
        if let Some(waiting) = self.waiting.iter_mut().find(|w| w.stream == stream) {
            waiting.superseded = true;
        }
    }

    /// The newest, to be looked at at once.
    pub fn look_quickly(&mut self) -> Vec<Waiting> {
        self.quick_looks = self.quick_looks.saturating_sub(1);
        let newest = self.waiting.iter().rev().take(QUICK_MANY);
        newest.cloned().collect()
    }

    /// All of them, to be looked at at once.
    pub fn all(&self) -> Vec<Waiting> {
        self.waiting.clone()
    }

    /// Those that are due. The next look at each comes after an eighth of its
    /// age: so that none waits much longer than its connection takes, and one
    /// that waits for long costs little.
    pub fn look(&mut self, now: u64) -> Vec<Waiting> {
        let timeout = self.timeout_nanos;
        let mut due = Vec::new();
        for waiting in &mut self.waiting {
            // Timers may fire a little early by this clock; half a millisecond
            // is better lost than the next whole one.
            if waiting.due <= now + MS / 2 || is_late(waiting, now, timeout) {
                let age = now.saturating_sub(waiting.since);
                waiting.due = now + (age / 8).clamp(MS, MAX_PAUSE_MS * MS);
                due.push(waiting.clone());
            }
        }
        due
    }

    /// Whether a request has waited for too long. A clock that jumped back
    /// counts as too long: denied, not kept for ever.
    pub const fn is_late(&self, waiting: &Waiting, now: u64) -> bool {
        is_late(waiting, now, self.timeout_nanos)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// When to look next.
    pub fn next_look(&self, now: u64) -> NextLook {
        let Some(due) = self.waiting.iter().map(|w| w.due).min() else {
            return NextLook::default();
        };
        let pause = due.saturating_sub(now).div_ceil(MS);
        // Within the longest pause also where the clock jumped back.
        let pause = pause.clamp(1, MAX_PAUSE_MS);
        NextLook {
            soon: self.quick_looks > 0,
            after_ms: Some(u32::try_from(pause).unwrap_or(1)),
        }
    }
}

const fn is_late(waiting: &Waiting, now: u64, timeout: u64) -> bool {
    now < waiting.since || now - waiting.since >= timeout
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(stream: u32, since: u64) -> Waiting {
        Waiting::new(stream, since, Some(1), None)
    }

    #[test]
    fn nobody_waits_means_no_timer() {
        let mut gate = Gate::new(2, 10);
        assert_eq!(gate.next_look(0), NextLook::default());
        assert!(gate.enter(waiting(1, 0)));
        assert_ne!(gate.next_look(0), NextLook::default());
        assert!(gate.leave(1).is_some());
        assert_eq!(gate.next_look(0), NextLook::default());
        assert!(gate.leave(1).is_none());
    }

    #[test]
    fn the_room_has_a_bound() {
        let mut gate = Gate::new(2, 10);
        assert!(gate.enter(waiting(1, 0)));
        assert!(gate.enter(waiting(2, 0)));
        assert!(!gate.enter(waiting(3, 0)));
        gate.leave(1);
        assert!(gate.enter(waiting(3, 0)));
        assert_eq!(gate.len(), 2);
    }

    #[test]
    fn the_deadline_is_kept_whatever_the_clock_does() {
        let mut gate = Gate::new(2, 10);
        let w = waiting(1, 5 * MS);
        assert!(!gate.is_late(&w, 5 * MS));
        assert!(!gate.is_late(&w, 15 * MS - 1));
        assert!(gate.is_late(&w, 15 * MS));
        assert!(gate.is_late(&w, 5 * MS - 1));
        gate.enter(w);
        assert_eq!(gate.look(5 * MS - 1).len(), 1, "also where it is not due");
    }

    #[test]
    fn looks_are_quick_at_first_and_then_back_off() {
        let mut gate = Gate::new(9, 10_000);
        gate.enter(waiting(1, 0));
        for _ in 0..QUICK_LOOKS {
            assert!(gate.next_look(0).soon);
            assert_eq!(gate.look_quickly().len(), 1);
        }
        assert!(!gate.next_look(0).soon);
        for (now, pause) in [(0, 1), (MS, 1), (40 * MS, 5), (4_000 * MS, 16)] {
            gate.look(now);
            assert_eq!(gate.next_look(now).after_ms, Some(pause), "{now}");
            assert_eq!(gate.look(now).len(), 0, "not due twice");
        }
        gate.enter(waiting(2, 4_000 * MS));
        assert!(gate.next_look(4_000 * MS).soon);
        assert_eq!(gate.next_look(4_000 * MS).after_ms, Some(1));
        let due = gate.look(4_001 * MS);
        assert_eq!(due.len(), 1, "the one that waits for long is not due yet");
    }

    #[test]
    fn who_is_told_of_what_it_awaits_needs_no_quick_looks() {
        let mut gate = Gate::new(9, 10);
        let mut told = waiting(1, 0);
        told.awaits_connection = false;
        assert!(gate.enter(told));
        let look = gate.next_look(0);
        assert!(!look.soon && look.after_ms.is_some());
        gate.hurry();
        assert!(gate.next_look(0).soon);
    }

    #[test]
    fn a_quick_look_is_at_few() {
        let mut gate = Gate::new(1_000, 10_000);
        for stream in 0..1_000 {
            gate.enter(waiting(stream, u64::from(stream)));
        }
        let looked_at = gate.look_quickly();
        assert_eq!(looked_at.len(), QUICK_MANY);
        assert!(looked_at.iter().all(|w| w.stream >= 968));
    }
}
