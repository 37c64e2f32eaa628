//! The entries of a list as a sorted table of rows of one width, searched by
//! halving.
//!
//! A row is a serial number, as wide as the list's widest, then four octets of
//! revocation date and one of reason. Serial numbers are kept whole, extended
//! by their sign, so that two are equal as octets when they are as integers:
//! there is no digest that two could share.

use super::entry::{Entry, Reason, shortest};
use super::error::CrlError;

/// Octets of a row behind the serial number.
pub const ROW_OVERHEAD: usize = 5;

/// A sorted table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rows {
    width: usize,
    bytes: Vec<u8>,
}

impl Rows {
    /// Rows in order, each of a serial number of `width` octets.
    pub(super) fn sorted(width: usize, bytes: Vec<u8>) -> Self {
        Self { width, bytes }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() / (self.width + ROW_OVERHEAD)
    }

    /// Bytes of memory.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Octets of a serial number.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// All rows, one behind the other.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The serial number as it would stand in a row; `None` where it is in none.
    pub(super) fn key(width: usize, serial: &[u8]) -> Option<Vec<u8>> {
        let mut key = vec![0; width];
        extend(shortest(serial), &mut key)?;
        Some(key)
    }

    /// When, and why, the certificate of this serial number was revoked.
    pub(super) fn find(&self, serial: &[u8]) -> Option<(i64, Reason)> {
        let serial = shortest(serial);
        let mut key = [0; super::MAX_SERIAL];
        let key = key.get_mut(..self.width)?;
        extend(serial, key)?;
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.row(middle)?.get(..self.width)? < &*key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let (found, rest) = self.row(low)?.split_at_checked(self.width)?;
        let [t0, t1, t2, t3, reason] = rest else {
            return None;
        };
        let revoked_at = i64::from(u32::from_be_bytes([*t0, *t1, *t2, *t3]));
        (found == key).then_some((revoked_at, Reason::from_code(*reason)))
    }

    fn row(&self, index: usize) -> Option<&[u8]> {
        let row = self.width + ROW_OVERHEAD;
        let start = index.checked_mul(row)?;
        self.bytes.get(start..start.checked_add(row)?)
    }
}

/// The integer in all of `wide`; `None` when it does not fit.
fn extend(serial: &[u8], wide: &mut [u8]) -> Option<()> {
    let (sign, octets) = wide.split_at_mut_checked(wide.len().checked_sub(serial.len())?)?;
    let negative = serial.first().is_some_and(|octet| *octet >= 0x80);
    sign.fill(if negative { 0xff } else { 0 });
    octets.copy_from_slice(serial);
    Some(())
}

/// The widest row.
const MAX_ROW: usize = super::MAX_SERIAL + ROW_OVERHEAD;

/// Rows that are sorted at once: 4,096 of them take about 0.3 ms natively.
const RUN: usize = 4_096;

/// A table that is being made: first runs, each sorted when it is full, then
/// merged two by two, so that no step has to sort everything.
#[derive(Debug)]
pub(super) struct Sorting {
    width: usize,
    /// The last run, which is not sorted yet.
    run: Vec<[u8; MAX_ROW]>,
    /// The runs before it.
    runs: Vec<u8>,
    /// Whether all of `runs` is one run already, as most CAs write it.
    in_order: bool,
}

impl Sorting {
    /// Room for this many entries with serial numbers of up to `width` octets.
    pub(super) fn new(entries: usize, width: usize) -> Result<Self, CrlError> {
        Ok(Self {
            width,
            run: reserve(RUN.min(entries))?,
            runs: reserve(entries * (width + ROW_OVERHEAD))?,
            in_order: true,
        })
    }

    /// A serial number wider than `width` is none of a certificate that is
    /// accepted anywhere, and left out: see [`NotCovered::Serial`](super::NotCovered).
    pub(super) fn push(&mut self, entry: &Entry<'_>) {
        let mut row = [0; MAX_ROW];
        let revoked_at = seconds(entry.revoked_at).to_be_bytes();
        let filled = row
            .split_at_mut_checked(self.width)
            .and_then(|(serial, rest)| {
                extend(entry.serial, serial)?;
                rest.get_mut(..4)?.copy_from_slice(&revoked_at);
                *rest.get_mut(4)? = entry.reason.code();
                Some(())
            });
        if filled.is_some() {
            self.run.push(row);
        }
        if self.run.len() == RUN {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.run.sort_unstable();
        let row = self.width + ROW_OVERHEAD;
        let last = self.runs.len().checked_sub(row);
        let last = last.and_then(|start| self.runs.get(start..));
        let first = self.run.first().and_then(|first| first.get(..row));
        if let (Some(last), Some(first)) = (last, first) {
            self.in_order &= last <= first;
        }
        for full in &self.run {
            self.runs
                .extend_from_slice(full.get(..row).unwrap_or_default());
        }
        self.run.clear();
    }

    /// No more entries.
    pub(super) fn merge(mut self) -> Result<Merging, CrlError> {
        self.flush();
        let row = self.width + ROW_OVERHEAD;
        let run = if self.in_order {
            self.runs.len()
        } else {
            RUN * row
        };
        let out = if run < self.runs.len() {
            reserve(self.runs.len())?
        } else {
            Vec::new()
        };
        Ok(Merging {
            width: self.width,
            from: self.runs,
            into: out,
            run,
            pair: 0,
            left: 0,
            right: run,
        })
    }
}

/// Runs that become one. All offsets are in bytes.
#[derive(Debug)]
pub(super) struct Merging {
    width: usize,
    from: Vec<u8>,
    into: Vec<u8>,
    /// Length of a run of `from`.
    run: usize,
    /// The pair of runs in hand.
    pair: usize,
    /// Next row of its left run.
    left: usize,
    /// Next row of its right run.
    right: usize,
}

/// Whether there is more to merge.
#[derive(Debug)]
pub(super) enum Merged {
    More(Merging),
    Done(Rows),
}

impl Merging {
    /// Merges up to this many rows.
    pub(super) fn step(mut self, rows: usize) -> Merged {
        let row = self.width + ROW_OVERHEAD;
        for _ in 0..rows {
            if self.run >= self.from.len() {
                return Merged::Done(Rows::sorted(self.width, self.from));
            }
            let middle = (self.pair + self.run).min(self.from.len());
            let end = (self.pair + 2 * self.run).min(self.from.len());
            let left = self
                .from
                .get(self.left..self.left + row)
                .filter(|_| self.left < middle);
            let right = self
                .from
                .get(self.right..self.right + row)
                .filter(|_| self.right < end);
            match (left, right) {
                (Some(left), right) if right.is_none_or(|right| left <= right) => {
                    self.into.extend_from_slice(left);
                    self.left += row;
                }
                (_, Some(right)) => {
                    self.into.extend_from_slice(right);
                    self.right += row;
                }
                (_, None) => {}
            }
            if self.into.len() == end {
                self.next_pair(end);
            }
        }
        Merged::More(self)
    }

    fn next_pair(&mut self, start: usize) {
        let mut start = start;
        if start >= self.from.len() {
            std::mem::swap(&mut self.from, &mut self.into);
            self.into.clear();
            self.run *= 2;
            start = 0;
        }
        self.pair = start;
        self.left = start;
        self.right = start + self.run;
    }
}

/// Out of memory is an answer here, not the end of the process.
fn reserve<T>(count: usize) -> Result<Vec<T>, CrlError> {
    let mut room = Vec::new();
    room.try_reserve_exact(count)
        .map_err(|_| CrlError::OutOfMemory {
            bytes: count * size_of::<T>(),
        })?;
    Ok(room)
}

/// Four octets reach to the year 2106. The date is for people to read, so that
/// what is beyond may be said as that year's, and what is before 1970 as 1970.
fn seconds(moment: i64) -> u32 {
    u32::try_from(moment.max(0)).unwrap_or(u32::MAX)
}
