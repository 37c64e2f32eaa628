//! A list in memory that all workers share: one of them loads it, and it is there
//! once, however many workers there are.
//!
//! The rows lie in shards, each one value; the head has what is left of the list
//! and the first serial number of each shard, so that a look-up reads one shard.
//! A list that takes the place of another lies elsewhere, and both have a
//! generation that is in every shard: whoever still has the old head notices.

use std::fmt;
use std::rc::Rc;

use super::head::Head;
use super::rows::{ROW_OVERHEAD, Rows};
use super::{Crl, Entries, MAX_SERIAL, Reason};
use crate::revocation::shared_data::SharedData;

/// Rows of a shard: at most 26 KiB to copy for a look-up, and a thousand shards
/// for a million entries.
const SHARD_ROWS: usize = 1_024;
/// The form of the values.
const FORM: u8 = 2;
/// Octets of a generation.
const GENERATION: usize = 8;

/// A shard is not there any more: another list has taken the place of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// A verified list that is to be shared.
pub struct Publication {
    head: Vec<u8>,
    rows: Rows,
    generation: u64,
}

impl fmt::Debug for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shards, generation) = (self.shards(), self.generation);
        write!(f, "Publication({shards} shards, {generation})")
    }
}

impl Publication {
    /// Makes a list ready. `None` where it is shared already. Generations must
    /// differ between lists under one name.
    pub fn new(list: Crl, generation: u64) -> Option<Self> {
        let Entries::Own(rows) = list.entries else {
            return None;
        };
        let mut head = vec![FORM];
        head.extend(generation.to_le_bytes());
        head.extend(list.signer);
        let name = list.issuer_name.len();
        for number in [list.count, rows.len(), rows.width(), name] {
            head.extend((number as u64).to_le_bytes());
        }
        head.extend(list.issuer_name.as_bytes());
        head.extend((list.bare.len() as u64).to_le_bytes());
        head.extend(&list.bare);
        let row = rows.width() + ROW_OVERHEAD;
        for shard in rows.bytes().chunks(SHARD_ROWS * row) {
            head.extend(shard.get(..rows.width()).unwrap_or_default());
        }
        Some(Self {
            head,
            rows,
            generation,
        })
    }

    /// The head, to be written behind all shards.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// How many shards there are.
    pub fn shards(&self) -> usize {
        self.rows.len().div_ceil(SHARD_ROWS)
    }

    /// A shard; `None` beyond the last.
    pub fn shard(&self, index: usize) -> Option<Vec<u8>> {
        let row = self.rows.width() + ROW_OVERHEAD;
        let rows = self.rows.bytes().chunks(SHARD_ROWS * row).nth(index)?;
        Some([&self.generation.to_le_bytes()[..], rows].concat())
    }
}

/// The entries of a shared list.
#[derive(Clone)]
pub(super) struct Table {
    data: Rc<dyn SharedData>,
    name: String,
    generation: u64,
    /// Rows of all shards.
    rows: usize,
    width: usize,
    /// The first serial number of each shard.
    firsts: Vec<u8>,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({}, {})", self.name, self.generation)
    }
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.generation == other.generation
    }
}

impl Eq for Table {}

impl Table {
    pub(super) fn memory(&self) -> usize {
        self.firsts.len()
    }

    pub(super) fn find(&self, serial: &[u8]) -> Result<Option<(i64, Reason)>, Gone> {
        let Some(key) = Rows::key(self.width, serial) else {
            return Ok(None);
        };
        let shards = self.firsts.len().checked_div(self.width).unwrap_or(0);
        let (mut low, mut high) = (0, shards);
        while low < high {
            let middle = low + (high - low) / 2;
            let start = middle * self.width;
            let first = self.firsts.get(start..start + self.width).ok_or(Gone)?;
            if first <= &*key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        // Before the first of all rows there is none.
        let Some(index) = low.checked_sub(1) else {
            return Ok(None);
        };
        let (value, _) = self.data.get(&shard_key(&self.name, index)).ok_or(Gone)?;
        let (generation, rows) = value.split_first_chunk::<GENERATION>().ok_or(Gone)?;
        // Part of a shard would make good what is revoked on the rest of it.
        let before = index.saturating_mul(SHARD_ROWS);
        let count = self.rows.saturating_sub(before).min(SHARD_ROWS);
        let is_whole = u64::from_le_bytes(*generation) == self.generation
            && rows.len() == count * (self.width + ROW_OVERHEAD)
            && rows.get(..self.width)
                == self
                    .firsts
                    .get(index * self.width..(index + 1) * self.width);
        if !is_whole {
            return Err(Gone);
        }
        Ok(Rows::sorted(self.width, rows.to_vec()).find(serial))
    }
}

/// The key of the head of the list of this name.
pub fn head_key(name: &str) -> String {
    format!("{name}.head")
}

/// The key of a shard of the list of this name.
pub fn shard_key(name: &str, index: usize) -> String {
    format!("{name}.{index}")
}

/// Reads the head that was written under this name. `None` where there is none of
/// this generation, or none in this form. What it says is trusted: it was verified
/// by the worker that wrote it, and who else writes here is part of the proxy.
pub fn read(data: &Rc<dyn SharedData>, name: &str, generation: u64) -> Option<Crl> {
    let (value, _) = data.get(&head_key(name))?;
    let (form, rest) = value.split_first()?;
    let (found, rest) = rest.split_first_chunk::<GENERATION>()?;
    if *form != FORM || u64::from_le_bytes(*found) != generation {
        return None;
    }
    let (signer, rest) = rest.split_first_chunk::<32>()?;
    let (count, rest) = number(rest)?;
    let (rows, rest) = number(rest)?;
    let (width, rest) = number(rest)?;
    let (length, rest) = number(rest)?;
    let (issuer_name, rest) = rest.split_at_checked(length)?;
    let (length, rest) = number(rest)?;
    let (bare, firsts) = rest.split_at_checked(length)?;
    let shards = rows.div_ceil(SHARD_ROWS);
    if width > MAX_SERIAL || shards.checked_mul(width) != Some(firsts.len()) {
        return None;
    }
    let head = Head::parse(bare).ok()?;
    Some(Crl {
        issuer: head.issuer,
        issuer_name: String::from_utf8_lossy(issuer_name).into_owned(),
        signer: *signer,
        number: head.extensions.number,
        this_update: head.this_update,
        next_update: head.next_update,
        scope: head.extensions.scope,
        bare: bare.to_vec(),
        count,
        entries: Entries::Shared(Table {
            data: Rc::clone(data),
            name: name.to_owned(),
            generation,
            rows,
            width,
            firsts: firsts.to_vec(),
        }),
    })
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    let number = usize::try_from(u64::from_le_bytes(*number)).ok()?;
    Some((number, rest))
}
