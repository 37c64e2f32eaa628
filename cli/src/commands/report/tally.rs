//! What the events come to.

use std::collections::BTreeMap;

use hopguard::decision::{Cause, Requirement};
use serde::Serialize;

use super::events::Event;

/// What became of a connection, or what was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Not let through.
    Denied,
    /// A TLS connection that did not come about.
    Failed,
    /// Let through, for the rule only reports.
    WouldDeny,
    /// Let through by a waiver.
    Waived,
    /// Let through, or not known at all, for want of evidence.
    Unknown,
    /// Something to look at.
    Warned,
}

impl Class {
    pub const ALL: [Self; 6] = [
        Self::Denied,
        Self::Failed,
        Self::WouldDeny,
        Self::Waived,
        Self::Unknown,
        Self::Warned,
    ];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::WouldDeny => "only reported",
            Self::Waived => "waived",
            Self::Unknown => "unknown",
            Self::Warned => "warned",
        }
    }

    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Denied => "hopguard let nothing through",
            Self::Failed => "the TLS connection did not come about, and the failure was logged",
            Self::WouldDeny => "let through, since the rule has mode: report",
            Self::Waived => "let through by a waiver of the policy",
            Self::Unknown => {
                "let through without evidence, as the rule allows, or not to be watched"
            }
            Self::Warned => "to look at: an end that comes near, or the proxy's own posture",
        }
    }

    /// `None` for what tells nothing new.
    fn of(event: &Event) -> Option<Self> {
        let cause = event.known_cause();
        Some(match event.name.as_str() {
            "hopguard.denied" => Self::Denied,
            "hopguard.would_deny" => Self::WouldDeny,
            "hopguard.tls_failure" => Self::Failed,
            "hopguard.summary" => match event.verdict.as_str() {
                _ if event.control == Requirement::V9_2_5.as_str() => Self::Failed,
                "deny" => Self::Denied,
                "would_deny" => Self::WouldDeny,
                _ => Self::quiet(event, cause),
            },
            "hopguard.warning" | "hopguard.posture" => Self::quiet(event, cause),
            _ => return None,
        })
    }

    /// Of what denied nothing.
    fn quiet(event: &Event, cause: Option<Cause>) -> Self {
        let is_unknown = matches!(
            cause,
            Some(
                Cause::RevocationUnknown
                    | Cause::RevocationNoSource
                    | Cause::RevocationUnreachable
                    | Cause::RevocationInvalid
                    | Cause::RevocationStale
                    | Cause::AdminUnreachable
                    | Cause::AdminAnswerInvalid
            )
        );
        match event.verdict.as_str() {
            _ if is_unknown => Self::Unknown,
            "waived" => Self::Waived,
            _ => Self::Warned,
        }
    }
}

/// One kind of event.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Kind {
    pub count: u64,
    /// Seconds since the Unix epoch.
    pub first: i64,
    pub last: i64,
    /// The rules, clusters and listeners, each once.
    pub rules: Vec<String>,
    pub places: Vec<String>,
    /// Of the last one.
    pub detail: String,
    pub id: String,
}

/// A waiver that events speak of.
#[derive(Clone, Debug, Default, Serialize)]
pub struct WaiverUse {
    pub state: String,
    pub reason: String,
    pub count: u64,
    pub last: i64,
}

/// A condition of the proxy's own posture, and since when it is over.
#[derive(Clone, Debug, Serialize)]
pub struct Condition {
    pub cause: String,
    pub subject: String,
    pub began: Option<i64>,
    pub ended: Option<i64>,
    pub detail: String,
}

/// Kinds of a list that is shown; more are counted only.
pub const SHOWN: usize = 8;

/// All of it.
#[derive(Debug, Default)]
pub struct Tally {
    pub counts: BTreeMap<(Requirement, Class), u64>,
    /// By control, class and the cause's code.
    pub kinds: BTreeMap<(Requirement, Class, String), Kind>,
    /// By rule, control and last day.
    pub waivers: BTreeMap<(String, String, String), WaiverUse>,
    pub conditions: Vec<Condition>,
    /// When how many of which class, of which control.
    pub moments: Vec<(i64, Requirement, Class, u64)>,
    /// Events of a control or kind that this release does not know.
    pub strange: u64,
}

impl Tally {
    pub fn add(&mut self, event: &Event) {
        let Some(time) = event.time() else { return };
        if event.name.starts_with("hopguard.posture") {
            self.condition(event, time);
        }
        if event.name == "hopguard.posture_ended" {
            return;
        }
        let (Some(control), Some(class)) = (event.control(), Class::of(event)) else {
            self.strange += 1;
            return;
        };
        let count = if event.name == "hopguard.summary" {
            event.folded
        } else {
            1
        };
        *self.counts.entry((control, class)).or_default() += count;
        self.moments.push((time, control, class, count));
        for other in event.findings.iter().filter(|other| other.waived) {
            if let Some(control) = Requirement::parse(&other.control) {
                *self.counts.entry((control, Class::Waived)).or_default() += 1;
                self.moments.push((time, control, Class::Waived, 1));
            }
        }
        self.kind((control, class, event.cause.clone()), event, time, count);
        if !event.waiver_until.is_empty() {
            let key = (
                event.rule.clone(),
                event.control.clone(),
                event.waiver_until.clone(),
            );
            let waiver = self.waivers.entry(key).or_default();
            waiver.count += count;
            if time >= waiver.last {
                waiver.last = time;
                waiver.state.clone_from(&event.waiver_state);
                waiver.reason.clone_from(&event.waiver_reason);
            }
        }
    }

    fn kind(&mut self, key: (Requirement, Class, String), event: &Event, time: i64, count: u64) {
        let kind = self.kinds.entry(key).or_insert_with(|| Kind {
            first: time,
            last: time,
            ..Kind::default()
        });
        kind.count += count;
        kind.first = kind.first.min(time);
        add_once(&mut kind.rules, &event.rule);
        let place = if event.cluster.is_empty() {
            &event.listener
        } else {
            &event.cluster
        };
        add_once(&mut kind.places, place);
        if time >= kind.last && !event.detail.is_empty() || kind.detail.is_empty() {
            kind.detail.clone_from(&event.detail);
            kind.id.clone_from(&event.id);
        }
        kind.last = kind.last.max(time);
    }

    fn condition(&mut self, event: &Event, time: i64) {
        let subject = [&event.certificate_path, &event.stat_prefix, &event.cluster];
        let subject = subject.iter().find(|s| !s.is_empty());
        let subject = subject.map(|s| (*s).clone()).unwrap_or_default();
        let is_end = event.name == "hopguard.posture_ended";
        if is_end {
            let open = self.conditions.iter_mut().rev().find(|condition| {
                condition.ended.is_none()
                    && condition.cause == event.cause
                    && condition.subject == subject
            });
            if let Some(condition) = open {
                condition.ended = Some(time);
                return;
            }
        }
        self.conditions.push(Condition {
            cause: event.cause.clone(),
            subject,
            began: (!is_end).then_some(time),
            ended: is_end.then_some(time),
            detail: event.detail.clone(),
        });
    }

    pub fn count(&self, control: Requirement, class: Class) -> u64 {
        self.counts.get(&(control, class)).copied().unwrap_or(0)
    }

    /// The first and the last moment.
    pub fn period(&self) -> Option<(i64, i64)> {
        let times = self.moments.iter().map(|(time, ..)| *time);
        Some((times.clone().min()?, times.max()?))
    }
}

/// One more than is shown says that there are more.
fn add_once(list: &mut Vec<String>, text: &str) {
    if !text.is_empty() && list.len() <= SHOWN && !list.iter().any(|one| one == text) {
        list.push(text.to_owned());
    }
}
