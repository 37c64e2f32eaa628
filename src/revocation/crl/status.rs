//! What the lists say of one certificate (RFC 5280 section 6.3.3).

use super::Crl;
use super::entry::{MAX_SERIAL, Reason, shortest};
use super::error::CrlError;
use super::shared::Gone;
use crate::revocation::sources::{Reasons, Sources, SourcesError};
use crate::trust::{Certificate, Instant};

/// Why there is no list for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotCovered {
    /// None is of its issuer's name and key.
    NoList,
    /// Its issuer's lists are for other certificates: of other distribution
    /// points, or of CAs only.
    Partition,
    /// The lists leave out these reasons (onlySomeReasons): it may be revoked
    /// for one of them.
    Reasons(Reasons),
    /// Its serial number is longer than 20 octets, which no list is read for.
    Serial,
    /// Its distribution points cannot be read.
    Sources(SourcesError),
}

/// What the lists say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CrlStatus<'c> {
    /// Lists that are fresh cover it for every reason, and it is on none.
    Good {
        /// The list that ends first.
        list: &'c Crl,
        /// The last second at which these lists say so.
        valid_until: i64,
    },
    /// It is on a list.
    Revoked {
        /// That list.
        list: &'c Crl,
        /// When, in seconds since the epoch; for people to read.
        revoked_at: i64,
        /// Why; for people to read.
        reason: Reason,
        /// The last second at which the list says so; it need not be fresh.
        valid_until: i64,
    },
    /// It is covered, but by a list that is no longer, or not yet, to be used.
    Stale {
        /// That list.
        list: &'c Crl,
        /// [`CrlError::Expired`] or [`CrlError::NotYetValid`].
        error: CrlError,
    },
    /// It is covered by a shared list, of which another has taken the place since
    /// it was looked up.
    Gone,
    /// There is no list for it.
    NotCovered(NotCovered),
}

/// What these lists say of `leaf`, which `issuer` issued.
///
/// All of them are asked, not only the first that fits: on one list is revoked.
/// That holds for a list that has expired, too. A revocation does not end with
/// the list that told it, and whoever wants it to end could keep the next list
/// away; only a newer list that replaces the old one undoes a hold.
pub fn status<'c>(
    crls: &[&'c Crl],
    leaf: &Certificate,
    issuer: &Certificate,
    at: Instant,
) -> CrlStatus<'c> {
    if shortest(leaf.serial()).len() > MAX_SERIAL {
        return CrlStatus::NotCovered(NotCovered::Serial);
    }
    let sources = Sources::of(leaf);
    // Unread, they still leave the lists that are for every certificate.
    let points = match &sources {
        Ok(sources) => sources.distribution_points(),
        Err(_) => &[],
    };
    let mut of_issuer = false;
    let mut covered = Reasons::NONE;
    let mut good: Option<&'c Crl> = None;
    let mut stale = None;
    let mut revoked = None;
    let mut is_gone = false;
    for &list in crls {
        if leaf.issuer_der() != issuer.subject_der() || !list.is_of(issuer) {
            continue;
        }
        of_issuer = true;
        let reasons = list.scope.reasons_for(leaf, points);
        if reasons.is_empty() {
            continue;
        }
        let fresh = list.check_time(at);
        match list.find(leaf.serial()) {
            Ok(Some(entry)) if revoked.is_none() || fresh.is_ok() => {
                revoked = Some((list, entry));
            }
            Ok(_) => {}
            Err(Gone) => {
                is_gone = true;
                continue;
            }
        }
        match fresh {
            Ok(()) => {
                covered = covered.union(reasons);
                good = match good {
                    Some(known) if known.next_update <= list.next_update => Some(known),
                    _ => Some(list),
                };
            }
            Err(error) => stale = Some((list, error)),
        }
    }
    if let Some((list, (revoked_at, reason))) = revoked {
        return CrlStatus::Revoked {
            list,
            revoked_at,
            reason,
            valid_until: list.valid_until(at.skew),
        };
    }
    if is_gone {
        return CrlStatus::Gone;
    }
    if let Err(error) = sources {
        return CrlStatus::NotCovered(NotCovered::Sources(error));
    }
    match (good, stale) {
        (Some(list), _) if covered == Reasons::ALL => CrlStatus::Good {
            list,
            valid_until: list.valid_until(at.skew),
        },
        (_, Some((list, error))) => CrlStatus::Stale { list, error },
        (Some(_), None) => CrlStatus::NotCovered(NotCovered::Reasons(covered.missing())),
        (None, None) if of_issuer => CrlStatus::NotCovered(NotCovered::Partition),
        (None, None) => CrlStatus::NotCovered(NotCovered::NoList),
    }
}
