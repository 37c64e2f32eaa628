//! One hop of the proxy, and what was found of it.

use std::collections::BTreeMap;

use hopguard::decision::Requirement;
use serde::Serialize;

use super::rules::{Level, Rule};
use crate::role::Role;

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    pub rule: Rule,
    /// The rule's, or a note where hopguard makes up for it.
    pub level: Level,
    /// Where in the configuration.
    pub path: String,
    pub detail: String,
}

/// What becomes of a control at a hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing was found.
    Met,
    /// Envoy's configuration does not meet it, and hopguard judges each connection.
    Guarded,
    Unknown,
    /// In part, or something else may make up for it.
    Weak,
    NotMet,
}

impl State {
    pub const ALL: [Self; 5] = [
        Self::Met,
        Self::Guarded,
        Self::Unknown,
        Self::Weak,
        Self::NotMet,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Guarded => "guarded",
            Self::Unknown => "unknown",
            Self::Weak => "weak",
            Self::NotMet => "not met",
        }
    }
}

/// A hop: a filter chain of a listener, a cluster, the admin interface and such.
#[derive(Clone, Debug)]
pub struct Hop {
    pub kind: &'static str,
    pub name: String,
    pub path: String,
    /// What is to be known of it, in the order of telling.
    pub facts: Vec<(&'static str, String)>,
    pub controls: Vec<Requirement>,
    pub roles: Vec<Role>,
    /// hopguard judges its connections, and enforces.
    pub is_guarded: bool,
    pub found: Vec<Found>,
}

impl Hop {
    pub fn new(kind: &'static str, name: String, path: String, controls: &[Requirement]) -> Self {
        Self {
            kind,
            name,
            path,
            facts: Vec::new(),
            controls: controls.to_vec(),
            roles: Vec::new(),
            is_guarded: false,
            found: Vec::new(),
        }
    }

    pub fn fact(&mut self, name: &'static str, value: impl Into<String>) {
        self.facts.push((name, value.into()));
    }

    pub fn find(&mut self, rule: Rule, path: &str, detail: impl Into<String>) {
        self.found.push(Found {
            rule,
            level: rule.level(),
            path: path.to_owned(),
            detail: detail.into(),
        });
    }

    /// Takes back what hopguard makes up for: it demands TLS and a trusted
    /// certificate of every connection, whatever Envoy does.
    pub fn settle(&mut self) {
        if !self.is_guarded {
            return;
        }
        for found in &mut self.found {
            let is_made_up_for = matches!(
                found.rule,
                Rule::PeerNotVerified
                    | Rule::UntrustedAccepted
                    | Rule::ExpiredAccepted
                    | Rule::CaEmpty
                    | Rule::NameNotVerified
                    | Rule::ValidationUnknown
                    | Rule::ClusterPlaintext
                    | Rule::ListenerPlaintext
                    | Rule::TlsTooOld
                    | Rule::Passthrough
            );
            if is_made_up_for {
                found.level = Level::Note;
                found.detail.push_str("; hopguard judges each connection");
            }
        }
    }

    /// What becomes of each control that applies.
    pub fn states(&self) -> BTreeMap<Requirement, State> {
        let found = self.found.iter().map(|found| found.rule.control());
        let controls = self.controls.iter().copied().chain(found);
        controls
            .map(|control| (control, self.state(control)))
            .collect()
    }

    fn state(&self, control: Requirement) -> State {
        let found = self.found.iter().filter(|f| f.rule.control() == control);
        let states = found.map(|found| match found.level {
            Level::Note if found.rule.level() > Level::Note => State::Guarded,
            Level::Note => State::Met,
            Level::Unknown => State::Unknown,
            Level::Warning => State::Weak,
            Level::Error => State::NotMet,
        });
        states.max().unwrap_or(State::Met)
    }
}
