//! The verdict on a connection, and how it came about.

use hopguard::decision::{
    Finding, Outcome, Policy, Requirement, Unmatched, UsedWaiver, Verdict, WaiverState,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::connection::Facts;
use crate::judging::{AskedAbout, LookedAt, judge, looked_at};
use crate::text::{clean, hex, moment, perhaps};

/// The verdict, and how it came about.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// The moment as of which it was judged, in seconds since the Unix epoch.
    #[serde(serialize_with = "moment")]
    pub time: i64,
    /// `downstream` or `upstream`.
    pub direction: &'static str,
    /// What was decided.
    #[serde(flatten)]
    pub verdict: VerdictSight,
    /// The rules that were looked at, up to the one that matches.
    pub rules: Vec<RuleSight>,
    /// What the rule's `require` says; `null` for the strict default.
    pub require: Value,
    /// Certificates that were asked about.
    pub revocation: Vec<StatusSight>,
}

/// What was decided.
#[derive(Debug, Serialize)]
pub struct VerdictSight {
    /// As events have it.
    #[serde(serialize_with = "as_events_have_it")]
    pub outcome: Outcome,
    /// The name of the rule that decided.
    pub rule: String,
    /// What is found wanting.
    pub findings: Vec<FindingSight>,
    /// What is worth knowing, and denies nothing.
    pub notices: Vec<FindingSight>,
    /// An answer is awaited, and this is the verdict if none comes.
    pub is_pending: bool,
    /// When another verdict could come out, with the same facts; `None` for never, and where
    /// it has to be asked each time.
    #[serde(serialize_with = "perhaps")]
    pub valid_until: Option<i64>,
    /// The certificate that was judged, where it was read.
    #[serde(skip)]
    pub certificate: Option<CertificateSight>,
}

/// Which certificate a verdict is about.
#[derive(Debug)]
pub struct CertificateSight {
    /// RFC 4514 text.
    pub subject: String,
    /// 64 hexadecimal digits, lower case.
    pub sha256: String,
}

/// A rule that was looked at.
#[derive(Debug, Serialize)]
pub struct RuleSight {
    /// Its place in the policy, as `upstream[3]`, or `default`.
    pub path: String,
    /// Its name.
    pub name: String,
    /// Whether it is about this connection.
    pub matches: bool,
    /// Why it is not.
    pub unmatched: Vec<UnmatchedSight>,
}

/// A list of a rule's `match` that does not fit.
#[derive(Debug, Serialize)]
pub struct UnmatchedSight {
    /// The list's name in the policy.
    pub field: &'static str,
    /// Its patterns.
    pub patterns: Vec<String>,
    /// The fact; `None` where the connection does not show it.
    pub value: Option<String>,
}

/// A demand that is not met, or a thing to know.
#[derive(Debug, Serialize)]
pub struct FindingSight {
    /// The code of events.
    pub cause: &'static str,
    /// The control of ASVS 4.0.
    #[serde(serialize_with = "by_name")]
    pub control: Requirement,
    /// The weakness, as `CWE-295`.
    pub cwe: &'static str,
    /// What the code means.
    pub meaning: &'static str,
    /// The compared values.
    pub detail: String,
    /// What a waiver for its control is worth.
    pub waiver: Option<WaiverSight>,
}

/// The waiver that a finding met.
#[derive(Debug, Serialize)]
pub struct WaiverSight {
    /// Its last day.
    pub until: String,
    /// Why, in the operator's words.
    pub reason: String,
    /// What it is worth.
    #[serde(serialize_with = "in_words")]
    pub state: WaiverState,
}

/// What is known of a certificate's revocation.
#[derive(Debug, Serialize)]
pub struct StatusSight {
    /// RFC 4514 text.
    pub subject: String,
    /// `good`, `revoked`, `unknown`, `pending`, or the trouble.
    pub status: &'static str,
    /// Who says so.
    pub source: Option<&'static str>,
    /// Why nothing is known.
    pub detail: Option<String>,
    /// It is the one that the facts give.
    pub is_given: bool,
}

/// Judges.
pub fn decide(policy: &Policy, facts: Facts, now: i64) -> VerdictSight {
    verdict(&judge(policy, facts, now).verdict, now)
}

/// Judges, and tells how. `document` is the policy as JSON.
pub fn explain(policy: &Policy, document: &Value, facts: Facts, now: i64) -> Explanation {
    let side = facts.direction.as_str();
    let rules = looked_at(policy, &facts);
    let judged = judge(policy, facts, now);
    let require = document.pointer(&format!("/{side}/{}", judged.verdict.rule_index));
    Explanation {
        time: now,
        direction: side,
        verdict: verdict(&judged.verdict, now),
        rules: rules.iter().map(|rule| seen(rule, side)).collect(),
        require: require.map_or(Value::Null, |rule| {
            rule.get("require").cloned().unwrap_or_else(|| json!({}))
        }),
        revocation: judged.revocation.iter().map(status).collect(),
    }
}

fn verdict(verdict: &Verdict, now: i64) -> VerdictSight {
    VerdictSight {
        outcome: verdict.outcome,
        rule: verdict.rule.name.to_string(),
        findings: verdict.findings.iter().map(finding).collect(),
        notices: verdict.notices.iter().map(finding).collect(),
        is_pending: verdict.is_pending,
        valid_until: valid_until(verdict, now),
        certificate: verdict.certificate.as_ref().map(|read| CertificateSight {
            subject: clean(&read.subject),
            sha256: hex(&read.sha256),
        }),
    }
}

fn seen(rule: &LookedAt, side: &str) -> RuleSight {
    RuleSight {
        path: match rule.is_default {
            true => "default".to_owned(),
            false => format!("{side}[{}]", rule.index),
        },
        name: rule.name.to_string(),
        matches: rule.unmatched.is_empty(),
        unmatched: rule.unmatched.iter().map(unmatched).collect(),
    }
}

fn unmatched(unmatched: &Unmatched) -> UnmatchedSight {
    UnmatchedSight {
        field: unmatched.field,
        patterns: unmatched.patterns.clone(),
        value: unmatched.value.as_deref().map(clean),
    }
}

fn finding(finding: &Finding) -> FindingSight {
    FindingSight {
        cause: finding.cause.code(),
        control: finding.requirement,
        cwe: finding.requirement.cwe(),
        meaning: finding.cause.meaning(),
        detail: clean(&finding.detail),
        waiver: finding.waiver.as_ref().map(waiver),
    }
}

fn waiver(waiver: &UsedWaiver) -> WaiverSight {
    WaiverSight {
        until: waiver.until.to_string(),
        reason: clean(&waiver.reason),
        state: waiver.state,
    }
}

fn status(asked: &AskedAbout) -> StatusSight {
    StatusSight {
        subject: clean(&asked.subject),
        status: asked.status,
        source: asked.source,
        detail: asked.detail.as_deref().map(clean),
        is_given: asked.is_given,
    }
}

fn valid_until(verdict: &Verdict, now: i64) -> Option<i64> {
    let is_moment = verdict.valid_until > now && verdict.valid_until < i64::MAX;
    is_moment.then_some(verdict.valid_until)
}

fn as_events_have_it<S: serde::Serializer>(outcome: &Outcome, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(outcome.as_str())
}

fn by_name<S: serde::Serializer>(control: &Requirement, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(control.as_str())
}

fn in_words<S: serde::Serializer>(state: &WaiverState, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(worth(*state))
}

/// What a waiver is worth, in a word.
pub const fn worth(state: WaiverState) -> &'static str {
    match state {
        WaiverState::Active => "active",
        WaiverState::NearEnd => "near_end",
        WaiverState::Expired => "expired",
    }
}
