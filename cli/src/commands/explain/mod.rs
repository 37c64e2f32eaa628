//! `hopguard explain`: why a connection is let through or denied.

mod judging;
mod text;

use std::path::PathBuf;

use hopguard::decision::{Finding, Outcome as Decision, Unmatched, Verdict, WaiverState};
use serde::Serialize;
use serde_json::{Value, json};

use self::judging::{Judged, judge};
use crate::certificate::hex;
use crate::facts::Facts;
use crate::moment;
use crate::policy::checked;
use crate::reply::{Format, Outcome, Reply, clean};

/// Tell why a connection or request is let through or denied: rule by rule,
/// finding by finding
///
/// The facts are what the connection shows, in YAML or JSON (docs/cli.md). The
/// exit code is 1 where they are denied, or would be.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The policy; - is the standard input
    #[arg(long, value_name = "POLICY")]
    policy: PathBuf,
    /// What the connection shows
    #[arg(long, value_name = "FACTS")]
    facts: PathBuf,
    /// Judge as of this time (RFC 3339, or a day), instead of the facts' own, or
    /// now
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    at: Option<i64>,
}

/// The verdict, and how it came about.
#[derive(Debug, Serialize)]
struct Explanation {
    time: String,
    direction: &'static str,
    /// As events have it.
    outcome: &'static str,
    rule: String,
    /// The rules that were looked at, up to the one that matches.
    rules: Vec<RuleSight>,
    /// What the rule's `require` says; `null` for the strict default.
    require: Value,
    findings: Vec<FindingSight>,
    notices: Vec<FindingSight>,
    /// Certificates that were asked about.
    revocation: Vec<StatusSight>,
    /// An answer is awaited, and this is the verdict if none comes.
    is_pending: bool,
    /// When another verdict could come out, with the same facts; `null` for never.
    valid_until: Option<String>,
}

#[derive(Debug, Serialize)]
struct RuleSight {
    path: String,
    name: String,
    matches: bool,
    unmatched: Vec<UnmatchedSight>,
}

#[derive(Debug, Serialize)]
struct UnmatchedSight {
    field: &'static str,
    patterns: Vec<String>,
    value: Option<String>,
}

#[derive(Debug, Serialize)]
struct FindingSight {
    /// The code of events.
    cause: &'static str,
    control: &'static str,
    cwe: &'static str,
    meaning: &'static str,
    detail: String,
    waiver: Option<WaiverSight>,
}

#[derive(Debug, Serialize)]
struct WaiverSight {
    until: String,
    reason: String,
    state: &'static str,
}

#[derive(Debug, Serialize)]
struct StatusSight {
    subject: String,
    status: &'static str,
    source: Option<&'static str>,
    detail: Option<String>,
    /// It is the one that the facts give.
    is_given: bool,
}

pub fn run(arguments: &Arguments, format: Format) -> Outcome {
    let facts = Facts::read(&arguments.facts)?;
    let now = arguments.at.or(facts.time).unwrap_or_else(moment::now);
    let checked = match checked(&arguments.policy, now, format)? {
        Ok(checked) => checked,
        Err(reply) => return Ok(reply),
    };
    let judged = judge(&checked.policy, facts, now);
    let explanation = explanation(&judged, &checked.file.document, now);
    let is_denied = matches!(judged.verdict.outcome, Decision::Deny | Decision::WouldDeny);
    if format == Format::Json {
        return Reply::json(&explanation, is_denied);
    }
    let mut reply = Reply::fine(text::text(&explanation, &judged.verdict)?);
    reply.has_findings = is_denied;
    Ok(reply)
}

fn explanation(judged: &Judged, document: &Value, now: i64) -> Explanation {
    let Judged {
        verdict,
        direction,
        rules,
        revocation,
    } = judged;
    let side = direction.as_str();
    let require = document.pointer(&format!("/{side}/{}", verdict.rule_index));
    Explanation {
        time: moment::text(now),
        direction: side,
        outcome: verdict.outcome.as_str(),
        rule: verdict.rule.name.to_string(),
        rules: rules
            .iter()
            .map(|rule| RuleSight {
                path: match rule.is_default {
                    true => "default".to_owned(),
                    false => format!("{side}[{}]", rule.index),
                },
                name: rule.name.to_string(),
                matches: rule.unmatched.is_empty(),
                unmatched: rule.unmatched.iter().map(unmatched).collect(),
            })
            .collect(),
        require: require.map_or(Value::Null, |rule| {
            rule.get("require").cloned().unwrap_or_else(|| json!({}))
        }),
        findings: verdict.findings.iter().map(finding).collect(),
        notices: verdict.notices.iter().map(finding).collect(),
        revocation: revocation
            .iter()
            .map(|one| StatusSight {
                subject: clean(&one.subject),
                status: one.status,
                source: one.source,
                detail: one.detail.as_deref().map(clean),
                is_given: one.is_given,
            })
            .collect(),
        is_pending: verdict.is_pending,
        valid_until: valid_until(verdict, now),
    }
}

fn valid_until(verdict: &Verdict, now: i64) -> Option<String> {
    let is_moment = verdict.valid_until > now && verdict.valid_until < i64::MAX;
    is_moment.then(|| moment::text(verdict.valid_until))
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
        control: finding.requirement.as_str(),
        cwe: finding.requirement.cwe(),
        meaning: finding.cause.meaning(),
        detail: clean(&finding.detail),
        waiver: finding.waiver.as_ref().map(|waiver| WaiverSight {
            until: waiver.until.to_string(),
            reason: clean(&waiver.reason),
            state: match waiver.state {
                WaiverState::Active => "active",
                WaiverState::NearEnd => "near_end",
                WaiverState::Expired => "expired",
            },
        }),
    }
}

/// The digest of the certificate that the verdict is about, where it was read.
fn digest(verdict: &Verdict) -> Option<String> {
    verdict.certificate.as_ref().map(|c| hex(&c.sha256))
}
