//! Events about the proxy's own posture, and their numbers.

use serde::Serialize;

use super::event::{Event, Kind};
use super::metrics::{self, Metrics};
use super::text::clean;
use crate::decision::Cause;
use crate::host::{Host, Level};
use crate::posture::{Condition, Listing, News, Staple, Subject, Use, Watch};
use crate::trust::Utc;

/// The fields that only events about the posture have.
#[derive(Debug, Default, Serialize)]
pub struct PostureFields {
    #[serde(
        rename = "hopguard.certificate.use",
        skip_serializing_if = "Option::is_none"
    )]
    r#use: Option<&'static str>,
    #[serde(
        rename = "hopguard.certificate.path",
        skip_serializing_if = "Option::is_none"
    )]
    path: Option<String>,
    #[serde(
        rename = "hopguard.certificate.names",
        skip_serializing_if = "Vec::is_empty"
    )]
    names: Vec<String>,
    #[serde(
        rename = "hopguard.certificate.not_before",
        skip_serializing_if = "Option::is_none"
    )]
    not_before: Option<String>,
    #[serde(
        rename = "hopguard.certificate.not_after",
        skip_serializing_if = "Option::is_none"
    )]
    not_after: Option<String>,
    #[serde(
        rename = "hopguard.staple.this_update",
        skip_serializing_if = "Option::is_none"
    )]
    this_update: Option<String>,
    #[serde(
        rename = "hopguard.staple.next_update",
        skip_serializing_if = "Option::is_none"
    )]
    next_update: Option<String>,
    #[serde(
        rename = "hopguard.listener.stat_prefix",
        skip_serializing_if = "Option::is_none"
    )]
    listener: Option<String>,
    #[serde(
        rename = "hopguard.handshakes",
        skip_serializing_if = "Option::is_none"
    )]
    handshakes: Option<u64>,
}

impl PostureFields {
    fn of(condition: &Condition) -> Self {
        let fields = Self {
            names: condition.names.iter().map(|n| clean(n)).collect(),
            handshakes: condition.count,
            this_update: condition
                .staple
                .map(|s: Staple| Utc(s.this_update).to_string()),
            next_update: condition
                .staple
                .map(|s: Staple| Utc(s.next_update).to_string()),
            ..Self::default()
        };
        match &condition.subject {
            Subject::Page(_) => fields,
            Subject::Listener(name) => Self {
                listener: Some(clean(name)),
                ..fields
            },
            Subject::Certificate(key) => Self {
                r#use: Some(key.r#use.as_str()),
                path: Some(clean(&key.path)),
                not_before: Some(Utc(key.not_before).to_string()),
                not_after: Some(Utc(key.not_after).to_string()),
                ..fields
            },
        }
    }
}

/// The event of something that changed; `cluster` leads to the admin interface.
pub fn event(news: &News, cluster: &str, id: &str, now: u64) -> (Level, Event) {
    let (kind, condition, detail) = match news {
        News::Began(condition) => (Kind::Posture, condition, clean(&condition.detail)),
        News::Ended(condition, why) => (Kind::PostureEnded, condition, clean(why)),
    };
    let level = match (kind, condition.cause) {
        (Kind::PostureEnded, _)
        | (_, Cause::CertificateNearExpiry | Cause::StapleNearExpiry | Cause::StapleOmitted) => {
            Level::Warn
        }
        _ => Level::Error,
    };
    let cluster = match condition.subject {
        Subject::Page(_) => Some(cluster),
        Subject::Listener(_) | Subject::Certificate(_) => None,
    };
    let serial = match &condition.subject {
        Subject::Certificate(key) => Some(key.serial.to_ascii_uppercase()),
        Subject::Page(_) | Subject::Listener(_) => None,
    };
    let fields = PostureFields::of(condition);
    let event = Event::of_posture(kind, condition.cause, detail, id, now, fields)
        .with_cluster(cluster)
        .with_serial(serial.as_deref());
    (level, event)
}

const OF_ANY: &[Option<Use>] = &[Some(Use::Presented), Some(Use::Trusted)];
const OF_PRESENTED: &[Option<Use>] = &[Some(Use::Presented)];
const OF_NONE: &[Option<Use>] = &[None];

/// The causes that a condition of the posture can have, and of which certificates.
const CAUSES: [(Cause, &[Option<Use>]); 11] = [
    (Cause::CertificateExpired, OF_ANY),
    (Cause::CertificateNotYetValid, OF_ANY),
    (Cause::CertificateNearExpiry, OF_ANY),
    (Cause::StapleMissing, OF_PRESENTED),
    (Cause::StapleExpired, OF_PRESENTED),
    (Cause::StapleNotYetValid, OF_PRESENTED),
    (Cause::StapleNearExpiry, OF_PRESENTED),
    (Cause::StapleFailed, OF_NONE),
    (Cause::StapleOmitted, OF_NONE),
    (Cause::AdminUnreachable, OF_NONE),
    (Cause::AdminAnswerInvalid, OF_NONE),
];

/// Sets how many conditions there are, of each cause, so that none is told from
/// not looked.
pub fn gauge_conditions(metrics: &mut Metrics, host: &impl Host, watch: &Watch) {
    for (cause, uses) in CAUSES {
        for r#use in uses {
            let labels = [cause.code(), r#use.map_or("none", Use::as_str)];
            let count = watch.count(cause, *r#use);
            metrics.set(host, &metrics::POSTURE_CONDITIONS, &labels, count);
        }
    }
}

/// Sets how many certificates there are, and when the first one ends.
pub fn gauge_certificates(metrics: &mut Metrics, host: &impl Host, listing: &Listing, now: i64) {
    for r#use in Use::ALL {
        let labels = [r#use.as_str()];
        let count = listing.count(r#use);
        metrics.set(host, &metrics::POSTURE_CERTIFICATES, &labels, count);
        if let Some(days) = listing.first_expiry_days(r#use, now) {
            metrics.set(host, &metrics::POSTURE_FIRST_EXPIRY_DAYS, &labels, days);
        }
    }
}
