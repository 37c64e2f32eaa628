//! What the workers share of a fetched list besides the list: who loads it, which
//! one is in use, and what went wrong.

use sha2::{Digest as _, Sha256};

use crate::revocation::responder::ListSource;
use crate::revocation::shared_data::SharedData;
use crate::revocation::status::Trouble;
use crate::revocation::store::Now;
use crate::trust::Certificate;

/// The form of a record.
const FORM: u8 = 1;
/// Octets of an entity tag that is kept; longer ones are as none.
const MAX_ETAG: usize = 128;
/// Octets of a detail that is kept.
const MAX_DETAIL: usize = 512;
/// Lost races before a change is given up: only somebody with an ended claim can
/// race, and one always wins.
const TRIES: usize = 8;

/// A record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// Until when somebody loads it, in nanoseconds.
    pub claim: u64,
    /// The list in use; 0 for none.
    pub generation: u64,
    /// In which of two places it lies.
    pub slot: u8,
    /// When to fetch the next one, in seconds.
    pub next_at: i64,
    /// Failures since the last success.
    pub failures: u8,
    /// What went wrong at the last try.
    pub trouble: Option<(Trouble, String)>,
    /// The entity tag of the list in use.
    pub etag: String,
}

/// The name under which a list is shared. Whoever takes the same list from the
/// same place by the same terms shares it.
pub(super) fn name_of(source: &ListSource, issuers: &[Certificate]) -> String {
    let mut digest = Sha256::new();
    for part in [&source.cluster, &source.url] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    }
    digest.update((source.max_bytes as u64).to_le_bytes());
    digest.update(source.refresh_seconds.to_le_bytes());
    for issuer in issuers {
        digest.update(issuer.sha256());
    }
    let digest = digest.finalize();
    let hex: String = digest.iter().take(16).map(|o| format!("{o:02x}")).collect();
    format!("hopguard.crl.{hex}")
}

impl Record {
    pub(super) fn prepare(data: &dyn SharedData, name: &str) {
        if data.get(name).is_none() {
            data.set(name, &Self::default().write(), 0);
        }
    }

    pub(super) fn read(data: &dyn SharedData, name: &str) -> Option<Self> {
        Self::parse(&data.get(name)?.0)
    }

    /// The name of the place of the list in use.
    pub(super) fn slot_name(&self, name: &str) -> String {
        slot_name(name, self.slot)
    }

    /// The place for the next one.
    pub(super) const fn next_slot(&self) -> u8 {
        1 - self.slot % 2
    }

    /// The moment of the next fetch or the end of a claim, in nanoseconds.
    pub(super) fn due_at(&self, now: Now) -> u64 {
        let next_at = u64::try_from(self.next_at).unwrap_or(0);
        next_at
            .saturating_mul(1_000_000_000)
            .max(self.claim)
            // No clock is wrong for longer than a day: then it was set.
            .min(now.nanos.saturating_add(86_400_000_000_000))
    }

    /// Whether nobody loads it, and its time has come `wait` seconds ago.
    pub(super) fn is_due(&self, now: Now, wait: i64) -> bool {
        // Claims and times far ahead are of a clock that jumped back.
        let day = 86_400;
        let waits = (1..=day).contains(&(self.next_at.saturating_add(wait) - now.at.now));
        let is_claimed =
            self.claim > now.nanos && self.claim - now.nanos <= day as u64 * 1_000_000_000;
        !waits && !is_claimed
    }

    /// Claims to load the list, if it is `free` still.
    pub(super) fn claim(
        &mut self,
        data: &dyn SharedData,
        name: &str,
        until: u64,
        free: impl Fn(&Self) -> bool,
    ) -> bool {
        let Some((value, version)) = data.get(name) else {
            return false;
        };
        let mut record = Self::parse(&value).unwrap_or_default();
        if !free(&record) {
            return false;
        }
        record.claim = until;
        let is_ours = data.set(name, &record.write(), version);
        if is_ours {
            *self = record;
        }
        is_ours
    }

    /// Changes the record, if the claim is still this one.
    pub(super) fn change(
        &mut self,
        data: &dyn SharedData,
        name: &str,
        claim: u64,
        change: impl FnOnce(&mut Self),
    ) -> bool {
        let mut change = Some(change);
        let mut changed = None;
        for _ in 0..TRIES {
            let Some((value, version)) = data.get(name) else {
                return false;
            };
            let record = match changed.take() {
                Some(record) => record,
                None => {
                    let mut record = Self::parse(&value).unwrap_or_default();
                    if record.claim != claim {
                        return false;
                    }
                    if let Some(change) = change.take() {
                        change(&mut record);
                    }
                    record
                }
            };
            if data.set(name, &record.write(), version) {
                *self = record;
                return true;
            }
            changed = Some(record);
        }
        false
    }

    fn write(&self) -> Vec<u8> {
        let mut value = vec![FORM, self.slot, self.failures];
        value.extend(self.claim.to_le_bytes());
        value.extend(self.generation.to_le_bytes());
        value.extend(self.next_at.to_le_bytes());
        let etag = Some(self.etag.as_str()).filter(|etag| etag.len() <= MAX_ETAG);
        let etag = etag.unwrap_or_default();
        value.push(u8::try_from(etag.len()).unwrap_or(0));
        value.extend(etag.as_bytes());
        if let Some((trouble, detail)) = &self.trouble {
            value.push(trouble.code());
            let end = detail.floor_char_boundary(MAX_DETAIL);
            value.extend(detail.as_bytes().iter().take(end));
        }
        value
    }

    fn parse(value: &[u8]) -> Option<Self> {
        let ([form, slot, failures], rest) = value.split_first_chunk::<3>()?;
        if *form != FORM {
            return None;
        }
        let (claim, rest) = rest.split_first_chunk::<8>()?;
        let (generation, rest) = rest.split_first_chunk::<8>()?;
        let (next_at, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first()?;
        let (etag, rest) = rest.split_at_checked(usize::from(*length))?;
        let trouble = match rest.split_first() {
            None => None,
            Some((code, detail)) => {
                let detail = String::from_utf8_lossy(detail).into_owned();
                Some((Trouble::from_code(*code)?, detail))
            }
        };
        Some(Self {
            claim: u64::from_le_bytes(*claim),
            generation: u64::from_le_bytes(*generation),
            slot: *slot,
            next_at: i64::from_le_bytes(*next_at),
            failures: *failures,
            trouble,
            etag: String::from_utf8_lossy(etag).into_owned(),
        })
    }
}

/// The name of one of the two places of a list.
pub(super) fn slot_name(name: &str, slot: u8) -> String {
    format!("{name}.{slot}")
}
