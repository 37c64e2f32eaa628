//! The waiting room of the upstream gate: which requests wait for their
//! connection, since when, and when to look next. Pure: time is given.

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
    /// Whether a later attempt was seen to replace its attributes.
    pub superseded: bool,
}

/// When to look at the waiting requests again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextLook {
    /// Nobody waits.
    Never,
    /// As soon as the worker has done what else is due.
    Soon,
    /// After so many milliseconds.
    After(u32),
}

/// Immediate looks that follow the arrival of a request.
///
/// A connection to a near upstream is up after a few turns of the event loop,
/// most of them busy with the handshake itself; waiting for a timer would cost
/// it up to a millisecond. A far one is not up after any number of turns, and
/// the looks would burn the CPU. `make bench` measures both
/// (`wake_near`, `wake_far`).
pub const QUICK_LOOKS: u32 = 24;
/// The longest pause between two looks, in milliseconds.
pub const MAX_PAUSE_MS: u64 = 16;

/// The requests that wait.
#[derive(Debug)]
pub struct Gate {
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
            timeout_nanos: u64::from(timeout_ms) * 1_000_000,
            quick_looks: 0,
        }
    }

    /// Lets a request wait; `false` where too many do already.
    pub fn enter(&mut self, waiting: Waiting) -> bool {
        if self.waiting.len() >= self.max {
            return false;
        }
        self.waiting.push(waiting);
        self.quick_looks = QUICK_LOOKS;
        true
    }

    /// Takes a request out; `None` where it did not wait.
    pub fn leave(&mut self, stream: u32) -> Option<Waiting> {
        let position = self.waiting.iter().position(|w| w.stream == stream)?;
        Some(self.waiting.swap_remove(position))
    }

    /// Notes that a request's attributes are now those of a later attempt: it
    /// can never be judged any more.
    pub fn supersede(&mut self, stream: u32) {
        if let Some(waiting) = self.waiting.iter_mut().find(|w| w.stream == stream) {
            waiting.superseded = true;
        }
    }

    /// Who waits, to be looked at now.
    pub fn look(&mut self) -> Vec<Waiting> {
        self.quick_looks = self.quick_looks.saturating_sub(1);
        self.waiting.clone()
    }

    /// Whether a request has waited for too long. A clock that jumped back
    /// counts as too long: denied, not kept for ever.
    pub const fn is_late(&self, waiting: &Waiting, now: u64) -> bool {
        now < waiting.since || now - waiting.since >= self.timeout_nanos
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// When to look next: at once for a while, then in pauses that grow with
    /// the age of the youngest, so that none waits much longer than an eighth
    /// of what its connection took.
    pub fn next_look(&self, now: u64) -> NextLook {
        let Some(youngest) = self.waiting.iter().map(|w| w.since).max() else {
            return NextLook::Never;
        };
        if self.quick_looks > 0 {
            return NextLook::Soon;
        }
        let age_ms = now.saturating_sub(youngest) / 1_000_000;
        let pause = (age_ms / 8).clamp(1, MAX_PAUSE_MS);
        NextLook::After(u32::try_from(pause).unwrap_or(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(stream: u32, since: u64) -> Waiting {
        Waiting {
            stream,
            since,
            attempt: Some(1),
            address: None,
            superseded: false,
        }
    }

    #[test]
    fn nobody_waits_means_no_timer() {
        let mut gate = Gate::new(2, 10);
        assert_eq!(gate.next_look(0), NextLook::Never);
        assert!(gate.enter(waiting(1, 0)));
        assert_ne!(gate.next_look(0), NextLook::Never);
        assert!(gate.leave(1).is_some());
        assert_eq!(gate.next_look(0), NextLook::Never);
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
        let gate = Gate::new(2, 10);
        let w = waiting(1, 5_000_000);
        assert!(!gate.is_late(&w, 5_000_000));
        assert!(!gate.is_late(&w, 14_999_999));
        assert!(gate.is_late(&w, 15_000_000));
        assert!(gate.is_late(&w, 4_999_999));
    }

    #[test]
    fn looks_are_quick_at_first_and_then_back_off() {
        let ms = 1_000_000;
        let mut gate = Gate::new(9, 10_000);
        gate.enter(waiting(1, 0));
        for _ in 0..QUICK_LOOKS {
            assert_eq!(gate.next_look(0), NextLook::Soon);
            gate.look();
        }
        assert_eq!(gate.next_look(0), NextLook::After(1));
        assert_eq!(gate.next_look(40 * ms), NextLook::After(5));
        assert_eq!(gate.next_look(4_000 * ms), NextLook::After(16));
        gate.enter(waiting(2, 4_000 * ms));
        assert_eq!(gate.next_look(4_000 * ms), NextLook::Soon);
    }
}
