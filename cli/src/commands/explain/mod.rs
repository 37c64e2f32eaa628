//! `hopguard explain`: why a connection is let through or denied.

mod text;

use std::path::PathBuf;

use hopguard::decision::Outcome as Decision;
use hopguard_engine::explanation::explain;

use crate::facts::Given;
use crate::moment;
use crate::policy::checked;
use crate::reply::{Format, Outcome, Reply};

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

pub fn run(arguments: &Arguments, format: Format) -> Outcome {
    let given = Given::read(&arguments.facts)?;
    let now = arguments.at.or(given.time).unwrap_or_else(moment::now);
    let checked = match checked(&arguments.policy, now, format)? {
        Ok(checked) => checked,
        Err(reply) => return Ok(reply),
    };
    let explanation = explain(&checked.policy, &checked.file.document, given.facts, now);
    let is_denied = matches!(
        explanation.verdict.outcome,
        Decision::Deny | Decision::WouldDeny
    );
    if format == Format::Json {
        return Reply::json(&explanation, is_denied);
    }
    let mut reply = Reply::fine(text::text(&explanation)?);
    reply.has_findings = is_denied;
    Ok(reply)
}
