//! Verdicts on certificates, kept by rule and digest, so that a certificate
//! that was judged before costs a look-up and nothing else.

use std::rc::Rc;

use super::cause::Cause;
use super::facts::{CertificateSource, Direction};
use super::generations::Generations;
use super::policy::{Names, PeerDemands, RuleIndex};
use crate::revocation::Asked;
use crate::trust::dns::DnsName;
use crate::trust::names::match_any;
use crate::trust::pem::single_certificate;
use crate::trust::{
    Certificate, Instant, Pin, PresentedIdentifier, ReferenceIdentifier, SignatureVerifier,
    TrustError, Usage, VerifiedChain, verify_any,
};

/// Entries in each of the two generations.
///
/// 2 × 2,048: twice the certificates that a gateway with a thousand upstreams
/// and rotating peers sees at once. At no more than [`KEPT`] and 2 KiB for the
/// rest (subject and issuer are cut), the cache stays under 72 MiB for each
/// direction of a root context. An ordinary certificate takes 1 KiB, and 5 KiB
/// where it matters whether it is revoked: 4 and 20 MiB. What is kept to ask
/// about it, a store of its own (`revocation::store`) shares.
const HALF: usize = 2_048;

/// Bytes that are kept with a verdict of a certificate's names, for rules that
/// compare them with each request, and of the certificate itself, to ask whether
/// it is revoked. One with more (only a CA that the policy trusts can issue it)
/// is judged anew for each connection, or request where its names matter: a
/// hundred names of 25 bytes fit.
const KEPT: usize = 16 * 1024;

/// Seconds that a rejection is kept at the longest: a clock that was wrong, or
/// an issuer that was not valid yet, must not deny for the life of a worker.
const KEPT_REJECTION: i64 = 300;

/// What an event tells of a certificate; every text may hold what its owner
/// chose, and is cleaned when it is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateSummary {
    /// RFC 4514 text.
    pub subject: String,
    /// RFC 4514 text.
    pub issuer: String,
    /// Upper-case hexadecimal.
    pub serial: String,
    /// Seconds since the Unix epoch.
    pub not_before: i64,
    /// Seconds since the Unix epoch.
    pub not_after: i64,
    /// SHA-256 of the DER.
    pub sha256: [u8; 32],
}

impl CertificateSummary {
    fn of(certificate: &Certificate) -> Self {
        Self {
            subject: certificate.subject().to_owned(),
            issuer: certificate.issuer().to_owned(),
            serial: certificate.serial_hex(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            sha256: *certificate.sha256(),
        }
    }
}

/// What became of one certificate under one rule.
#[derive(Debug)]
pub struct CertificateVerdict {
    /// Accepted, or why not.
    pub result: Result<(), Rejection>,
    /// The certificate, where it could be read.
    pub summary: Option<Rc<CertificateSummary>>,
    /// Of what it is to be asked whether it is revoked.
    pub asking: Asking,
    /// Whether it says that it is never to be believed without an answer
    /// (must-staple, RFC 7633).
    pub must_staple: bool,
    /// Its names, kept only for rules that compare them with each request.
    names: Vec<PresentedIdentifier>,
    /// The first second at which the result could be another.
    pub valid_until: i64,
}

/// Of which certificates it is to be asked whether they are revoked.
#[derive(Clone, Debug)]
pub enum Asking {
    /// Of none: that is not demanded, or the certificate is pinned.
    None,
    /// Nobody can be asked, for the issuer is not verified.
    WithoutIssuer,
    /// Of these; the leaf is the first.
    Of(Rc<[Rc<Asked>]>),
}

/// Why a certificate was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The stable code.
    pub cause: Cause,
    /// The compared values, in one sentence.
    pub detail: String,
}

impl Rejection {
    fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self {
            cause,
            detail: detail.into(),
        }
    }
}

impl From<TrustError> for Rejection {
    fn from(error: TrustError) -> Self {
        Self {
            cause: Cause::from(&error),
            detail: error.to_string(),
        }
    }
}

/// Look-ups since they were last taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// Found.
    pub hits: u64,
    /// Judged anew.
    pub misses: u64,
    /// Dropped for want of room.
    pub evictions: u64,
}

/// A verdict, and when it was made. A clock that jumped back asks anew: else a
/// rejection of the time before the jump would stay until that time comes again.
#[derive(Clone, Debug)]
struct Kept {
    verdict: Rc<CertificateVerdict>,
    since: i64,
}

/// Judges certificates and remembers.
pub struct Certificates {
    verifier: Rc<dyn SignatureVerifier>,
    cache: Generations<(RuleIndex, [u8; 32]), Kept>,
    counts: CacheCounts,
}

/// The fixed side of a look at a certificate.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Which side the peer is on.
    pub direction: Direction,
    /// The rule that asks; the cache keeps rules apart.
    pub rule: RuleIndex,
    /// What it demands.
    pub demands: &'a PeerDemands,
    /// SHA-256 of the certificate, by the host.
    pub sha256: [u8; 32],
    /// Seconds since the Unix epoch.
    pub now: i64,
    /// Clock skew, in seconds.
    pub skew: u32,
}

impl Certificates {
    /// With this way of checking signatures.
    pub fn new(verifier: Rc<dyn SignatureVerifier>) -> Self {
        Self {
            verifier,
            cache: Generations::new(HALF),
            counts: CacheCounts::default(),
        }
    }

    /// What happened in the cache since the last call.
    pub fn take_counts(&mut self) -> CacheCounts {
        self.counts.evictions += self.cache.take_evicted();
        std::mem::take(&mut self.counts)
    }

    /// The verdict on a certificate, from memory or made now.
    pub fn judge(
        &mut self,
        question: &Question<'_>,
        source: &mut dyn CertificateSource,
    ) -> Rc<CertificateVerdict> {
        let key = (question.rule, question.sha256);
        if let Some(kept) = self.cache.get(&key)
            && (kept.since..kept.verdict.valid_until).contains(&question.now)
        {
            self.counts.hits += 1;
            return kept.verdict;
        }
        self.counts.misses += 1;
        let verdict = Rc::new(self.judge_anew(question, source));
        if question.now < verdict.valid_until && verdict.size() <= KEPT {
            let kept = Kept {
                verdict: Rc::clone(&verdict),
                since: question.now,
            };
            self.cache.insert(key, kept);
        }
        verdict
    }

    fn judge_anew(
        &self,
        question: &Question<'_>,
        source: &mut dyn CertificateSource,
    ) -> CertificateVerdict {
        let Some(pem) = source.certificate(question.demands.forwarded_certificate) else {
            return self.judge_by_digest(question);
        };
        // Not to be remembered: a forwarded header may be broken or another's
        // while the connection's certificate, whose digest is the key, is not.
        let rejected = |rejection: Rejection| CertificateVerdict {
            result: Err(rejection),
            summary: None,
            asking: Asking::WithoutIssuer,
            must_staple: false,
            names: Vec::new(),
            valid_until: question.now,
        };
        let certificate =
            match single_certificate(&pem).and_then(|der: Vec<u8>| Certificate::parse(&der)) {
                Ok(certificate) => certificate,
                Err(error) => return rejected(error.into()),
            };
        if *certificate.sha256() != question.sha256 {
            return rejected(Rejection::new(
                Cause::CertificateDigestMismatch,
                "the certificate's SHA-256 is not the connection's",
            ));
        }
        self.judge_certificate(question, &certificate)
    }

    /// The host shows no more than a digest: a store that pins this digest
    /// can still vouch for it, and one that pins the whole certificate lets us
    /// judge all of it.
    fn judge_by_digest(&self, question: &Question<'_>) -> CertificateVerdict {
        let stores = &question.demands.stores;
        let pins = || stores.iter().filter_map(|s| s.pinned(&question.sha256));
        if let Some(certificate) = pins().find_map(|pin| match pin {
            Pin::Certificate(certificate) => Some(certificate),
            Pin::Digest => None,
        }) {
            return self.judge_certificate(question, certificate);
        }
        let is_pinned = pins().next().is_some();
        let result = if is_pinned && matches!(question.demands.names, Names::Any) {
            Ok(())
        } else {
            Err(Rejection::new(
                Cause::CertificateUnavailable,
                "this Envoy shows the certificate's SHA-256 only",
            ))
        };
        CertificateVerdict {
            result,
            summary: None,
            asking: if is_pinned {
                Asking::None
            } else {
                Asking::WithoutIssuer
            },
            must_staple: false,
            names: Vec::new(),
            // Exposure does not change while a process runs, but a forwarded
            // header may be there next time.
            valid_until: question.now,
        }
    }

    fn judge_certificate(
        &self,
        question: &Question<'_>,
        certificate: &Certificate,
    ) -> CertificateVerdict {
        let demands = question.demands;
        let usage = match question.direction {
            Direction::Downstream => Usage::Client,
            Direction::Upstream => Usage::Server,
        };
        let at = Instant {
            now: question.now,
            skew: question.skew,
        };
        let mut names = Vec::new();
        let mut asking = Asking::WithoutIssuer;
        let must_staple = certificate.must_staple();
        let (result, valid_until) = match verify_any(
            certificate,
            demands.stores.iter().map(Rc::as_ref),
            usage,
            at,
            &demands.keys,
            self.verifier.as_ref(),
        ) {
            Err(error) => {
                let until = question.now.saturating_add(KEPT_REJECTION);
                (Err(error.into()), until)
            }
            Ok((_, chain)) => {
                asking = asking_of(demands, certificate, &chain);
                let result = match &demands.names {
                    Names::Any => Ok(()),
                    Names::OneOf(references) => {
                        compare(certificate.subject_alt_names(), references)
                    }
                    Names::Reference(_) => {
                        names = certificate.subject_alt_names().to_vec();
                        Ok(())
                    }
                };
                (result, chain.changes_at())
            }
        };
        CertificateVerdict {
            result,
            summary: Some(Rc::new(CertificateSummary::of(certificate))),
            asking,
            must_staple,
            names,
            valid_until,
        }
    }
}

/// Of what is to be asked for a trusted leaf.
fn asking_of(demands: &PeerDemands, leaf: &Certificate, chain: &VerifiedChain) -> Asking {
    let by_rule = demands.revocation;
    if by_rule.is_none() && !leaf.must_staple() {
        return Asking::None;
    }
    let Some(asked) = Asked::new(leaf, chain) else {
        return Asking::None;
    };
    let authorities = match by_rule {
        Some(demands) if demands.whole_path => Asked::authorities(chain),
        _ => Vec::new(),
    };
    let all = std::iter::once(asked).chain(authorities);
    Asking::Of(all.map(Rc::new).collect())
}

impl CertificateVerdict {
    /// Bytes of memory that it takes, apart from what is the same for all.
    fn size(&self) -> usize {
        let names = self.names.iter().map(PresentedIdentifier::size);
        let asking = match &self.asking {
            Asking::Of(all) => all.iter().map(|asked| asked.size()).sum(),
            Asking::None | Asking::WithoutIssuer => 0,
        };
        names.sum::<usize>() + asking
    }

    /// Whether the certificate presents the name that the connection or
    /// request was meant for: a host name or an IP address.
    ///
    /// # Errors
    /// The rejection, with both sides of the comparison.
    pub fn presents(&self, reference: Option<&str>) -> Result<(), Rejection> {
        let Some(reference) = reference.filter(|r| !r.is_empty()) else {
            return Err(Rejection::new(
                Cause::ReferenceNameMissing,
                "the connection shows no server name",
            ));
        };
        let reference = match reference.parse() {
            Ok(ip) => ReferenceIdentifier::Ip(ip),
            // Never a pattern: a client chooses the authority.
            Err(_) => DnsName::parse(reference)
                .map(ReferenceIdentifier::Dns)
                .map_err(|e| Rejection::new(Cause::NameMismatch, e.to_string()))?,
        };
        compare(&self.names, std::slice::from_ref(&reference))
    }
}

fn compare(
    presented: &[PresentedIdentifier],
    references: &[ReferenceIdentifier],
) -> Result<(), Rejection> {
    /// Names of each side that a sentence lists.
    const LISTED: usize = 4;
    fn list<T: ToString>(names: &[T]) -> String {
        let mut text = names
            .iter()
            .take(LISTED)
            .map(T::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        if names.len() > LISTED {
            text.push_str(&format!(" and {} more", names.len() - LISTED));
        }
        if text.is_empty() {
            text.push_str("no name");
        }
        text
    }
    match match_any(presented, references) {
        Some(_) => Ok(()),
        None => Err(Rejection::new(
            Cause::NameMismatch,
            format!(
                "the certificate presents {}; demanded is {}",
                list(presented),
                list(references)
            ),
        )),
    }
}
