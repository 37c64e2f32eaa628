//! An audit for people.

use std::fmt::{self, Write};

use hopguard::decision::Requirement;

use super::Audit;
use super::hop::State;
use super::rules::Level;
use crate::reply::{ERROR, FAINT, Failure, GOOD, HEADING, WARNING, clean, painted};

pub fn text(audit: &Audit) -> Result<String, Failure> {
    let mut text = String::new();
    hops(&mut text, audit)
        .and_then(|()| findings(&mut text, audit))
        .and_then(|()| summary(&mut text, audit))
        .map_err(|error| Failure(error.to_string()))?;
    Ok(text)
}

fn hops(text: &mut String, audit: &Audit) -> fmt::Result {
    for hop in &audit.hops {
        let heading = format!("{} {}", hop.kind, clean(&hop.name));
        write!(text, "{}:", painted(heading, HEADING))?;
        let facts: Vec<String> = hop
            .facts
            .iter()
            .map(|(name, value)| format!(" {name} {}", clean(value)))
            .collect();
        write!(text, "{}", facts.join(";"))?;
        if !hop.roles.is_empty() {
            let roles: Vec<&str> = hop.roles.iter().map(|role| role.root_id()).collect();
            write!(text, "; hopguard {}", roles.join(", "))?;
        }
        writeln!(text)?;
    }
    writeln!(text)
}

fn findings(text: &mut String, audit: &Audit) -> fmt::Result {
    for (hop, found) in audit.ranked() {
        let style = match found.level {
            Level::Error => ERROR,
            Level::Warning | Level::Unknown => WARNING,
            Level::Note => FAINT,
        };
        let file = clean(&audit.document.name);
        match audit.document.place(&found.path) {
            Some(place) => write!(text, "{file}:{}:{}: ", place.line, place.column)?,
            None => write!(text, "{file}: ")?,
        }
        writeln!(
            text,
            "{}: {} {} {}: {} [{}]",
            painted(found.level.as_str(), style),
            found.rule.control(),
            hop.kind,
            clean(&hop.name),
            clean(&found.detail),
            found.rule.code(),
        )?;
    }
    if audit.hops.iter().any(|hop| !hop.found.is_empty()) {
        writeln!(text)?;
    }
    Ok(())
}

fn summary(text: &mut String, audit: &Audit) -> fmt::Result {
    for (control, states) in audit.summary() {
        let counts: Vec<String> = State::ALL
            .iter()
            .rev()
            .filter_map(|state| {
                let count = states.get(state)?;
                let style = match state {
                    State::NotMet => ERROR,
                    State::Weak | State::Unknown => WARNING,
                    State::Met | State::Guarded => GOOD,
                };
                let count = format!("{count} {}", state.as_str());
                Some(painted(count, style).to_string())
            })
            .collect();
        let counts = match counts.as_slice() {
            [] => "does not apply".to_owned(),
            _ => counts.join(", "),
        };
        writeln!(text, "{control} {}: {counts}", title(control))?;
    }
    writeln!(
        text,
        "{}: {} hops, {} errors, {} warnings, {} unknown",
        clean(&audit.document.name),
        audit.hops.len(),
        audit.count(Level::Error),
        audit.count(Level::Warning),
        audit.count(Level::Unknown)
    )
}

/// What a control is about.
pub const fn title(control: Requirement) -> &'static str {
    match control {
        Requirement::V9_2_1 => "trusted certificates",
        Requirement::V9_2_2 => "TLS on every connection",
        Requirement::V9_2_3 => "authenticated connections",
        Requirement::V9_2_4 => "revocation",
        Requirement::V9_2_5 => "TLS failures are logged",
    }
}
