//! What is known of one certificate by OCSP.

use std::rc::Rc;

use super::{BACK_OFF, Now};
use crate::revocation::asked::Asked;
use crate::revocation::ocsp::{Answer, CertStatus};
use crate::revocation::status::{Source, Status, Trouble};

/// Seconds that a status is kept at the longest, whatever its responder says:
/// the seven days of RFC 5019, section 4, are too long for a revocation to go
/// unseen where a responder answers for that long.
const MAX_KEPT: i64 = 24 * 3_600;
/// The same where the responder does not know the certificate: it may be a new
/// one that it learns of soon.
const MAX_KEPT_UNKNOWN: i64 = 60;
/// Seconds between two tries at the longest.
const LONGEST_PAUSE: i64 = 30;

/// One certificate.
pub(super) struct Entry {
    pub(super) asked: Rc<Asked>,
    known: Option<Known>,
    fetch: Fetch,
    failures: usize,
    pub(super) trouble: Option<(Trouble, String)>,
    /// When it was last asked for, by a clock that counts questions.
    pub(super) used: u64,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    answer: Answer,
    source: Source,
    /// When it came, in nanoseconds.
    came_at: u64,
    /// When to fetch the next one, in seconds.
    refresh_at: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fetch {
    /// Not before this second.
    Idle { not_before: i64 },
    /// Wanted or on its way, since (in nanoseconds).
    Open { since: u64 },
}

impl Entry {
    pub(super) fn new(asked: Rc<Asked>) -> Self {
        Self {
            asked,
            known: None,
            fetch: Fetch::Idle { not_before: 0 },
            failures: 0,
            trouble: None,
            used: 0,
        }
    }

    /// It is wanted now. What went wrong with its responder before it was asked for
    /// itself is no trouble of its own.
    pub(super) fn open(&mut self, nanos: u64) {
        self.fetch = Fetch::Open { since: nanos };
        if self.failures == 0 {
            self.trouble = None;
        }
    }

    /// Whether it is being asked for.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.fetch, Fetch::Open { .. })
    }

    /// When the answer came that is known, in nanoseconds; 0 for none.
    pub(super) fn came_at(&self) -> u64 {
        self.known.map_or(0, |known| known.came_at)
    }

    pub(super) fn forget_ended(&mut self, now: i64) {
        self.known = self.known.filter(|k| now < k.answer.valid_until);
    }

    /// Whether it is to be asked for (again).
    pub(super) fn is_due(&self, now: i64) -> bool {
        let Fetch::Idle { not_before } = self.fetch else {
            return false;
        };
        // A pause that ends too late is of a clock that jumped back.
        let pauses = (1..=LONGEST_PAUSE).contains(&not_before.saturating_sub(now));
        !pauses && self.known.is_none_or(|known| now >= known.refresh_at)
    }

    pub(super) fn status(&self, now: Now, max_wait_nanos: u64) -> Status {
        if let Some(known) = self.known {
            return match known.answer.status {
                CertStatus::Good => Status::Good {
                    // While the next answer is on its way, each question is
                    // asked anew: it may say otherwise.
                    ask_again: known
                        .refresh_at
                        .min(known.answer.valid_until)
                        .max(now.at.now),
                    source: known.source,
                },
                CertStatus::Revoked { at, .. } => Status::Revoked {
                    since: at,
                    source: known.source,
                },
                CertStatus::Unknown => Status::Unknown {
                    source: known.source,
                },
            };
        }
        let waited = |since| {
            now.nanos
                .checked_sub(since)
                .is_none_or(|w| w >= max_wait_nanos)
        };
        let (trouble, detail) = match (self.fetch, &self.trouble) {
            (Fetch::Open { since }, None) if !waited(since) => return Status::Pending,
            (_, Some((trouble, detail))) => (*trouble, detail.as_str()),
            (Fetch::Open { .. }, None) => {
                let detail = "the responder did not answer in time";
                (Trouble::Unreachable, detail)
            }
            (Fetch::Idle { .. }, None) => (Trouble::Unreachable, "the responder was not asked yet"),
        };
        Status::None {
            trouble,
            detail: detail.to_owned(),
        }
    }

    /// Takes an answer. Whether it is news, and still of use: an older one than the
    /// known, replayed or from a responder that lags, is not, and changes nothing.
    pub(super) fn learn(&mut self, answer: Answer, source: Source, came_at: u64, now: i64) -> bool {
        let came = i64::try_from(came_at / 1_000_000_000).unwrap_or(now);
        let kept = came.saturating_add(match answer.status {
            CertStatus::Unknown => MAX_KEPT_UNKNOWN,
            CertStatus::Good | CertStatus::Revoked { .. } => MAX_KEPT,
        });
        if kept <= now {
            return false;
        }
        if self
            .known
            .is_some_and(|known| !answer.may_replace(&known.answer))
        {
            return false;
        }
        if source == Source::OcspResponder {
            self.fetch = Fetch::Idle { not_before: 0 };
            self.failures = 0;
        }
        self.trouble = None;
        let answer = Answer {
            valid_until: answer.valid_until.min(kept),
            ..answer
        };
        // Ahead of its end, each certificate at a time of its own: between the
        // half and three quarters of what is left.
        let left = answer.valid_until.saturating_sub(now).max(0);
        let jitter = self.asked.certificate().sha256().first();
        let jitter = i64::from(jitter.copied().unwrap_or(0));
        let refresh_at = now + left / 2 + left / 4 * jitter / 256;
        self.known = Some(Known {
            answer,
            source,
            came_at,
            refresh_at,
        });
        true
    }

    /// It was asked for, and what came was no news: what is known stays, and is asked
    /// for again after a while.
    pub(super) fn pause(&mut self, now: i64) {
        self.fetch = Fetch::Idle {
            not_before: now.saturating_add(LONGEST_PAUSE),
        };
    }

    /// It could not be asked for, or the answer is of no use.
    pub(super) fn fail(&mut self, trouble: (Trouble, String), now: i64) {
        let pause = BACK_OFF.get(self.failures).copied();
        self.failures = self.failures.saturating_add(1);
        self.fetch = Fetch::Idle {
            not_before: now.saturating_add(pause.unwrap_or(LONGEST_PAUSE)),
        };
        self.trouble = Some(trouble);
    }
}
