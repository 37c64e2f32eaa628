//! What follows from a certificate's status, by the rule's demands.

use super::cause::Cause;
use super::policy::{OnTrouble, RevocationDemands};
use super::verdict::Finding;
use crate::revocation::{Status, Trouble};

/// Seconds that a revocation is kept in a verdict: it does not end, but a hold
/// does.
const KEPT_REVOCATION: i64 = 60;

/// What a status leads to.
#[derive(Debug)]
pub struct LookedUp {
    /// It denies.
    pub finding: Option<Finding>,
    /// It is let through, by the rule.
    pub notice: Option<Finding>,
    /// The first second at which the status could be another.
    pub valid_until: i64,
    /// An answer is on its way.
    pub is_pending: bool,
}

/// The status of a certificate whose issuer could not be verified.
pub fn without_issuer() -> Status {
    Status::None {
        trouble: Trouble::NoSource,
        detail: "nobody can be asked about a certificate whose issuer is not verified".to_owned(),
    }
}

/// What this status leads to.
pub fn look_up(status: Status, demands: &RevocationDemands, now: i64) -> LookedUp {
    let mut looked_up = LookedUp {
        finding: None,
        notice: None,
        valid_until: now,
        is_pending: false,
    };
    let (on_trouble, finding) = match status {
        Status::Good { ask_again, .. } => {
            looked_up.valid_until = ask_again;
            return looked_up;
        }
        Status::Revoked { since, source } => {
            let detail = format!("revoked since {since} (Unix time), by {}", source.as_str());
            looked_up.finding = Some(Finding::new(Cause::CertificateRevoked, detail));
            looked_up.valid_until = now.saturating_add(KEPT_REVOCATION);
            return looked_up;
        }
        Status::Unknown => (
            demands.unknown,
            Finding::new(Cause::RevocationUnknown, "the responder does not know it"),
        ),
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
        OnTrouble::Allow => looked_up.notice = Some(finding),
    }
    looked_up
}
