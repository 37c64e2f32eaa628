//! What follows from a certificate's status, by the rule's demands.

use std::rc::Rc;

use super::cause::Cause;
use super::sources::{OnTrouble, RevocationDemands};
use super::verdict::Finding;
use crate::revocation::{Asked, Looked, Staple, Status, Trouble};

/// Seconds that a revocation is kept in a verdict: it does not end, but a hold does,
/// and then not much later than the list or the answer says so.
const KEPT_REVOCATION: i64 = 5;

/// What the status of a certificate, or of several, leads to.
#[derive(Debug)]
pub struct LookedUp {
    /// It denies.
    pub finding: Option<Finding>,
    /// What is let through, by the rule.
    pub notices: Vec<Finding>,
    /// The first second at which the status could be another.
    pub valid_until: i64,
    /// An answer is on its way.
    pub is_pending: bool,
}

/// What follows where nobody can be asked, for the issuer is not verified.
pub fn without_issuer(demands: &RevocationDemands, now: i64) -> LookedUp {
    let status = Status::None {
        trouble: Trouble::NoSource,
        detail: "nobody can be asked about a certificate whose issuer is not verified".to_owned(),
    };
    LookedUp::of(status, demands, now)
}

/// What follows from the status of these certificates, the leaf first.
pub fn look_up(
    asked: &[Rc<Asked>],
    demands: &RevocationDemands,
    look: &mut dyn FnMut(&Rc<Asked>, bool) -> Looked,
    now: i64,
) -> LookedUp {
    let mut all = LookedUp {
        finding: None,
        notices: Vec::new(),
        valid_until: i64::MAX,
        is_pending: false,
    };
    for (index, asked) in asked.iter().enumerate() {
        let is_leaf = index == 0;
        let looked = look(asked, is_leaf);
        let mut one = LookedUp::of(looked.status, demands, now);
        let names_ca = |finding: &mut Finding| {
            if !is_leaf {
                let subject = asked.certificate().subject();
                finding.detail = format!("CA {subject}: {}", finding.detail);
            }
        };
        one.finding.iter_mut().for_each(names_ca);
        one.notices.iter_mut().for_each(names_ca);
        if is_leaf && demands.staple_required && !one.is_known() {
            one.demand(looked.staple, now);
        }
        all.and(one);
    }
    all
}

/// Whether it is denied, and not only for want of an answer.
const fn is_certain(looked_up: &LookedUp) -> bool {
    looked_up.finding.is_some() && !looked_up.is_pending
}

impl LookedUp {
    fn of(status: Status, demands: &RevocationDemands, now: i64) -> Self {
        let mut looked_up = Self {
            finding: None,
            notices: Vec::new(),
            valid_until: now,
            is_pending: false,
        };
        let (on_trouble, finding) = match status {
            Status::Good { ask_again, .. } => {
                looked_up.valid_until = ask_again;
                return looked_up;
            }
            Status::Revoked { since, source } => {
                let detail = format!("revoked since {since} (Unix time)");
                let finding = Finding::new(Cause::CertificateRevoked, detail);
                looked_up.finding = Some(finding.of_source(source));
                looked_up.valid_until = now.saturating_add(KEPT_REVOCATION);
                return looked_up;
            }
            Status::Unknown { source } => {
                let finding =
                    Finding::new(Cause::RevocationUnknown, "the responder does not know it");
                (demands.unknown, finding.of_source(source))
            }
            Status::None { trouble, detail } => {
                let (on_trouble, cause) = match trouble {
                    Trouble::NoSource => (demands.no_source, Cause::RevocationNoSource),
                    Trouble::Unreachable => (demands.unreachable, Cause::RevocationUnreachable),
                    Trouble::Invalid => (demands.invalid, Cause::RevocationInvalid),
                    Trouble::Stale => (demands.stale, Cause::RevocationStale),
                };
                (on_trouble, Finding::new(cause, detail))
            }
            Status::Pending => {
                looked_up.is_pending = true;
                (
                    demands.unreachable,
                    Finding::new(Cause::RevocationUnreachable, "no answer yet"),
                )
            }
        };
        match on_trouble {
            OnTrouble::Deny => looked_up.finding = Some(finding),
            OnTrouble::Allow => looked_up.notices.push(finding),
        }
        looked_up
    }

    /// Whether it is denied for what is known of the certificate, and not for want
    /// of an answer: then it does not matter whether there was a staple.
    fn is_known(&self) -> bool {
        let causes = [Cause::CertificateRevoked, Cause::RevocationUnknown];
        self.finding
            .as_ref()
            .is_some_and(|finding| causes.contains(&finding.cause))
    }

    /// Demands that there was a staple.
    fn demand(&mut self, staple: Staple, now: i64) {
        let detail = match staple {
            Staple::Holds => return,
            Staple::Absent => "there is no stapled OCSP response".to_owned(),
            Staple::Refused(_, detail) => format!("the stapled OCSP response: {detail}"),
        };
        self.finding = Some(Finding::new(Cause::RevocationStapleMissing, detail));
        self.notices.clear();
        self.valid_until = now;
        self.is_pending = false;
    }

    /// Joins what follows from another certificate's: what denies for certain
    /// comes first.
    fn and(&mut self, other: Self) {
        self.valid_until = self.valid_until.min(other.valid_until);
        if is_certain(self) {
            return;
        }
        if is_certain(&other) {
            self.finding = other.finding;
            self.is_pending = false;
            return;
        }
        self.is_pending |= other.is_pending;
        self.finding = self.finding.take().or(other.finding);
        self.notices.extend(other.notices);
    }
}
