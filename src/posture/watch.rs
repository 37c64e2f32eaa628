//! What was wrong at the last look, and what has changed since.

use std::collections::BTreeMap;

use super::condition::{Aspect, Condition, News, Subject};
use super::counters::{Counters, Tally};
use super::judge::Judge;
use super::listing::{Listing, Use};
use super::{AnswerError, Page};
use crate::decision::Cause;

/// The most that is told after one answer; the rest is told after the next ones,
/// so that thousands of certificates that end together do not flood the log.
pub const MAX_NEWS: usize = 64;
/// Looks in a row that find no rise before staples are taken to be sent again:
/// one client in ten minutes makes one condition, not one for each.
pub const QUIET_LOOKS: u32 = 10;
/// Seconds after a look without an answer, after the second one in a row, and
/// after each further one; no longer than the interval.
const RETRY_SECONDS: [u32; 3] = [1, 5, 10];
/// Looks in a row without an answer before the admin interface is taken to be
/// unreachable. While Envoy starts it may be: a listener before it opens when all
/// is configured, for which Envoy waits 15 s (`initial_fetch_timeout`).
pub const LOST_LOOKS: u32 = 4;

/// A condition that is there, or was and is still to be told of.
#[derive(Debug)]
struct Held {
    condition: Condition,
    /// The cause that was told.
    told: Option<Cause>,
    /// Why it is over, once it is.
    ended: Option<&'static str>,
    /// Looks in a row without a rise.
    quiet: u32,
}

/// What is known of the proxy's posture.
#[derive(Debug, Default)]
pub struct Watch {
    held: BTreeMap<(Aspect, Subject), Held>,
    counters: Counters,
    /// Looks in a row without an answer.
    lost: BTreeMap<Page, u32>,
}

impl Watch {
    /// A list of certificates came.
    pub fn certificates(&mut self, listing: &Listing, judge: &Judge, now: i64) {
        self.answered(Page::Certificates);
        let mut found: BTreeMap<_, _> = listing
            .iter()
            .flat_map(|listed| judge.conditions(listed, now))
            .map(|c| ((c.aspect, c.subject.clone()), c))
            .collect();
        for (key, held) in &mut self.held {
            if let (Aspect::Validity | Aspect::Staple, Subject::Certificate(of)) = key {
                match found.remove(key) {
                    Some(condition) => held.is_there(condition),
                    None if listing.has(of) => held.ended = Some("it is in order again"),
                    None => held.ended = Some("the certificate is not there any more"),
                }
            }
        }
        for (key, condition) in found {
            self.held.insert(key, Held::new(condition));
        }
        self.forget_untold();
    }

    /// The counters of staples came.
    pub fn counters(&mut self, counters: Counters) {
        self.answered(Page::Counters);
        let before = std::mem::replace(&mut self.counters, counters);
        for held in self.held.values_mut() {
            if held.condition.count.is_some() {
                held.quiet = held.quiet.saturating_add(1);
            }
        }
        for (listener, rise) in self.counters.since(&before) {
            for condition in rises(listener, rise) {
                let key = (condition.aspect, condition.subject.clone());
                match self.held.get_mut(&key) {
                    Some(held) => held.rose(condition),
                    None => {
                        self.held.insert(key, Held::new(condition));
                    }
                }
            }
        }
        for held in self.held.values_mut() {
            if held.condition.count.is_some() && held.quiet >= QUIET_LOOKS {
                held.ended = Some("no further handshake was counted");
            }
        }
        self.forget_untold();
    }

    /// A page did not answer.
    pub fn unreachable(&mut self, page: Page, why: String) {
        let lost = self.lost.entry(page).or_default();
        *lost = lost.saturating_add(1);
        if *lost >= LOST_LOOKS {
            self.no_answer(page, Cause::AdminUnreachable, why);
        }
    }

    /// Seconds until the next look, where the last one had no answer.
    pub fn retry_seconds(&self, page: Page) -> u32 {
        let lost = self.lost.get(&page).copied().unwrap_or_default();
        let index = usize::try_from(lost.saturating_sub(1)).unwrap_or(usize::MAX);
        let [.., last] = RETRY_SECONDS;
        RETRY_SECONDS.get(index).copied().unwrap_or(last)
    }

    /// The answer of a page cannot be read.
    pub fn invalid(&mut self, page: Page, why: &AnswerError) {
        self.refused(page, why.to_string());
    }

    /// A page answered, and gave something else.
    pub fn refused(&mut self, page: Page, why: String) {
        self.lost.remove(&page);
        self.no_answer(page, Cause::AdminAnswerInvalid, why);
    }

    /// What is to be told, ends first.
    pub fn take_news(&mut self) -> Vec<News> {
        let mut news = Vec::new();
        self.held.retain(|_, held| {
            let Some(why) = held.ended.filter(|_| news.len() < MAX_NEWS) else {
                return true;
            };
            news.push(News::Ended(held.condition.clone(), why));
            false
        });
        for held in self.held.values_mut().filter(|h| h.ended.is_none()) {
            if news.len() >= MAX_NEWS {
                break;
            }
            if held.told != Some(held.condition.cause) {
                held.told = Some(held.condition.cause);
                news.push(News::Began(held.condition.clone()));
            }
        }
        news
    }

    /// How many conditions of this cause and use there are; those that concern no
    /// certificate have no use.
    pub fn count(&self, cause: Cause, r#use: Option<Use>) -> u64 {
        let there = self.held.values().filter(|held| {
            let of = match &held.condition.subject {
                Subject::Certificate(key) => Some(key.r#use),
                Subject::Page(_) | Subject::Listener(_) => None,
            };
            held.ended.is_none() && held.condition.cause == cause && of == r#use
        });
        u64::try_from(there.count()).unwrap_or(u64::MAX)
    }

    fn answered(&mut self, page: Page) {
        self.lost.remove(&page);
        if let Some(held) = self.held.get_mut(&(Aspect::Answer, Subject::Page(page))) {
            held.ended = Some("the admin interface answers again");
        }
        self.forget_untold();
    }

    fn no_answer(&mut self, page: Page, cause: Cause, why: String) {
        let condition = Condition {
            aspect: Aspect::Answer,
            subject: Subject::Page(page),
            cause,
            detail: format!("GET {}: {why}", page.path()),
            names: Vec::new(),
            staple: None,
            count: None,
        };
        let key = (Aspect::Answer, Subject::Page(page));
        match self.held.get_mut(&key) {
            Some(held) => held.is_there(condition),
            None => {
                self.held.insert(key, Held::new(condition));
            }
        }
    }

    /// What began and ended without being told is not told.
    fn forget_untold(&mut self) {
        self.held
            .retain(|_, held| held.ended.is_none() || held.told.is_some());
    }
}

impl Held {
    const fn new(condition: Condition) -> Self {
        Self {
            condition,
            told: None,
            ended: None,
            quiet: 0,
        }
    }

    /// It is (still, or again) there, in this form.
    fn is_there(&mut self, condition: Condition) {
        self.condition = condition;
        self.ended = None;
    }

    /// A counter rose further: what is told at the end is the sum.
    fn rose(&mut self, condition: Condition) {
        let sum = match (self.condition.count, condition.count) {
            (Some(before), Some(more)) => before.saturating_add(more),
            (before, more) => before.or(more).unwrap_or_default(),
        };
        self.is_there(Condition {
            count: Some(sum),
            ..condition
        });
        self.quiet = 0;
    }
}

/// What a listener's tally says, where it rose.
fn rises(listener: &str, rise: Tally) -> impl Iterator<Item = Condition> {
    let condition = |aspect, cause, count, what: &str| Condition {
        aspect,
        subject: Subject::Listener(Box::from(listener)),
        cause,
        detail: what.to_owned(),
        names: Vec::new(),
        staple: None,
        count: Some(count),
    };
    let failed = condition(
        Aspect::Failed,
        Cause::StapleFailed,
        rise.failed,
        "handshakes were refused for want of a valid staple",
    );
    let omitted = condition(
        Aspect::Omitted,
        Cause::StapleOmitted,
        rise.omitted,
        "clients asked for a staple, and got none",
    );
    [failed, omitted]
        .into_iter()
        .filter(|c| c.count.is_some_and(|n| n > 0))
}
