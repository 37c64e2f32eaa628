//! From bytes to a verified list, in steps that end soon.
//!
//! A proxy's worker does nothing else while the plugin computes, and a list may
//! have a million entries. So the list is read once for its head, digested,
//! its signature checked, and only then its entries read and sorted: nothing is
//! kept of a list that its issuer did not sign.

use super::Crl;
use super::Entries;
use super::entry::Entry;
use super::error::{CrlError, malformed};
use super::head::Head;
use super::limits::{Budget, Limits, MAX_ED25519, ONE_GO};
use super::prehash::{self, Hasher};
use super::rows::{Merged, Merging, Sorting};
use super::signer::{self, Signer};
use super::{cursor::Cursor, pem};
use crate::trust::der::tag;
use crate::trust::{Certificate, Instant, SignatureVerifier, TrustError, signature};

/// Rows that are merged in the time in which one entry is read and sorted: 20 ns
/// a row in V8.
const MERGED_PER_ENTRY: usize = 8;

/// How far a list is.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "moved once a step, which takes milliseconds"
)]
pub enum Progress {
    /// There is more to do.
    More(Loading),
    /// Here it is.
    Done(Crl),
    /// It is not to be used.
    Failed(CrlError),
}

/// A list on its way.
///
/// ```
/// use hopguard::revocation::crl::{Budget, Crl, CrlError, Limits, Loading, Progress};
/// use hopguard::trust::{Certificate, Instant, NoHost};
///
/// fn load(bytes: Vec<u8>, issuer: &Certificate, at: Instant) -> Result<Crl, CrlError> {
///     let mut loading = Loading::new(bytes, &[issuer], at, Limits::default())?;
///     loop {
///         // Between two steps, whatever else there is to do.
///         match loading.step(Budget::default(), &NoHost) {
///             Progress::More(rest) => loading = rest,
///             Progress::Done(crl) => return Ok(crl),
///             Progress::Failed(error) => return Err(error),
///         }
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Loading {
    bytes: Vec<u8>,
    head: Head,
    signers: Vec<Signer>,
    entries: usize,
    limits: Limits,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// Digesting the signed part, from this offset on.
    Hash(Hasher, usize),
    /// Trying the signers, from this one on, over this digest if there is one.
    Verify(Option<Vec<u8>>, usize),
    /// Reading the entries, from this offset on, for their number and width.
    Count(usize, usize),
    /// Reading them again, into the table.
    Fill(usize, Sorting),
    /// Sorting the table. The bytes are gone.
    Merge(Merging),
}

enum Next {
    /// The next phase, within the same step.
    Phase(Phase),
    /// The budget is spent.
    Pause(Phase),
    Done(Crl),
}

impl Loading {
    /// Reads everything but the entries of a list in DER or PEM, so that a list
    /// that is not to be used is refused before work is spent on it. `issuers`
    /// are the certificates that may have issued it.
    ///
    /// # Errors
    ///
    /// Every [`CrlError`] but those of the signature, of an entry, and of a list
    /// that this one is to replace.
    pub fn new(
        bytes: Vec<u8>,
        issuers: &[&Certificate],
        at: Instant,
        limits: Limits,
    ) -> Result<Self, CrlError> {
        let bytes = if pem::is_pem(&bytes) {
            pem::single(&bytes)?
        } else {
            bytes
        };
        let too_large = |max: usize| match bytes.len() {
            found if found > max => Err(CrlError::TooLarge {
                what: "bytes",
                found,
                max,
            }),
            _ => Ok(()),
        };
        too_large(limits.bytes)?;
        let head = Head::parse(&bytes)?;
        super::check_time(head.this_update, head.next_update, at)?;
        let signers = signer::candidates(&head, issuers)?;
        let hasher = Hasher::for_algorithm(&head.algorithm).map_err(CrlError::Signature)?;
        let phase = match hasher {
            Some(hasher) if bytes.len() > ONE_GO => Phase::Hash(hasher, head.tbs.start),
            Some(_) => Phase::Verify(None, 0),
            None => {
                too_large(MAX_ED25519)?;
                Phase::Verify(None, 0)
            }
        };
        Ok(Self {
            bytes,
            head,
            signers,
            entries: 0,
            limits,
            phase,
        })
    }

    /// Does a part of the work that is left.
    pub fn step(mut self, budget: Budget, host: &dyn SignatureVerifier) -> Progress {
        let mut left = Budget {
            bytes: budget.bytes.max(1),
            entries: budget.entries.max(1),
        };
        loop {
            // Every arm of `advance` gives the phase back, or ends.
            let phase = std::mem::replace(&mut self.phase, Phase::Verify(None, usize::MAX));
            match self.advance(phase, &mut left, host) {
                Ok(Next::Phase(phase)) => self.phase = phase,
                Ok(Next::Pause(phase)) => {
                    self.phase = phase;
                    return Progress::More(self);
                }
                Ok(Next::Done(crl)) => return Progress::Done(crl),
                Err(error) => return Progress::Failed(error),
            }
        }
    }

    fn advance(
        &mut self,
        phase: Phase,
        left: &mut Budget,
        host: &dyn SignatureVerifier,
    ) -> Result<Next, CrlError> {
        match phase {
            Phase::Hash(hasher, from) => Ok(self.hash(hasher, from, left)),
            Phase::Verify(digest, index) => self.verify(digest, index, host),
            Phase::Count(from, width) => self.count(from, width, left),
            Phase::Fill(from, sorting) => self.fill(from, sorting, left),
            Phase::Merge(merging) => Ok(self.merge(merging, left)),
        }
    }

    fn hash(&self, mut hasher: Hasher, from: usize, left: &mut Budget) -> Next {
        let end = self.head.tbs.end.min(from.saturating_add(left.bytes));
        hasher.update(self.bytes.get(from..end).unwrap_or_default());
        left.bytes = left.bytes.saturating_sub(end.saturating_sub(from));
        if end == self.head.tbs.end {
            Next::Phase(Phase::Verify(Some(hasher.finish()), 0))
        } else {
            Next::Pause(Phase::Hash(hasher, end))
        }
    }

    fn verify(
        &mut self,
        digest: Option<Vec<u8>>,
        index: usize,
        host: &dyn SignatureVerifier,
    ) -> Result<Next, CrlError> {
        let Some(signer) = self.signers.get(index) else {
            return Err(CrlError::Signature(TrustError::SignatureInvalid));
        };
        let signature = self.part(&self.head.signature);
        let algorithm = &self.head.algorithm;
        let checked = match &digest {
            Some(digest) => prehash::check(&signer.spki, algorithm, digest, signature),
            None => {
                let message = self.part(&self.head.tbs);
                signature::check(host, &signer.spki, algorithm, message, signature)
            }
        };
        match checked {
            Ok(()) => {
                let signer = signer.clone();
                self.signers = vec![signer];
                Ok(Next::Phase(Phase::Count(self.head.entries.start, 0)))
            }
            // Another key of the same name may have signed it.
            Err(_) if index.saturating_add(1) < self.signers.len() => {
                Ok(Next::Pause(Phase::Verify(digest, index.saturating_add(1))))
            }
            Err(error) => Err(CrlError::Signature(error)),
        }
    }

    fn count(
        &mut self,
        from: usize,
        mut width: usize,
        left: &mut Budget,
    ) -> Result<Next, CrlError> {
        let mut count = self.entries;
        let max = self.limits.entries;
        let at = self.each(from, left, |entry| {
            count = count.saturating_add(1);
            if count > max {
                return Err(CrlError::TooLarge {
                    what: "entries",
                    found: count,
                    max,
                });
            }
            if entry.serial.len() <= super::MAX_SERIAL {
                width = width.max(entry.serial.len());
            }
            Ok(())
        })?;
        self.entries = count;
        if at < self.head.entries.end {
            return Ok(Next::Pause(Phase::Count(at, width)));
        }
        let sorting = Sorting::new(count, width)?;
        Ok(Next::Phase(Phase::Fill(self.head.entries.start, sorting)))
    }

    fn fill(
        &mut self,
        from: usize,
        mut sorting: Sorting,
        left: &mut Budget,
    ) -> Result<Next, CrlError> {
        let at = self.each(from, left, |entry| {
            sorting.push(entry);
            Ok(())
        })?;
        if at < self.head.entries.end {
            return Ok(Next::Pause(Phase::Fill(at, sorting)));
        }
        // Before the table may double.
        self.bytes = Vec::new();
        Ok(Next::Phase(Phase::Merge(sorting.merge()?)))
    }

    fn merge(&mut self, merging: Merging, left: &mut Budget) -> Next {
        match merging.step(left.entries.saturating_mul(MERGED_PER_ENTRY).max(1)) {
            Merged::More(merging) => Next::Pause(Phase::Merge(merging)),
            Merged::Done(rows) => {
                let signer = self.signers.pop();
                Next::Done(Crl {
                    issuer_name: signer.as_ref().map(|s| s.name.clone()).unwrap_or_default(),
                    signer: signer.map(|s| s.spki_sha256).unwrap_or_default(),
                    issuer: std::mem::take(&mut self.head.issuer),
                    number: self.head.extensions.number,
                    this_update: self.head.this_update,
                    next_update: self.head.next_update,
                    scope: self.head.extensions.scope.clone(),
                    bare: std::mem::take(&mut self.head.bare),
                    count: self.entries,
                    entries: Entries::Own(rows),
                })
            }
        }
    }

    /// Reads entries from this offset on, and says where it stopped.
    fn each(
        &self,
        from: usize,
        left: &mut Budget,
        mut read: impl FnMut(&Entry<'_>) -> Result<(), CrlError>,
    ) -> Result<usize, CrlError> {
        let rest = self.bytes.get(from..self.head.entries.end);
        let mut rest = Cursor::new(rest.unwrap_or_default(), from);
        while left.entries > 0 && !rest.is_empty() {
            let (content, _) = rest.expect(tag::SEQUENCE).map_err(malformed("an entry"))?;
            read(&Entry::parse(content)?)?;
            left.entries = left.entries.saturating_sub(1);
        }
        Ok(rest.at())
    }

    fn part(&self, range: &std::ops::Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }
}
