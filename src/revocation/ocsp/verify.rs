//! From the bytes of a response to the status of a certificate (RFC 6960
//! section 3.2).

use std::cmp::Ordering;

use super::error::{Invalid, OcspError, TimeField};
use super::nonce::{self, NonceDemand};
use super::question::Question;
use super::response::BasicResponse;
use super::signed::{Check, Signed};
use super::signer::{Entitled, Search, Signer};
use super::single_response::{CertStatus, SingleResponse};
use crate::trust::signature::{self, SignatureVerifier};
use crate::trust::{Instant, KeyRequirements};

/// What is demanded of an answer beyond RFC 6960.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demands {
    /// How old an answer may be that does not say when the next one comes. Such
    /// a responder has "newer revocation information available all the time".
    pub max_age_seconds: u32,
    /// What is expected of the nonce.
    pub nonce: NonceDemand,
    /// How strong a delegate's key must be; the issuer's was judged with its
    /// path.
    pub keys: KeyRequirements,
}

impl Default for Demands {
    fn default() -> Self {
        Self {
            // A day, which is what a CA may take to revoke the certificate of a
            // stolen key (CA/B Forum Baseline Requirements section 4.9.1.1).
            max_age_seconds: 86_400,
            nonce: NonceDemand::NotSent,
            keys: KeyRequirements::default(),
        }
    }
}

/// A verified answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The certificate's status.
    pub status: CertStatus,
    /// When the status was known to be true.
    pub this_update: i64,
    /// By when there will be news, if the responder says.
    pub next_update: Option<i64>,
    /// When it was signed.
    pub produced_at: i64,
    /// The first second at which it must not be used any more: the end of the
    /// status or of the signer's certificate, the clock skew granted.
    pub valid_until: i64,
    /// Who signed.
    pub signed_by: Signer,
}

impl Answer {
    /// Whether this answer may take the place of `known`, one to the same
    /// question: an older one, replayed, must not; of the same age, the worse.
    pub fn may_replace(&self, known: &Self) -> bool {
        match self.this_update.cmp(&known.this_update) {
            Ordering::Less => false,
            Ordering::Equal => self.status.compare_severity(known.status).is_ge(),
            Ordering::Greater => true,
        }
    }
}

/// What the response, the body of an HTTP 200 of type
/// [`RESPONSE_TYPE`](super::RESPONSE_TYPE), says about the question at this
/// moment.
///
/// # Errors
///
/// See [`OcspError`]; none of them is signed. What is cheap is looked at first:
/// form, match, times, nonce, then the signer.
///
/// ```
/// use hopguard::revocation::ocsp::{self, CertStatus, Demands, OcspError, Question};
/// use hopguard::trust::{Certificate, Instant, NoHost, VerifiedChain};
///
/// fn is_good(
///     leaf: &Certificate,
///     chain: &VerifiedChain,
///     response: &[u8],
///     at: Instant,
/// ) -> Result<bool, OcspError> {
///     let Some(question) = Question::of(leaf, chain) else {
///         return Ok(true); // pinned
///     };
///     let answer = ocsp::verify(response, &question, &Demands::default(), &NoHost, at)?;
///     assert!(at.now < answer.valid_until);
///     Ok(answer.status == CertStatus::Good)
/// }
/// ```
pub fn verify(
    response: &[u8],
    question: &Question<'_>,
    demands: &Demands,
    verifier: &dyn SignatureVerifier,
    at: Instant,
) -> Result<Answer, OcspError> {
    let check = |spki: &[u8], signed: &Signed<'_>| {
        let (algorithm, message) = (signed.algorithm, signed.message);
        signature::check(verifier, spki, algorithm, message, signed.signature)
    };
    verify_by(response, question, demands, &check, at)
}

/// The same with another way of checking signatures, so that tests can check
/// what no production code does: SHA-1.
pub(super) fn verify_by(
    response: &[u8],
    question: &Question<'_>,
    demands: &Demands,
    check: Check<'_>,
    at: Instant,
) -> Result<Answer, OcspError> {
    let response = BasicResponse::parse(response)?;
    response.extensions.check_critical()?;
    nonce::check(&demands.nonce, response.extensions.nonce).map_err(Invalid::Nonce)?;
    let dated = most_severe(&response, question, demands, at)?.ok_or(OcspError::NoMatch)?;
    dated.check(at)?;
    check_begun(TimeField::ProducedAt, response.produced_at, at)?;
    let search = Search {
        question,
        keys: &demands.keys,
        at,
        check,
    };
    let Entitled {
        signer,
        not_before,
        not_after,
    } = search.run(&response)?;
    let (produced_at, skew) = (response.produced_at, i64::from(at.skew));
    if produced_at.saturating_add(skew) < not_before || produced_at.saturating_sub(skew) > not_after
    {
        return Err(OcspError::Invalid(Invalid::ProducedOutsideSigner {
            produced_at,
            not_before,
            not_after,
        }));
    }
    let valid_until = dated.end.min(after(not_after, at));
    check_not_over(valid_until, at)?;
    Ok(Answer {
        status: dated.single.status,
        this_update: dated.single.this_update,
        next_update: dated.single.next_update,
        produced_at,
        valid_until,
        signed_by: signer,
    })
}

/// A status and its first second of no use.
struct Dated<'r> {
    single: &'r SingleResponse<'r>,
    end: i64,
}

/// Of the statuses of this certificate the most severe; of equals the one that
/// ends first.
fn most_severe<'r>(
    response: &'r BasicResponse<'r>,
    question: &Question<'_>,
    demands: &Demands,
    at: Instant,
) -> Result<Option<Dated<'r>>, Invalid> {
    let mut worst: Option<Dated<'r>> = None;
    for single in &response.responses {
        if !question.is_about(&single.cert_id) {
            continue;
        }
        single.extensions.check_critical()?;
        let dated = Dated::new(single, demands, at)?;
        let worse = worst.as_ref().is_none_or(|worst| {
            let severity = single.status.compare_severity(worst.single.status);
            severity.then(worst.end.cmp(&dated.end)).is_gt()
        });
        if worse {
            worst = Some(dated);
        }
    }
    Ok(worst)
}

impl<'r> Dated<'r> {
    fn new(
        single: &'r SingleResponse<'r>,
        demands: &Demands,
        at: Instant,
    ) -> Result<Self, Invalid> {
        let this_update = single.this_update;
        let end = match single.next_update {
            Some(next_update) if next_update < this_update => {
                return Err(Invalid::NextUpdateBeforeThisUpdate {
                    this_update,
                    next_update,
                });
            }
            // Section 3.2 number 6: nextUpdate "is greater than the current
            // time", so at that second it is over.
            Some(next_update) => next_update.saturating_add(i64::from(at.skew)),
            None => after(
                this_update.saturating_add(i64::from(demands.max_age_seconds)),
                at,
            ),
        };
        Ok(Self { single, end })
    }

    fn check(&self, at: Instant) -> Result<(), OcspError> {
        check_begun(TimeField::ThisUpdate, self.single.this_update, at)?;
        check_not_over(self.end, at)
    }
}

/// The first second after `last` and the skew.
fn after(last: i64, at: Instant) -> i64 {
    last.saturating_add(i64::from(at.skew)).saturating_add(1)
}

fn check_begun(field: TimeField, from: i64, at: Instant) -> Result<(), OcspError> {
    if at.now.saturating_add(i64::from(at.skew)) < from {
        let now = at.now;
        Err(OcspError::NotYetValid { field, from, now })
    } else {
        Ok(())
    }
}

fn check_not_over(valid_until: i64, at: Instant) -> Result<(), OcspError> {
    if at.now < valid_until {
        Ok(())
    } else {
        Err(OcspError::Stale {
            valid_until,
            now: at.now,
        })
    }
}
