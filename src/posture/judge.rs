//! What is wrong with a certificate at a given time.

use super::condition::{Aspect, Condition, Subject};
use super::listing::{Listed, Staple, Use};
use crate::decision::{Cause, DAY, PostureDemands, Staples};
use crate::trust::Utc;

/// A warning comes no sooner than when this part of the whole time is left, or
/// what is made for a short time would never be without one. Certificates are
/// commonly renewed with a third left, staples with half.
const LAST_PART: i64 = 4;

/// What is demanded of certificates.
#[derive(Clone, Debug)]
pub struct Judge {
    /// Of staples.
    pub demands: PostureDemands,
    /// A certificate with less than this many seconds left is told of.
    pub expiry_warning_seconds: i64,
    /// How far the issuer's clock may be ahead of ours, in seconds.
    pub skew: u32,
}

impl Judge {
    /// What is wrong with this certificate at this time (Unix).
    pub fn conditions(&self, listed: &Listed, now: i64) -> Vec<Condition> {
        let validity = self.validity(listed, now);
        let staple = match listed.key.r#use {
            Use::Presented => self.staple(listed, now),
            Use::Trusted => None,
        };
        let validity = validity.map(|found| (Aspect::Validity, found));
        let staple = staple.map(|found| (Aspect::Staple, found));
        validity
            .into_iter()
            .chain(staple)
            .map(|(aspect, (cause, detail))| Condition {
                aspect,
                subject: Subject::Certificate(listed.key.clone()),
                cause,
                detail,
                names: listed.names.iter().take(MAX_NAMES).cloned().collect(),
                staple: listed.staple,
                count: None,
            })
            .collect()
    }

    fn validity(&self, listed: &Listed, now: i64) -> Option<(Cause, String)> {
        let (from, until) = (listed.key.not_before, listed.key.not_after);
        if until < now {
            let detail = format!("it ended at {}", Utc(until));
            return Some((Cause::CertificateExpired, detail));
        }
        if from > now.saturating_add(i64::from(self.skew)) {
            let detail = format!("it begins at {}", Utc(from));
            return Some((Cause::CertificateNotYetValid, detail));
        }
        let is_near = ends_soon(from, until, self.expiry_warning_seconds, now);
        is_near.then(|| {
            let days = until.saturating_sub(now) / DAY;
            let detail = format!("it ends at {}, {days} days from now", Utc(until));
            (Cause::CertificateNearExpiry, detail)
        })
    }

    fn staple(&self, listed: &Listed, now: i64) -> Option<(Cause, String)> {
        let Some(Staple {
            next_update,
            this_update,
        }) = listed.staple
        else {
            let demanded = self.demands.staples_of(&listed.key.path, &listed.names);
            return (demanded == Staples::Required).then(|| {
                let detail = "it carries no OCSP staple in any TLS context";
                (Cause::StapleMissing, detail.to_owned())
            });
        };
        // Envoy ceases to send it in this very second.
        if next_update <= now {
            let detail = format!("its staple ended at {}", Utc(next_update));
            return Some((Cause::StapleExpired, detail));
        }
        if this_update > now.saturating_add(i64::from(self.skew)) {
            let detail = format!("its staple begins at {}", Utc(this_update));
            return Some((Cause::StapleNotYetValid, detail));
        }
        let warning = self.demands.staple_warning_seconds;
        ends_soon(this_update, next_update, warning, now).then(|| {
            let hours = next_update.saturating_sub(now) / 3_600;
            let detail = format!(
                "its staple ends at {}, {hours} hours from now",
                Utc(next_update)
            );
            (Cause::StapleNearExpiry, detail)
        })
    }
}

/// Names of a certificate that are told.
const MAX_NAMES: usize = 8;

fn ends_soon(from: i64, until: i64, warning: i64, now: i64) -> bool {
    let left = until.saturating_sub(now);
    left < warning.min(until.saturating_sub(from) / LAST_PART)
}
