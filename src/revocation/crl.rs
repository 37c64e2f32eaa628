//! Certificate revocation lists (RFC 5280 sections 5 and 6.3).
//!
//! A [`Crl`] is proof: only [`Loading`] makes one, of a list that one of the
//! given issuers signed. Reading order:
//!
//! | module | concept |
//! |---|---|
//! | [`loading`] | from bytes to a list, in steps that end soon |
//! | [`limits`] | how large a list may be, and how long a step |
//! | [`mod@status`] | what several lists say of one certificate |
//! | [`error`] | every cause for which a list is not used |
//! | `head`, `extensions`, `entry`, `number`, `time`, [`pem`] | what a list is made of |
//! | `signer`, `prehash` | whose key must have signed it, and whether it did |
//! | `scope` | of which certificates it speaks |
//! | `rows` | its entries, sorted |
//! | [`shared`] | its entries in memory that all workers share |
//!
//! Entries are read by the strict reader of the trust layer, not by x509-parser:
//! that one allocates for every entry at once, which cannot be done in steps.
//! Delta CRLs and indirect CRLs are refused by name.

use crate::trust::{Certificate, Instant, SignatureVerifier};

mod cursor;
mod entry;
pub mod error;
mod extensions;
mod head;
pub mod limits;
pub mod loading;
mod number;
pub mod pem;
mod prehash;
mod rows;
mod scope;
pub mod shared;
mod signer;
pub mod status;
mod time;

#[cfg(test)]
pub(crate) mod tests;

pub use entry::{MAX_SERIAL, Reason};
pub use error::CrlError;
pub use limits::{Budget, Limits};
pub use loading::{Loading, Progress};
pub use number::CrlNumber;
pub use rows::ROW_OVERHEAD;
pub use status::{CrlStatus, NotCovered, status};

use rows::Rows;
use scope::Scope;
use shared::{Gone, Table};

/// A list that its issuer signed.
///
/// Its memory is that of its entries, where it is not [`shared`]: for each, as
/// many octets as the longest
/// serial number of the list has, and [`ROW_OVERHEAD`] more. While it is loaded,
/// its bytes come on top, and less than 1 MiB: a million entries with serial
/// numbers of 20 octets and reasons take 78 MB then, and 25 MB for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crl {
    issuer: Vec<u8>,
    issuer_name: String,
    /// SHA-256 of the `SubjectPublicKeyInfo` that signed it.
    signer: [u8; 32],
    number: CrlNumber,
    this_update: i64,
    next_update: i64,
    scope: Scope,
    /// The list without entries and signature.
    bare: Vec<u8>,
    count: usize,
    entries: Entries,
}

/// Where the entries are.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entries {
    /// In this worker's memory.
    Own(Rows),
    /// In the process's, for all workers.
    Shared(Table),
}

impl Crl {
    /// As [`Loading`], in one go: for small lists, and for whoever may wait.
    ///
    /// # Errors
    ///
    /// Every [`CrlError`] but those of a list that this one is to replace.
    pub fn load(
        bytes: Vec<u8>,
        issuers: &[&Certificate],
        at: Instant,
        limits: Limits,
        host: &dyn SignatureVerifier,
    ) -> Result<Self, CrlError> {
        let mut loading = Loading::new(bytes, issuers, at, limits)?;
        loop {
            match loading.step(Budget::UNLIMITED, host) {
                Progress::More(rest) => loading = rest,
                Progress::Done(crl) => return Ok(crl),
                Progress::Failed(error) => return Err(error),
            }
        }
    }

    /// The issuer as text, bounded, for people.
    pub fn issuer(&self) -> &str {
        &self.issuer_name
    }

    /// The issuer's DER `Name`.
    pub fn issuer_der(&self) -> &[u8] {
        &self.issuer
    }

    /// Its number, which later lists exceed.
    pub fn number(&self) -> CrlNumber {
        self.number
    }

    /// When it was made, in seconds since the Unix epoch.
    pub fn this_update(&self) -> i64 {
        self.this_update
    }

    /// When the next one is due, in seconds since the Unix epoch.
    pub fn next_update(&self) -> i64 {
        self.next_update
    }

    /// How many certificates it revokes.
    pub fn entries(&self) -> usize {
        self.count
    }

    /// Bytes of this worker's memory that its entries take.
    pub fn memory(&self) -> usize {
        match &self.entries {
            Entries::Own(rows) => rows.capacity(),
            Entries::Shared(table) => table.memory(),
        }
    }

    /// Whether its entries are in the memory that all workers share.
    pub fn is_shared(&self) -> bool {
        matches!(self.entries, Entries::Shared(_))
    }

    /// When, and why, the certificate of this serial number was revoked.
    fn find(&self, serial: &[u8]) -> Result<Option<(i64, Reason)>, Gone> {
        match &self.entries {
            Entries::Own(rows) => Ok(rows.find(serial)),
            Entries::Shared(table) => table.find(serial),
        }
    }

    /// Whether this certificate's name and key issued it.
    pub fn is_of(&self, issuer: &Certificate) -> bool {
        self.signer == *issuer.spki_sha256() && self.issuer == issuer.subject_der()
    }

    /// Whether it is to be used at this moment.
    ///
    /// # Errors
    ///
    /// [`CrlError::Expired`] or [`CrlError::NotYetValid`].
    pub fn check_time(&self, at: Instant) -> Result<(), CrlError> {
        check_time(self.this_update, self.next_update, at)
    }

    /// The last second of its use, grace included.
    pub fn valid_until(&self, skew: u32) -> i64 {
        self.next_update.saturating_add(i64::from(skew))
    }

    /// Whether it is `old` once more, to which it is a successor
    /// ([`check_replaces`](Self::check_replaces)).
    pub fn is_same(&self, old: &Self) -> bool {
        self.number == old.number && self.this_update == old.this_update
    }

    /// Whether it may take the place of `old`: the next list of the same issuer,
    /// key and scope, or the same list once more. Else an attacker could bring
    /// back a list of before a revocation.
    ///
    /// # Errors
    ///
    /// [`CrlError::AnotherList`], [`CrlError::NumberWentBackwards`] or
    /// [`CrlError::TimeWentBackwards`].
    pub fn check_replaces(&self, old: &Self) -> Result<(), CrlError> {
        if self.issuer != old.issuer || self.signer != old.signer || self.scope != old.scope {
            return Err(CrlError::AnotherList);
        }
        if self.number < old.number {
            return Err(CrlError::NumberWentBackwards {
                old: old.number,
                new: self.number,
            });
        }
        if self.this_update < old.this_update {
            return Err(CrlError::TimeWentBackwards {
                old: old.this_update,
                new: self.this_update,
            });
        }
        Ok(())
    }
}

/// From thisUpdate through nextUpdate, both inclusive, with grace at both ends
/// for clocks that differ.
fn check_time(this_update: i64, next_update: i64, at: Instant) -> Result<(), CrlError> {
    let (now, skew) = (at.now, i64::from(at.skew));
    if now.saturating_sub(skew) > next_update {
        return Err(CrlError::Expired { next_update, now });
    }
    if now.saturating_add(skew) < this_update {
        return Err(CrlError::NotYetValid { this_update, now });
    }
    Ok(())
}
