//! What was decided, and why.

use std::rc::Rc;

use super::cause::Cause;
use super::certificates::CertificateSummary;
use super::policy::{Rule, RuleIndex};
use super::requirement::Requirement;
use super::waiver::WaiverState;
use crate::revocation::Source;

/// What happens to the connection or request, in ascending gravity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing was found.
    Permit,
    /// Something was found, and a waiver covers all of it.
    Waived,
    /// Something was found, and the rule only reports.
    WouldDeny,
    /// Something was found.
    Deny,
}

impl Outcome {
    /// The name used in events, metrics and filter state.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Waived => "waived",
            Self::WouldDeny => "would_deny",
            Self::Deny => "deny",
        }
    }

    /// The outcome of this name.
    pub fn parse(name: &[u8]) -> Option<Self> {
        [Self::Permit, Self::Waived, Self::WouldDeny, Self::Deny]
            .into_iter()
            .find(|o| o.as_str().as_bytes() == name)
    }
}

/// One demand that was not met, or one thing to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The control it belongs to.
    pub requirement: Requirement,
    /// The stable code.
    pub cause: Cause,
    /// The compared values, in one sentence. For the log only.
    pub detail: String,
    /// What a waiver for its control is worth, where the rule has one.
    pub waiver: Option<UsedWaiver>,
    /// Who says so, where it is about revocation.
    pub source: Option<Source>,
}

/// The waiver that a finding met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedWaiver {
    /// Its last day, `YYYY-MM-DD`.
    pub until: Box<str>,
    /// Its reason.
    pub reason: Box<str>,
    /// Its state when the verdict was made.
    pub state: WaiverState,
}

impl Finding {
    /// The same, said by this source.
    pub const fn of_source(mut self, source: Source) -> Self {
        self.source = Some(source);
        self
    }

    /// A finding of this cause under the cause's own control.
    pub fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self {
            requirement: cause.requirement(),
            cause,
            detail: detail.into(),
            waiver: None,
            source: None,
        }
    }

    /// Whether a waiver in force covers it.
    pub fn is_waived(&self) -> bool {
        self.waiver
            .as_ref()
            .is_some_and(|w| w.state != WaiverState::Expired)
    }
}

/// A decision with its reasons.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The rule that decided.
    pub rule: Rc<Rule>,
    /// The rule's position.
    pub rule_index: RuleIndex,
    /// What happens.
    pub outcome: Outcome,
    /// Demands that were not met, waived ones included.
    pub findings: Vec<Finding>,
    /// Things to know that deny nothing.
    pub notices: Vec<Finding>,
    /// The peer's certificate, where it was read.
    pub certificate: Option<Rc<CertificateSummary>>,
    /// The first second (Unix time) at which another verdict could come out.
    pub valid_until: i64,
    /// Whether the certificate is revoked is being asked for: this is the verdict
    /// for the case that no answer comes.
    pub is_pending: bool,
}

impl Verdict {
    /// The finding that names the verdict: the first that no waiver covers,
    /// else the first.
    pub fn primary(&self) -> Option<&Finding> {
        self.findings
            .iter()
            .find(|f| !f.is_waived())
            .or_else(|| self.findings.first())
    }
}
