//! `hopguard report`: a captured log, as a page for the auditor.

mod chart;
mod counters;
mod events;
mod html;
mod otlp;
mod page;
mod tally;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use hopguard::decision::Requirement;
use serde_json::{Map, Value, json};

use self::counters::Decisions;
use self::events::Log;
use self::tally::{Class, Tally};
use crate::moment;
use crate::reply::{Failure, Format, Outcome, Reply, clean};

/// Turn captured logs into a self-contained page for the auditor
///
/// Reads Envoy's log, or the events alone, one a line, or what the file exporter of an
/// OpenTelemetry collector writes (OTLP in JSON); other lines are left out. Logs may
/// overlap: an event counts once.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The logs; - is the standard input
    #[arg(required = true)]
    logs: Vec<PathBuf>,
    /// Write the page to this file, instead of the standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Counters, too: what /stats of Envoy's admin interface shows
    #[arg(long, value_name = "FILE")]
    stats: Option<PathBuf>,
    /// The title of the page
    #[arg(long, value_name = "TEXT", default_value = "hopguard report")]
    title: String,
    /// Say that the page was made at this time (RFC 3339, or a day), instead of now
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    at: Option<i64>,
}

/// All that the page shows.
struct Report {
    title: String,
    made: i64,
    logs: Vec<Log>,
    tally: Tally,
    decisions: Option<Decisions>,
}

pub fn run(arguments: &Arguments, format: Format) -> Outcome {
    let mut tally = Tally::default();
    let mut seen = HashSet::new();
    let mut logs = Vec::new();
    for path in &arguments.logs {
        logs.push(events::read(path, &mut seen, &mut |event| {
            tally.add(&event)
        })?);
    }
    let decisions = arguments.stats.as_deref().map(counters::read).transpose()?;
    let report = Report {
        title: clean(&arguments.title),
        made: arguments.at.unwrap_or_else(moment::now),
        logs,
        tally,
        decisions,
    };
    let reply = match format {
        Format::Json => Reply::json(&report.json(), false)?,
        Format::Text => Reply::fine(page::page(&report)?),
    };
    match &arguments.output {
        None => Ok(reply),
        Some(path) => {
            write(path, &reply.out)?;
            Ok(Reply::default())
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure(format!("{}: it cannot be written: {error}", path.display())))
}

impl Report {
    fn json(&self) -> Value {
        let controls: Map<String, Value> = Requirement::ALL
            .iter()
            .map(|control| {
                let counts = Class::ALL.map(|class| {
                    let name = json!(class).as_str().unwrap_or_default().to_owned();
                    (name, json!(self.tally.count(*control, class)))
                });
                let counts: Map<String, Value> = counts.into_iter().collect();
                (control.as_str().to_owned(), counts.into())
            })
            .collect();
        let kinds = self.tally.kinds.iter().map(|((control, class, cause), kind)| {
            json!({
                "control": control.as_str(), "class": class, "cause": cause, "count": kind.count,
                "first": moment::text(kind.first), "last": moment::text(kind.last),
                "rules": kind.rules, "places": kind.places,
            })
        });
        let waivers = self.tally.waivers.iter().map(|((rule, control, until), waiver)| {
            json!({
                "rule": rule, "control": control, "until": until, "state": waiver.state,
                "reason": waiver.reason, "count": waiver.count, "last": moment::text(waiver.last),
            })
        });
        let decisions = self.decisions.as_ref().map(|decisions| {
            let decisions = decisions.iter().map(|((verdict, control), count)| {
                json!({ "verdict": verdict, "control": control, "count": count })
            });
            decisions.collect::<Vec<_>>()
        });
        let logs = self.logs.iter().map(|log| {
            json!({
                "name": log.name, "sha256": log.sha256, "lines": log.lines, "events": log.events,
                "repeated": log.repeated, "unreadable": log.unreadable,
            })
        });
        json!({
            "made": moment::text(self.made),
            "period": self.tally.period().map(|(first, last)| [moment::text(first), moment::text(last)]),
            "controls": controls,
            "causes": kinds.collect::<Vec<_>>(),
            "waivers": waivers.collect::<Vec<_>>(),
            "posture": self.tally.conditions.iter().map(|c| json!({
                "cause": c.cause, "subject": c.subject, "began": c.began.map(moment::text), "ended": c.ended.map(moment::text),
            })).collect::<Vec<_>>(),
            "decisions": decisions,
            "unknown_events": self.tally.strange,
            "logs": logs.collect::<Vec<_>>(),
        })
    }
}
