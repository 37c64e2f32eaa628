//! `hopguard validate`: every error of a policy, and what is worth knowing.

use std::fmt::Write;
use std::path::PathBuf;

use serde_json::json;

use crate::moment;
use crate::policy::{PolicyFile, Problem, Severity};
use crate::reply::{ERROR, Failure, Format, GOOD, Outcome, Reply, WARNING, painted};

/// Check policies: every error at once, each with its place; and warnings
///
/// The policy is YAML or JSON. Where the plugin wants PEM, the file may name a
/// file instead, in PEM or DER, relative to it: `ca_certificates: { file: ca.pem }`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The policies; - is the standard input
    #[arg(required = true)]
    policies: Vec<PathBuf>,
    /// Judge as of this time (RFC 3339, or a day), instead of now
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    at: Option<i64>,
    /// Warn of certificates that end within so many days
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    expiry_days: u32,
    /// Warnings are findings too: exit with 1
    #[arg(long)]
    strict: bool,
}

pub fn run(arguments: &Arguments, format: Format) -> Outcome {
    let now = arguments.at.unwrap_or_else(moment::now);
    let mut all = Vec::new();
    for path in &arguments.policies {
        let problems = match PolicyFile::read(path)? {
            Err(problem) => vec![problem],
            Ok(file) => match file.check(now) {
                Ok(policy) => file.warnings(&policy, now, arguments.expiry_days),
                Err(problems) => problems,
            },
        };
        all.push((path.display().to_string(), problems));
    }
    let count = |severity| {
        let problems = all.iter().flat_map(|(_, problems)| problems);
        problems.filter(|p| p.severity == severity).count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let has_findings = errors > 0 || arguments.strict && warnings > 0;
    match format {
        Format::Json => {
            let problems: Vec<&Problem> = all.iter().flat_map(|(_, p)| p).collect();
            Reply::json(
                &json!({ "errors": errors, "warnings": warnings, "problems": problems }),
                has_findings,
            )
        }
        Format::Text => {
            let mut reply = Reply::fine(text(&all)?);
            reply.has_findings = has_findings;
            Ok(reply)
        }
    }
}

fn text(all: &[(String, Vec<Problem>)]) -> Result<String, Failure> {
    let mut text = String::new();
    for (file, problems) in all {
        for problem in problems {
            text.push_str(&problem.line());
            text.push('\n');
        }
        let count = |severity| problems.iter().filter(|p| p.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        let verdict = if errors > 0 {
            painted("refused", ERROR).to_string()
        } else if warnings > 0 {
            painted("accepted", WARNING).to_string()
        } else {
            painted("accepted", GOOD).to_string()
        };
        let counted = |n: usize, what: &str| match n {
            1 => format!("1 {what}"),
            _ => format!("{n} {what}s"),
        };
        writeln!(
            text,
            "{file}: {verdict}, {}, {}",
            counted(errors, "error"),
            counted(warnings, "warning")
        )
        .map_err(|error| Failure(error.to_string()))?;
    }
    Ok(text)
}
