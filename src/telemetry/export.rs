//! The queue of events on their way to a collector: batched, bounded, and
//! counted where it had to drop. Pure: it says what to send and when.
//!
//! Bounds and times are the defaults of OpenTelemetry's batching log record
//! processor and OTLP exporter, where they have one.

use std::collections::VecDeque;

/// Records that may wait (`OTEL_BLRP_MAX_QUEUE_SIZE`).
pub const MAX_RECORDS: usize = 2_048;
/// Bytes that may wait. A record is 1 to 2 KiB; one full of what peers chose
/// is under 16 KiB, and a queue of those must not fill the VM.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Records in one request (`OTEL_BLRP_MAX_EXPORT_BATCH_SIZE`).
pub const MAX_BATCH: usize = 512;
/// Nanoseconds that a record may wait for company (`OTEL_BLRP_SCHEDULE_DELAY`).
pub const DELAY: u64 = 1_000 * MS;
/// Tries of one batch, and the waits between them: 1, 2, 4, 8 seconds. A
/// collector that is away for longer costs records, not memory.
pub const MAX_TRIES: u32 = 5;
const MS: u64 = 1_000_000;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Taken, but for so many records that the collector refused.
    Taken {
        /// `partialSuccess.rejectedLogRecords`.
        rejected: u64,
    },
    /// Not now: unreachable, or one of the statuses that OTLP/HTTP calls
    /// retryable.
    Later,
    /// Never.
    Refused,
}

impl Answer {
    /// The answer that an HTTP status is (OTLP/HTTP, "Failures"); 0 for none.
    pub const fn of_status(status: u32) -> Self {
        match status {
            200..=299 => Self::Taken { rejected: 0 },
            0 | 429 | 502 | 503 | 504 => Self::Later,
            _ => Self::Refused,
        }
    }
}

/// What happened to records since it was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Taken by the collector.
    pub exported: u64,
    /// Refused by the collector, or given up after [`MAX_TRIES`].
    pub failed: u64,
    /// Never sent, for want of room.
    pub dropped: u64,
}

/// The queue.
#[derive(Debug, Default)]
pub struct Queue {
    records: VecDeque<String>,
    bytes: usize,
    /// When the oldest may wait no longer, or the next try is due.
    due: Option<u64>,
    /// Records at the front that are on their way.
    in_flight: usize,
    tries: u32,
    counts: Counts,
}

impl Queue {
    /// Adds a record; the newest is dropped where there is no room, since what
    /// waits is older and nearer to the cause.
    pub fn push(&mut self, record: String, now: u64) {
        if self.records.len() >= MAX_RECORDS || self.bytes + record.len() > MAX_BYTES {
            self.counts.dropped += 1;
            return;
        }
        self.bytes += record.len();
        self.records.push_back(record);
        if self.due.is_none() {
            self.due = Some(now + DELAY);
        }
        if self.records.len() >= MAX_BATCH && self.tries == 0 {
            self.due = Some(now);
        }
    }

    /// The records to send now, none while others are on their way or nothing
    /// is due.
    pub fn take_due(&mut self, now: u64) -> Option<impl Iterator<Item = &str>> {
        let due = self
            .due
            .is_some_and(|due| now >= due || due - now > MAX_WAIT);
        if !due || self.in_flight > 0 || self.records.is_empty() {
            return None;
        }
        self.in_flight = self.records.len().min(MAX_BATCH);
        self.due = None;
        Some(self.records.iter().take(self.in_flight).map(String::as_str))
    }

    /// What became of the records on their way.
    pub fn answered(&mut self, answer: Answer, now: u64) {
        let sent = self.in_flight as u64;
        self.in_flight = 0;
        if sent == 0 {
            return;
        }
        match answer {
            Answer::Taken { rejected } => {
                let rejected = rejected.min(sent);
                self.counts.exported += sent - rejected;
                self.counts.failed += rejected;
            }
            Answer::Later if self.tries + 1 < MAX_TRIES => {
                self.due = Some(now + (DELAY << self.tries));
                self.tries += 1;
                return;
            }
            Answer::Later | Answer::Refused => self.counts.failed += sent,
        }
        self.tries = 0;
        for record in self.records.drain(..sent as usize) {
            self.bytes -= record.len();
        }
        self.due = (!self.records.is_empty()).then(|| {
            let full = self.records.len() >= MAX_BATCH;
            now + if full { 0 } else { DELAY }
        });
    }

    /// When [`Queue::take_due`] has something, in nanoseconds from `now`; `None`
    /// while records are on their way, whose answer is waited for.
    pub fn next_due(&self, now: u64) -> Option<u64> {
        self.due
            .filter(|_| self.in_flight == 0)
            .map(|due| due.saturating_sub(now).min(MAX_WAIT))
    }

    /// What happened since the last call.
    pub const fn take_counts(&mut self) -> Counts {
        let counts = self.counts;
        self.counts = Counts {
            exported: 0,
            failed: 0,
            dropped: 0,
        };
        counts
    }
}

/// The longest wait; more means that the clock jumped back.
const MAX_WAIT: u64 = DELAY << (MAX_TRIES - 1);

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(queue: &mut Queue, now: u64) -> Vec<String> {
        queue
            .take_due(now)
            .map(|records| records.map(str::to_owned).collect())
            .unwrap_or_default()
    }

    fn taken() -> Answer {
        Answer::of_status(200)
    }

    #[test]
    fn records_wait_for_company_and_go_in_order() {
        let mut queue = Queue::default();
        assert_eq!(queue.next_due(0), None);
        queue.push("a".into(), 0);
        queue.push("b".into(), DELAY - 1);
        assert!(batch(&mut queue, DELAY - 1).is_empty());
        assert_eq!(queue.next_due(DELAY - 1), Some(1));
        assert_eq!(batch(&mut queue, DELAY), ["a", "b"]);
        assert!(batch(&mut queue, DELAY).is_empty(), "one at a time");
        queue.push("c".into(), DELAY);
        queue.answered(taken(), DELAY);
        assert_eq!(queue.take_counts().exported, 2);
        assert_eq!(batch(&mut queue, 2 * DELAY), ["c"]);
        queue.answered(taken(), 2 * DELAY);
        assert_eq!(queue.next_due(0), None);
        assert_eq!(queue.bytes, 0);
    }

    #[test]
    fn a_full_batch_does_not_wait() {
        let mut queue = Queue::default();
        for n in 0..MAX_BATCH + 1 {
            queue.push(n.to_string(), 0);
        }
        assert_eq!(batch(&mut queue, 0).len(), MAX_BATCH);
        queue.answered(taken(), 0);
        assert!(batch(&mut queue, 0).is_empty());
        assert_eq!(batch(&mut queue, DELAY).len(), 1);
    }

    #[test]
    fn a_collector_that_is_away_costs_records_and_not_memory() {
        let mut queue = Queue::default();
        let mut now = 0;
        for n in 0..MAX_RECORDS + 10 {
            queue.push(n.to_string(), now);
        }
        assert_eq!(queue.take_counts().dropped, 10);
        for wait in [1, 2, 4, 8] {
            assert_eq!(batch(&mut queue, now).len(), MAX_BATCH);
            queue.answered(Answer::of_status(503), now);
            assert!(batch(&mut queue, now + wait * DELAY - 1).is_empty());
            now += wait * DELAY;
        }
        assert_eq!(batch(&mut queue, now)[0], "0");
        queue.answered(Answer::of_status(0), now);
        assert_eq!(queue.take_counts().failed, MAX_BATCH as u64);
        assert_eq!(batch(&mut queue, now)[0], MAX_BATCH.to_string());
    }

    #[test]
    fn no_timer_while_an_answer_is_waited_for() {
        let mut queue = Queue::default();
        queue.push("a".into(), 0);
        batch(&mut queue, DELAY);
        for n in 0..MAX_BATCH {
            queue.push(n.to_string(), DELAY);
            assert_eq!(queue.next_due(3 * DELAY), None);
        }
        queue.answered(taken(), 3 * DELAY);
        assert_eq!(queue.next_due(3 * DELAY), Some(0));
        assert_eq!(batch(&mut queue, 3 * DELAY).len(), MAX_BATCH);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut queue = Queue::default();
        let record = "x".repeat(MAX_BYTES / 4);
        for _ in 0..5 {
            queue.push(record.clone(), 0);
        }
        assert_eq!(queue.records.len(), 4);
        assert_eq!(queue.take_counts().dropped, 1);
    }

    #[test]
    fn what_is_refused_is_not_sent_again() {
        let mut queue = Queue::default();
        queue.push("a".into(), 0);
        batch(&mut queue, DELAY);
        queue.answered(Answer::of_status(400), DELAY);
        assert_eq!(queue.next_due(DELAY), None);
        queue.push("b".into(), DELAY);
        queue.push("c".into(), DELAY);
        batch(&mut queue, 2 * DELAY);
        queue.answered(Answer::Taken { rejected: 1 }, 2 * DELAY);
        let counts = queue.take_counts();
        assert_eq!((counts.exported, counts.failed), (1, 2));
        queue.answered(taken(), 0);
        assert_eq!(queue.take_counts(), Counts::default(), "nothing was sent");
    }

    #[test]
    fn a_clock_that_jumps_back_makes_it_due() {
        let mut queue = Queue::default();
        queue.push("a".into(), 1_000 * DELAY);
        assert_eq!(batch(&mut queue, 1), ["a"]);
    }
}
