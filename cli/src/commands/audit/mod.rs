//! `hopguard audit`: the posture of a whole configuration of Envoy.

mod clusters;
mod hop;
mod listeners;
mod logs;
mod plugin;
mod rules;
mod sarif;
mod services;
mod text;
mod tls;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hopguard::decision::Requirement;
use serde_json::{Value, json};

use self::hop::{Found, Hop, State};
use self::listeners::Tcp;
use self::rules::Level;
use crate::envoy::{Config, put_discovered, uses};
use crate::moment;
use crate::policy::{Place, PolicyFile, read_text};
use crate::reply::{Failure, Format, Outcome, Reply, clean};

/// Bytes of a configuration in JSON: a dump of ten thousand clusters has some 50 MB.
const MAX_JSON: u64 = 256 << 20;

/// Audit a whole configuration of Envoy against ASVS 4.0 V9.2: each listener,
/// cluster, and connection of Envoy's own
///
/// The configuration is what Envoy starts with (YAML or JSON), or what /config_dump
/// of its admin interface shows. Nothing is connected to, and no file that it names
/// is read. The exit code is 1 where a control is not met.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The configuration; - is the standard input
    config: PathBuf,
    /// Print SARIF 2.1.0, as code scanning takes it
    #[arg(long)]
    sarif: bool,
    /// What is weak or unknown is a finding, too: exit with 1
    #[arg(long)]
    strict: bool,
    /// Judge policies as of this time (RFC 3339, or a day), instead of now
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    at: Option<i64>,
}

/// A document, and where its values stand.
struct Document {
    name: String,
    value: Value,
    /// None for JSON.
    source: Option<PolicyFile>,
}

/// What was found in a document.
struct Audit {
    document: Document,
    kind: &'static str,
    hops: Vec<Hop>,
}

pub fn run(arguments: &Arguments, format: Format) -> Outcome {
    let mut document = Document::read(&arguments.config)?;
    put_discovered(&mut document.value);
    let now = arguments.at.unwrap_or_else(moment::now);
    let (kind, hops) = audit(&document, now)?;
    let audit = Audit {
        document,
        kind,
        hops,
    };
    let worst = audit.hops.iter().flat_map(|hop| hop.states().into_values());
    let tolerated = if arguments.strict {
        State::Guarded
    } else {
        State::Weak
    };
    let has_findings = worst.max().is_some_and(|worst| worst > tolerated);
    if arguments.sarif {
        return Reply::json(&sarif::log(&audit), has_findings);
    }
    match format {
        Format::Json => Reply::json(&audit.json(), has_findings),
        Format::Text => {
            let mut reply = Reply::fine(text::text(&audit)?);
            reply.has_findings = has_findings;
            Ok(reply)
        }
    }
}

fn audit(document: &Document, now: i64) -> Result<(&'static str, Vec<Hop>), Failure> {
    let config = Config::of(&document.value).ok_or_else(|| {
        Failure(format!(
            "{}: it is neither a configuration of Envoy nor a config_dump",
            document.name
        ))
    })?;
    let uses = uses(&crate::envoy::At::root(&document.value));
    let mut tcp = Tcp::default();
    let mut hops = listeners::hops(&config, &mut tcp, now);
    let own = services::own_certificates(&config, &hops, now);
    hops.extend(clusters::hops(&config, &uses, &tcp, now));
    hops.extend(services::hops(&config, &uses));
    hops.extend(own);
    if hops.is_empty() {
        return Err(Failure(format!(
            "{}: there is no listener, cluster or admin interface in it",
            document.name
        )));
    }
    Ok((config.kind, hops))
}

impl Document {
    fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let is_json = |text: &str| text.trim_start().starts_with('{');
        let has_name = |e: &str| path.extension().is_some_and(|x| x.eq_ignore_ascii_case(e));
        if has_name("json") {
            let text = read_text(path, MAX_JSON)?;
            let value = if is_json(&text) {
                serde_json::from_str(&text)
            } else {
                Ok(Value::Null)
            };
            let value = value.map_err(|e| Failure(format!("{name}: it is no JSON: {e}")))?;
            let source = None;
            return Ok(Self {
                name,
                value,
                source,
            });
        }
        match PolicyFile::read(path)? {
            Ok(source) => Ok(Self {
                name,
                value: source.document.clone(),
                source: Some(source),
            }),
            Err(problem) => Err(Failure(format!(
                "{name}:{}:{}: {}",
                problem.place.line, problem.place.column, problem.message
            ))),
        }
    }

    /// Where a value stands; nothing in JSON, and for what is not there.
    fn place(&self, path: &str) -> Option<Place> {
        let source = self.source.as_ref().filter(|_| !path.is_empty())?;
        Some(source.place(path))
    }
}

impl Audit {
    /// Of each control, how many hops are in which state.
    fn summary(&self) -> BTreeMap<Requirement, BTreeMap<State, usize>> {
        let mut summary: BTreeMap<Requirement, BTreeMap<State, usize>> = BTreeMap::new();
        for control in Requirement::ALL {
            summary.entry(control).or_default();
        }
        for hop in &self.hops {
            for (control, state) in hop.states() {
                *summary
                    .entry(control)
                    .or_default()
                    .entry(state)
                    .or_default() += 1;
            }
        }
        summary
    }

    fn json(&self) -> Value {
        let controls = self.summary().into_iter().map(|(control, states)| {
            let count = |state: State| {
                let name = state.as_str().replace(' ', "_");
                (name, json!(states.get(&state).copied().unwrap_or(0)))
            };
            let counts: serde_json::Map<_, _> = State::ALL.map(count).into_iter().collect();
            (control.as_str().to_owned(), Value::from(counts))
        });
        let controls: serde_json::Map<_, _> = controls.collect();
        let hops: Vec<Value> = self.hops.iter().map(|hop| self.hop(hop)).collect();
        json!({ "file": self.document.name, "kind": self.kind, "controls": controls, "hops": hops })
    }

    fn hop(&self, hop: &Hop) -> Value {
        let facts: serde_json::Map<String, Value> = hop
            .facts
            .iter()
            .map(|(name, value)| ((*name).to_owned(), clean(value).into()))
            .collect();
        let states = hop.states();
        let states: BTreeMap<&str, State> = states
            .iter()
            .map(|(control, state)| (control.as_str(), *state))
            .collect();
        let roles: Vec<&str> = hop.roles.iter().map(|role| role.root_id()).collect();
        let found: Vec<Value> = hop.found.iter().map(|found| self.found(found)).collect();
        json!({
            "kind": hop.kind,
            "name": clean(&hop.name),
            "path": hop.path,
            "facts": facts,
            "hopguard": { "roles": roles, "guards": hop.is_guarded },
            "controls": states,
            "findings": found,
        })
    }

    fn found(&self, found: &Found) -> Value {
        let place = self.document.place(&found.path);
        json!({
            "rule": found.rule.code(),
            "control": found.rule.control().as_str(),
            "cwe": found.rule.control().cwe(),
            "level": found.level,
            "path": clean(&found.path),
            "line": place.as_ref().map(|p| p.line),
            "column": place.as_ref().map(|p| p.column),
            "meaning": found.rule.meaning(),
            "detail": clean(&found.detail),
        })
    }

    /// All that was found, the gravest first, with its hop.
    fn ranked(&self) -> Vec<(&Hop, &Found)> {
        let all = self
            .hops
            .iter()
            .flat_map(|hop| hop.found.iter().map(move |f| (hop, f)));
        let mut all: Vec<(&Hop, &Found)> = all.collect();
        all.sort_by_key(|(_, found)| std::cmp::Reverse(found.level));
        all
    }

    fn count(&self, level: Level) -> usize {
        let all = self.hops.iter().flat_map(|hop| &hop.found);
        all.filter(|found| found.level == level).count()
    }
}
