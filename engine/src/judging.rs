//! The plugin's decision over a connection's facts.

use std::rc::Rc;

use hopguard::decision::{
    Case, Cause, Certificates, Policy, RuleIndex, Unmatched, Verdict, decide, without_evidence,
};
use hopguard::revocation::{Asked, Looked, Now, Source, Status, Trouble, Unshared};
use hopguard::trust::{Instant, NoHost};

use crate::connection::{Answer, Facts};

/// Seconds for which an answer of the facts is taken to hold.
const ANSWER_HOLDS: i64 = 3_600;

/// A verdict, and what was asked for it.
#[derive(Debug)]
pub struct Judged {
    /// What was decided.
    pub verdict: Verdict,
    /// The certificates that were asked about.
    pub revocation: Vec<AskedAbout>,
}

/// A rule, and why it does not match; nothing where it does.
#[derive(Debug)]
pub struct LookedAt {
    /// Its position.
    pub index: RuleIndex,
    /// Its name.
    pub name: Box<str>,
    /// Whether it is the strict default.
    pub is_default: bool,
    /// The lists of its `match` that do not fit.
    pub unmatched: Vec<Unmatched>,
}

/// A certificate that was asked about.
#[derive(Debug)]
pub struct AskedAbout {
    /// RFC 4514 text.
    pub subject: String,
    /// What is known of it.
    pub status: &'static str,
    /// Who says so.
    pub source: Option<&'static str>,
    /// Why nothing is known.
    pub detail: Option<String>,
    /// Whether the facts say so.
    pub is_given: bool,
}

/// The rules that are looked at, up to the one that matches.
pub fn looked_at(policy: &Policy, facts: &Facts) -> Vec<LookedAt> {
    let rules = policy.rules(facts.direction);
    let candidates = rules.candidates(&facts.connection);
    let rule = rules.first_match(&candidates, &facts.request).0;
    let default = rules.default_rule().0;
    (0..)
        .zip(rules.iter())
        .take_while(|(index, _)| *index <= rule)
        .map(|(index, rule)| LookedAt {
            index,
            name: rule.name.clone(),
            is_default: index == default,
            unmatched: rule.selector.unmatched(&facts.connection, &facts.request),
        })
        .collect()
}

/// Judges as the plugin does that sees the facts for the first time.
pub fn judge(policy: &Policy, mut facts: Facts, now: i64) -> Judged {
    let rules = policy.rules(facts.direction);
    let candidates = rules.candidates(&facts.connection);
    let rule = rules.first_match(&candidates, &facts.request);
    let mut revocation = Vec::new();
    let verdict = if rules.is_read_otherwise(&candidates, &facts.request, rule.0) {
        let detail = "its path can be read in two ways, and each has another rule";
        without_evidence(rules.default_rule(), Cause::PathAmbiguous, detail)
    } else {
        let case = Case {
            direction: facts.direction,
            facts: &facts.connection,
            request: &facts.request,
            evidence: &facts.evidence,
            now,
        };
        // What the policy itself says of certificates; nobody is asked.
        let sources = &policy.revocation;
        let mut known = sources.store(Rc::new(Unshared), Rc::new(NoHost), || None, false);
        let at = Instant {
            now,
            skew: policy.clock_skew_seconds,
        };
        let shows_staples = policy.revocation.staples.of(facts.direction).is_some();
        let (staple, answer) = (&facts.staple, facts.answer);
        let mut look = |asked: &Rc<Asked>, is_leaf: bool| {
            let staple = staple.as_deref().filter(|_| is_leaf && shows_staples);
            let nanos = u64::try_from(now)
                .unwrap_or(0)
                .saturating_mul(1_000_000_000);
            let mut looked = known.look_up(asked, staple, Now { nanos, at });
            let is_given = looked.status == Status::Pending && answer.is_some();
            if let Some(answer) = answer.filter(|_| is_given) {
                looked.status = status(answer, now);
            }
            revocation.push(asked_about(asked, &looked, is_given));
            looked
        };
        let mut certificates = Certificates::new(Rc::new(NoHost));
        decide(
            &case,
            policy,
            rule,
            &mut certificates,
            &mut facts.certificate,
            &mut look,
        )
    };
    Judged {
        verdict,
        revocation,
    }
}

/// The status that an answer leads to, whoever gave it.
fn status(answer: Answer, now: i64) -> Status {
    let source = Source::OcspResponder;
    let none = |trouble| Status::None {
        trouble,
        detail: "so the facts say".to_owned(),
    };
    match answer {
        Answer::Good => Status::Good {
            ask_again: now.saturating_add(ANSWER_HOLDS),
            source,
        },
        Answer::Revoked => Status::Revoked { since: now, source },
        Answer::Unknown => Status::Unknown { source },
        Answer::Unreachable => none(Trouble::Unreachable),
        Answer::Invalid => none(Trouble::Invalid),
        Answer::Stale => none(Trouble::Stale),
    }
}

fn asked_about(asked: &Asked, looked: &Looked, is_given: bool) -> AskedAbout {
    let (status, source, detail) = match &looked.status {
        Status::Good { source, .. } => ("good", Some(*source), None),
        Status::Revoked { source, .. } => ("revoked", Some(*source), None),
        Status::Unknown { source } => ("unknown", Some(*source), None),
        Status::None { trouble, detail } => (trouble.as_str(), None, Some(detail.clone())),
        Status::Pending => ("pending", None, None),
    };
    AskedAbout {
        subject: asked.certificate().subject().to_owned(),
        status,
        source: source.filter(|_| !is_given).map(Source::as_str),
        detail,
        is_given,
    }
}
