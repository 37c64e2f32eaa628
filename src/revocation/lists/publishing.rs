//! Writing a list to where all workers read it, in steps: first its shards, then
//! its head. The caller makes it the list in use; then the one before it is wiped,
//! which lies in another place. Whoever still reads that one notices.

use super::record::slot_name;
use crate::revocation::crl::Crl;
use crate::revocation::crl::shared::{Publication, head_key, shard_key};
use crate::revocation::shared_data::SharedData;

/// Shards that are written in one step: 26 KiB each, a copy of 2 MiB.
const SHARDS: usize = 64;

/// A list that is being written.
#[derive(Debug)]
pub(super) struct Publishing {
    publication: Publication,
    generation: u64,
    slot: u8,
    next_update: i64,
    description: String,
    next: usize,
}

impl Publishing {
    pub(super) fn new(list: Crl, generation: u64, slot: u8) -> Option<Self> {
        let next_update = list.next_update();
        let description = format!(
            "{} entries, number {}, of {}",
            list.entries(),
            list.number(),
            list.issuer()
        );
        Some(Self {
            publication: Publication::new(list, generation)?,
            generation,
            slot,
            next_update,
            description,
            next: 0,
        })
    }

    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) const fn slot(&self) -> u8 {
        self.slot
    }

    pub(super) const fn next_update(&self) -> i64 {
        self.next_update
    }

    /// For the log.
    pub(super) fn describe(&self) -> String {
        self.description.clone()
    }

    /// Writes a part. Whether there is more.
    pub(super) fn step(&mut self, data: &dyn SharedData, name: &str) -> bool {
        let name = slot_name(name, self.slot);
        for _ in 0..SHARDS {
            let Some(shard) = self.publication.shard(self.next) else {
                data.set(&head_key(&name), self.publication.head(), 0);
                return false;
            };
            data.set(&shard_key(&name, self.next), &shard, 0);
            self.next += 1;
        }
        true
    }
}

/// The place of a list that is wiped. Keys stay; what they held goes.
#[derive(Debug)]
pub(super) struct Wiping {
    slot: u8,
    next: usize,
}

impl Wiping {
    pub(super) const fn new(slot: u8) -> Self {
        Self { slot, next: 0 }
    }

    /// Wipes a part. Whether there is more.
    pub(super) fn step(&mut self, data: &dyn SharedData, name: &str) -> bool {
        let name = slot_name(name, self.slot);
        if self.next == 0 && data.get(&head_key(&name)).is_some() {
            data.set(&head_key(&name), &[], 0);
        }
        for _ in 0..SHARDS {
            let key = shard_key(&name, self.next);
            if data.get(&key).is_none_or(|(old, _)| old.is_empty()) {
                return false;
            }
            data.set(&key, &[], 0);
            self.next += 1;
        }
        true
    }
}
