//! An explanation for people.

use std::fmt::{self, Write};

use hopguard::decision::Outcome;
use hopguard_engine::explanation::{Explanation, FindingSight, UnmatchedSight, worth};

use crate::moment;
use crate::reply::{ERROR, FAINT, Failure, GOOD, HEADING, WARNING, painted};

pub fn text(explanation: &Explanation) -> Result<String, Failure> {
    let mut text = String::new();
    print(&mut text, explanation).map_err(|error| Failure(error.to_string()))?;
    Ok(text)
}

fn print(text: &mut String, e: &Explanation) -> fmt::Result {
    let (word, style) = match e.verdict.outcome {
        Outcome::Permit => ("let through", GOOD),
        Outcome::Waived => ("let through by a waiver", WARNING),
        Outcome::WouldDeny => ("let through, for the rule only reports", WARNING),
        Outcome::Deny => ("denied", ERROR),
    };
    writeln!(
        text,
        "{} ({}), {}, by rule {}, as of {}",
        painted(word, style),
        e.verdict.outcome.as_str(),
        e.direction,
        e.verdict.rule,
        moment::text(e.time)
    )?;
    writeln!(text, "{}", painted("rules", HEADING))?;
    for rule in &e.rules {
        write!(text, "  {} {}: ", rule.path, rule.name)?;
        if rule.matches {
            writeln!(text, "matches")?;
        } else {
            let reasons: Vec<String> = rule.unmatched.iter().map(reason).collect();
            writeln!(text, "does not match: {}", reasons.join("; "))?;
        }
    }
    match &e.require {
        serde_json::Value::Null => writeln!(text, "  it is the strict default (docs/policy.md)")?,
        require => writeln!(text, "  require: {require}")?,
    }
    if let Some(certificate) = &e.verdict.certificate {
        writeln!(text, "{}", painted("certificate", HEADING))?;
        writeln!(text, "  subject {}", certificate.subject)?;
        writeln!(text, "  SHA-256 {}", certificate.sha256)?;
    }
    print_revocation(text, e)?;
    print_findings(text, "findings", &e.verdict.findings)?;
    print_findings(text, "notices", &e.verdict.notices)?;
    if let Some(until) = e.verdict.valid_until.map(moment::text) {
        let line = format!("with the same facts, another verdict could come out from {until} on");
        writeln!(text, "{}", painted(line, FAINT))?;
    }
    Ok(())
}

fn print_revocation(text: &mut String, e: &Explanation) -> fmt::Result {
    if e.revocation.is_empty() {
        return Ok(());
    }
    writeln!(text, "{}", painted("revocation", HEADING))?;
    for one in &e.revocation {
        write!(text, "  {}: {}", one.subject, one.status)?;
        match (one.source, &one.detail) {
            (Some(source), _) => write!(text, ", says {source}")?,
            (None, Some(detail)) => write!(text, ", {detail}")?,
            (None, None) if one.is_given => write!(text, ", say the facts")?,
            (None, None) => {}
        }
        writeln!(text)?;
    }
    if e.verdict.is_pending {
        writeln!(
            text,
            "  an answer is awaited: this is the verdict if none comes (revocation_answer in the facts gives one)"
        )?;
    }
    Ok(())
}

fn print_findings(text: &mut String, heading: &str, findings: &[FindingSight]) -> fmt::Result {
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(text, "{}", painted(heading, HEADING))?;
    for finding in findings {
        writeln!(
            text,
            "  {} {}: {}",
            finding.control.as_str(),
            finding.cause,
            finding.detail
        )?;
        writeln!(text, "    {}", painted(finding.meaning, FAINT))?;
        if let Some(waiver) = &finding.waiver {
            writeln!(
                text,
                "    waiver until {} ({}): {}",
                waiver.until,
                waiver.reason,
                worth(waiver.state)
            )?;
        }
    }
    Ok(())
}

fn reason(unmatched: &UnmatchedSight) -> String {
    let patterns = unmatched.patterns.join(", ");
    match &unmatched.value {
        Some(value) => format!("{} are {patterns}, not {value}", unmatched.field),
        None => format!("{} are {patterns}, and there is none", unmatched.field),
    }
}
