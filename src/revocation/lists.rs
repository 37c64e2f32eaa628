//! The revocation lists of a policy: those that it holds, and those that are
//! fetched. Pure: it says what to fetch, takes what came, and writes what all
//! workers are to share.
//!
//! One worker of the process loads a list, in steps; all of them look it up in
//! shared memory ([`crl::shared`]). While it is being loaded the one before it
//! serves, and where it cannot be had, to its end.

use std::rc::Rc;

use super::crl::{self, Budget, Crl, CrlStatus, Progress};
use super::ocsp::Question;
use super::responder::ListSource;
use super::status::{Source, Status, Trouble};
use super::store::Now;
use super::{SharedData, asked::Asked};
use crate::trust::{Certificate, SignatureVerifier};

mod fetched;
mod publishing;
mod record;

use fetched::{Fetched, Work, trouble_of};
use record::Record;

/// Seconds after which another worker loads a list, if the one does not that
/// should (the main thread's).
const OVERDUE: i64 = 5;
/// Seconds of a claim beyond the time-out of its call: loading a million entries
/// takes less than ten. It is renewed while it is needed.
const CLAIM: u64 = 60;

/// The lists of a root context.
pub struct Lists {
    fixed: Vec<Rc<Crl>>,
    fetched: Vec<Fetched>,
    issuers: Rc<[Certificate]>,
    data: Rc<dyn SharedData>,
    max_wait_nanos: u64,
    is_loader: bool,
    /// Whether somebody waits for the first list of a source.
    is_awaited: bool,
}

/// A list to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListOrder {
    /// What the answer is to be given back with.
    pub index: usize,
    /// The Envoy cluster that leads there.
    pub cluster: Box<str>,
    /// The request's authority.
    pub authority: Box<str>,
    /// Its path.
    pub path: Box<str>,
    /// The entity tag of the list in use, empty for none.
    pub etag: String,
    /// Milliseconds before it is given up.
    pub timeout_ms: u32,
    /// The most of an answer that is read: one byte more than is taken.
    pub max_answer: usize,
}

/// What became of a list, for the log and the counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its URL.
    pub url: Box<str>,
    /// `loaded`, `unchanged`, or a kind of trouble.
    pub result: &'static str,
    /// In one sentence.
    pub detail: String,
    /// Whether that is news, and not one more failure.
    pub is_news: bool,
}

/// An answer to a [`ListOrder`].
#[derive(Debug)]
pub struct ListAnswer {
    /// The HTTP status; 0 for no answer.
    pub status: u32,
    /// Its entity tag; empty for none.
    pub etag: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Lists {
    /// The lists of a policy. `issuers` are the CAs that may have signed them;
    /// `is_loader`: this worker loads what is to be fetched, others only if it
    /// does not.
    pub fn new(
        fixed: Vec<Rc<Crl>>,
        sources: Vec<ListSource>,
        issuers: Rc<[Certificate]>,
        data: Rc<dyn SharedData>,
        max_wait_ms: u32,
        is_loader: bool,
    ) -> Self {
        let fetched = sources
            .into_iter()
            .map(|source| Fetched {
                name: record::name_of(&source, &issuers),
                source,
                record: Record::default(),
                list: None,
                generation: 0,
                looked_at: i64::MIN,
                awaited_since: 0,
                work: Work::None,
                etag: String::new(),
                claim: 0,
            })
            .collect();
        Self {
            fixed,
            fetched,
            issuers,
            data,
            max_wait_nanos: u64::from(max_wait_ms) * 1_000_000,
            is_loader,
            is_awaited: false,
        }
    }

    /// Whether lists are fetched.
    pub fn fetches(&self) -> bool {
        !self.fetched.is_empty()
    }

    /// Makes the places of the records, where they are not made yet: only on the
    /// main thread, before any worker looks.
    pub fn prepare(&self) {
        for fetched in &self.fetched {
            Record::prepare(self.data.as_ref(), &fetched.name);
        }
    }

    /// What the lists say of a certificate; `None` where they do not speak of it.
    pub fn status(&mut self, asked: &Asked, now: Now) -> Option<Status> {
        self.look(now, false);
        let question = asked.question();
        let mut status = self.by_lists(&question, now);
        if let Err(NoList::Gone) = status {
            // Another took its place since the last look.
            self.look(now, true);
            status = self.by_lists(&question, now);
        }
        match status {
            Ok(status) => Some(status),
            Err(NoList::Gone) => Some(Status::None {
                trouble: Trouble::Unreachable,
                detail: "the CRL is being replaced".to_owned(),
            }),
            Err(NoList::NotCovered) => self.of_missing(now),
        }
    }

    fn by_lists(&self, question: &Question<'_>, now: Now) -> Result<Status, NoList> {
        let fetched = self.fetched.iter().filter_map(|f| f.list.as_deref());
        let lists: Vec<&Crl> = self.fixed.iter().map(Rc::as_ref).chain(fetched).collect();
        let source = |list: &Crl| {
            if list.is_shared() {
                Source::CrlFetched
            } else {
                Source::CrlPolicy
            }
        };
        match crl::status(&lists, question.leaf, question.issuer, now.at) {
            CrlStatus::Good { valid_until, list } => {
                let end = valid_until.saturating_add(1);
                Ok(Status::Good {
                    // The next list is looked for each second.
                    ask_again: match self.fetches() {
                        true => end.min(now.at.now.saturating_add(1)),
                        false => end,
                    },
                    source: source(list),
                })
            }
            CrlStatus::Revoked {
                revoked_at, list, ..
            } => Ok(Status::Revoked {
                since: revoked_at,
                source: source(list),
            }),
            CrlStatus::Stale { error, .. } => Ok(Status::None {
                trouble: Trouble::Stale,
                detail: error.to_string(),
            }),
            CrlStatus::Gone => Err(NoList::Gone),
            CrlStatus::NotCovered(_) => Err(NoList::NotCovered),
        }
    }

    /// No list speaks of a certificate; one that is not here might.
    fn of_missing(&mut self, now: Now) -> Option<Status> {
        let max_wait = self.max_wait_nanos;
        let mut missing = None;
        for fetched in self.fetched.iter_mut().filter(|f| f.list.is_none()) {
            let url = &fetched.source.url;
            if let Some((trouble, detail)) = &fetched.record.trouble {
                return Some(Status::None {
                    trouble: *trouble,
                    detail: format!("{url}: {detail}"),
                });
            }
            if fetched.awaited_since == 0 || fetched.awaited_since > now.nanos {
                fetched.awaited_since = now.nanos;
            }
            missing = if now.nanos - fetched.awaited_since < max_wait {
                self.is_awaited = true;
                Some(Status::Pending)
            } else {
                Some(Status::None {
                    trouble: Trouble::Unreachable,
                    detail: format!("{url}: the CRL did not come in time"),
                })
            };
        }
        missing
    }

    /// Looks at what the workers share: at most once a second, unless `at_once`.
    /// Whether there is something new.
    pub fn look(&mut self, now: Now, at_once: bool) -> bool {
        let mut news = false;
        for fetched in &mut self.fetched {
            if !at_once && fetched.looked_at == now.at.now {
                continue;
            }
            fetched.looked_at = now.at.now;
            news |= fetched.look(&self.data);
        }
        if news {
            self.is_awaited = false;
        }
        news
    }

    /// The next list to fetch, if one is due and nobody else is at it.
    pub fn take_order(&mut self, now: Now) -> Option<ListOrder> {
        let is_loader = self.is_loader;
        for (index, fetched) in self.fetched.iter_mut().enumerate() {
            let awaited_since = fetched.awaited_since;
            let is_due = move |record: &Record| match record.next_at {
                _ if is_loader => record.is_due(now, 0),
                // Never tried: since somebody waits for it.
                0 => awaited_since > 0 && is_long_ago(awaited_since, now) && record.is_due(now, 0),
                _ => record.is_due(now, OVERDUE),
            };
            if !matches!(fetched.work, Work::None) || !is_due(&fetched.record) {
                continue;
            }
            let timeout = u64::from(fetched.source.timeout_ms) * 1_000_000;
            let until = now.nanos + timeout + CLAIM * 1_000_000_000;
            let data = self.data.as_ref();
            if !fetched.record.claim(data, &fetched.name, until, is_due) {
                continue;
            }
            fetched.claim = until;
            fetched.work = Work::Fetching;
            let source = &fetched.source;
            return Some(ListOrder {
                index,
                cluster: source.cluster.clone(),
                authority: source.authority.clone(),
                path: source.path.clone(),
                etag: match fetched.list {
                    Some(_) => fetched.record.etag.clone(),
                    None => String::new(),
                },
                timeout_ms: source.timeout_ms,
                max_answer: source.max_bytes.saturating_add(1),
            });
        }
        None
    }

    /// Nanoseconds (of the clock of `now`) at which there is something to do.
    pub fn next_due(&self, now: Now) -> Option<u64> {
        let due = self
            .fetched
            .iter()
            .filter_map(|fetched| match fetched.work {
                Work::Fetching => None,
                Work::Loading(_) | Work::Publishing(_) | Work::Wiping(_) => Some(now.nanos),
                Work::None if self.is_loader => Some(fetched.record.due_at(now)),
                Work::None => None,
            });
        due.min()
    }

    /// Whether somebody waits for what another worker loads.
    pub const fn is_awaited(&self) -> bool {
        self.is_awaited
    }

    /// An answer came to an order.
    pub fn answered(&mut self, index: usize, answer: ListAnswer, now: Now) -> Option<Told> {
        let issuers: Vec<&Certificate> = self.issuers.iter().collect();
        let fetched = self.fetched.get_mut(index)?;
        fetched.work = Work::None;
        let unreachable = |detail| Err((Trouble::Unreachable, detail));
        let begun = match answer.status {
            0 => unreachable(format!(
                "no answer by way of the cluster {:?}",
                fetched.source.cluster
            )),
            200 => fetched.begin(answer, &issuers, now),
            304 if fetched.list.is_some() => {
                return Some(fetched.unchanged(self.data.as_ref(), now));
            }
            status => unreachable(format!("HTTP status {status}")),
        };
        match begun {
            Ok(loading) => {
                fetched.work = Work::Loading(Box::new(loading));
                None
            }
            Err((trouble, detail)) => {
                Some(fetched.failed(self.data.as_ref(), trouble, detail, now))
            }
        }
    }

    /// Does a part of the work that is left: some milliseconds.
    pub fn step(&mut self, verifier: &dyn SignatureVerifier, now: Now) -> Option<Told> {
        let data = &self.data;
        let fetched = self
            .fetched
            .iter_mut()
            .find(|f| !matches!(f.work, Work::None | Work::Fetching))?;
        fetched.renew(data.as_ref(), now);
        match std::mem::take(&mut fetched.work) {
            Work::Loading(loading) => match loading.step(Budget::default(), verifier) {
                Progress::More(rest) => {
                    fetched.work = Work::Loading(Box::new(rest));
                    None
                }
                Progress::Done(list) => fetched.publish(list, data, now),
                Progress::Failed(error) => {
                    let told =
                        fetched.failed(data.as_ref(), trouble_of(&error), error.to_string(), now);
                    Some(told)
                }
            },
            Work::Publishing(mut publishing) => {
                if publishing.step(data.as_ref(), &fetched.name) {
                    fetched.work = Work::Publishing(publishing);
                    return None;
                }
                Some(fetched.published(&publishing, data, now))
            }
            Work::Wiping(mut wiping) => {
                if wiping.step(data.as_ref(), &fetched.name) {
                    fetched.work = Work::Wiping(wiping);
                } else {
                    fetched.release(data.as_ref(), |_| {});
                }
                None
            }
            other => {
                fetched.work = other;
                None
            }
        }
    }

    /// Gives up all claims: this root is going away.
    pub fn give_up(&mut self) {
        for fetched in &mut self.fetched {
            if !matches!(fetched.work, Work::None) {
                fetched.release(self.data.as_ref(), |_| {});
                fetched.work = Work::None;
            }
        }
    }
}

enum NoList {
    NotCovered,
    Gone,
}

/// Whether the loader would have had the time to begin.
fn is_long_ago(nanos: u64, now: Now) -> bool {
    let overdue = u64::try_from(OVERDUE).unwrap_or(0) * 1_000_000_000;
    now.nanos.saturating_sub(nanos) >= overdue
}

#[cfg(test)]
pub(crate) mod tests;
