//! One list that is fetched: what is known of it, and how the next one takes its
//! place.

use std::rc::Rc;

use super::publishing::{Publishing, Wiping};
use super::record::Record;
use super::{CLAIM, ListAnswer, Told};
use crate::revocation::SharedData;
use crate::revocation::crl::{self, Crl, CrlError, Limits, Loading};
use crate::revocation::responder::ListSource;
use crate::revocation::status::Trouble;
use crate::revocation::store::Now;
use crate::trust::Certificate;

/// Seconds before the next try after the first failures, and after all others.
const BACK_OFF: [i64; 5] = [1, 5, 15, 60, 300];

/// A source, and what is known of its list.
pub(super) struct Fetched {
    pub(super) source: ListSource,
    /// The name under which it is shared.
    pub(super) name: String,
    pub(super) record: Record,
    pub(super) list: Option<Rc<Crl>>,
    /// The generation of that list; 0 for none.
    pub(super) generation: u64,
    /// When the record was last looked at, in seconds.
    pub(super) looked_at: i64,
    /// When it was first asked for, in nanoseconds; 0 for not yet.
    pub(super) awaited_since: u64,
    pub(super) work: Work,
    /// The entity tag of what is being loaded.
    pub(super) etag: String,
    /// The claim of this worker, while it has one.
    pub(super) claim: u64,
}

/// What is being done about a list.
#[derive(Debug, Default)]
pub(super) enum Work {
    #[default]
    None,
    /// A call is open.
    Fetching,
    Loading(Box<Loading>),
    Publishing(Publishing),
    /// The new list is in use; the old one goes.
    Wiping(Wiping),
}

impl Fetched {
    pub(super) fn look(&mut self, data: &Rc<dyn SharedData>) -> bool {
        let Some(record) = Record::read(data.as_ref(), &self.name) else {
            return false;
        };
        let is_new = record.generation != self.generation;
        let news = is_new || record.trouble != self.record.trouble;
        self.record = record;
        if is_new {
            let name = self.record.slot_name(&self.name);
            // Where that one is gone already, the next look finds the next.
            let list = crl::shared::read(data, &name, self.record.generation);
            self.generation = list.as_ref().map_or(0, |_| self.record.generation);
            self.list = list.map(Rc::new);
        }
        news
    }

    pub(super) fn begin(
        &mut self,
        answer: ListAnswer,
        issuers: &[&Certificate],
        now: Now,
    ) -> Result<Loading, (Trouble, String)> {
        let limits = Limits {
            bytes: self.source.max_bytes,
            ..Limits::default()
        };
        self.etag = answer.etag;
        Loading::new(answer.body, issuers, now.at, limits)
            .map_err(|error| (trouble_of(&error), error.to_string()))
    }

    pub(super) fn publish(
        &mut self,
        list: Crl,
        data: &Rc<dyn SharedData>,
        now: Now,
    ) -> Option<Told> {
        // A list that has ended is no measure: its issuer may have a new key.
        let old = self.list.as_ref();
        let old = old.filter(|old| old.check_time(now.at).is_ok());
        if let Some(old) = old {
            if let Err(error) = list.check_replaces(old) {
                let (trouble, detail) = (trouble_of(&error), error.to_string());
                return Some(self.failed(data.as_ref(), trouble, detail, now));
            }
            if list.is_same(old) {
                return Some(self.unchanged(data.as_ref(), now));
            }
        }
        match Publishing::new(list, now.nanos, self.record.next_slot()) {
            Some(publishing) => self.work = Work::Publishing(publishing),
            None => self.release(data.as_ref(), |_| {}),
        }
        None
    }

    /// All shards are there: from now on this is the list.
    pub(super) fn published(
        &mut self,
        publishing: &Publishing,
        data: &Rc<dyn SharedData>,
        now: Now,
    ) -> Told {
        let next_at = self.refresh_at(publishing.next_update(), now);
        let etag = std::mem::take(&mut self.etag);
        let old = self.record.slot;
        let claim = self.claim;
        let name = self.name.clone();
        self.record.change(data.as_ref(), &name, claim, |record| {
            *record = Record {
                claim,
                generation: publishing.generation(),
                slot: publishing.slot(),
                etag,
                next_at,
                ..Record::default()
            };
        });
        self.work = Work::Wiping(Wiping::new(old));
        self.look(data);
        Told {
            url: self.source.url.clone(),
            result: "loaded",
            detail: publishing.describe(),
            is_news: true,
        }
    }

    pub(super) fn unchanged(&mut self, data: &dyn SharedData, now: Now) -> Told {
        let next_update = self.list.as_ref().map_or(0, |list| list.next_update());
        let next_at = self.refresh_at(next_update, now);
        let is_back = self.record.trouble.is_some();
        self.release(data, |record| {
            record.next_at = next_at;
            record.failures = 0;
            record.trouble = None;
        });
        Told {
            url: self.source.url.clone(),
            result: "unchanged",
            detail: "the list in use is still the newest".to_owned(),
            is_news: is_back,
        }
    }

    pub(super) fn failed(
        &mut self,
        data: &dyn SharedData,
        trouble: Trouble,
        detail: String,
        now: Now,
    ) -> Told {
        let failures = self.record.failures;
        let pause = BACK_OFF.get(usize::from(failures)).or(BACK_OFF.last());
        let pause = pause
            .copied()
            .unwrap_or(300)
            .min(self.source.refresh_seconds);
        let is_news = self.record.trouble.as_ref().map(|(trouble, _)| *trouble) != Some(trouble);
        let told = Told {
            url: self.source.url.clone(),
            result: trouble.as_str(),
            detail: detail.clone(),
            is_news,
        };
        self.release(data, |record| {
            record.next_at = now.at.now.saturating_add(pause);
            record.failures = failures.saturating_add(1);
            record.trouble = Some((trouble, detail));
        });
        told
    }

    /// Ahead of its end: between the half and three quarters of what is left, but
    /// not later than the policy says.
    pub(super) fn refresh_at(&self, next_update: i64, now: Now) -> i64 {
        let left = next_update.saturating_sub(now.at.now).max(0);
        let jitter = i64::try_from(now.nanos / 1_000 % 256).unwrap_or(0);
        let ahead = left / 2 + left / 4 * jitter / 256;
        let after = ahead.clamp(1, self.source.refresh_seconds.max(1));
        now.at.now.saturating_add(after)
    }

    pub(super) fn renew(&mut self, data: &dyn SharedData, now: Now) {
        let half = CLAIM * 1_000_000_000 / 2;
        if self.claim.saturating_sub(now.nanos) < half {
            let until = now.nanos + 2 * half;
            let claim = self.claim;
            if self
                .record
                .change(data, &self.name, claim, |record| record.claim = until)
            {
                self.claim = until;
            }
        }
    }

    /// Ends the claim. Nothing is written where it has passed to another.
    pub(super) fn release(&mut self, data: &dyn SharedData, change: impl FnOnce(&mut Record)) {
        let claim = std::mem::take(&mut self.claim);
        self.record.change(data, &self.name, claim, |record| {
            change(record);
            record.claim = 0;
        });
    }
}

pub(super) const fn trouble_of(error: &CrlError) -> Trouble {
    match error {
        CrlError::Expired { .. } | CrlError::NotYetValid { .. } => Trouble::Stale,
        _ => Trouble::Invalid,
    }
}
