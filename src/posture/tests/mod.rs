//! What Envoy answered, and what is made of it. `envoy/` has the answers of real
//! Envoys with two listeners (one of which has a staple) and two clusters (one of
//! which was given one), after a client asked both listeners for a staple.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails may panic"
)]

mod answers;
mod conditions;
mod news;

use super::{Judge, Listing, timestamp};
use crate::decision::{DAY, PostureDemands, StapleException, Staples};
use crate::trust::glob::Glob;

const HOUR: i64 = 3_600;
/// `/certs` and `/stats` of each version.
const ENVOYS: [(&str, &str, &str); 4] = [
    (
        "1.36.4",
        include_str!("envoy/certs-1.36.4.json"),
        include_str!("envoy/stats-1.36.4.json"),
    ),
    (
        "1.37.0",
        include_str!("envoy/certs-1.37.0.json"),
        include_str!("envoy/stats-1.37.0.json"),
    ),
    (
        "1.39.3",
        include_str!("envoy/certs-1.39.3.json"),
        include_str!("envoy/stats-1.39.3.json"),
    ),
    (
        "1.40.0",
        include_str!("envoy/certs-1.40.0.json"),
        include_str!("envoy/stats-1.40.0.json"),
    ),
];

fn time(text: &str) -> i64 {
    timestamp::seconds(text).unwrap()
}

/// Warns two weeks before a certificate's end, and a day before a staple's.
fn judge(staples: Staples) -> Judge {
    Judge {
        demands: PostureDemands {
            cluster: "admin".into(),
            authority: "admin".into(),
            interval_seconds: 60,
            timeout_ms: 5_000,
            staples,
            staple_exceptions: Vec::new(),
            staple_warning_seconds: DAY,
        },
        expiry_warning_seconds: 14 * DAY,
        skew: 300,
    }
}

fn exception(names: &[&str], paths: &[&str]) -> StapleException {
    StapleException {
        names: names.iter().map(|n| Glob::parse_flat(n).unwrap()).collect(),
        paths: paths.iter().map(|p| Glob::parse(p).unwrap()).collect(),
    }
}

/// A certificate in an answer: its times relative to [`NOW`].
struct Made {
    path: &'static str,
    names: &'static [&'static str],
    valid: (i64, i64),
    staple: Option<(i64, i64)>,
    is_ca: bool,
}

const NOW: i64 = 1_780_272_000;

impl Made {
    /// In the middle of 90 days, with a staple in the middle of a week.
    const fn good(path: &'static str) -> Self {
        Self {
            path,
            names: &["api.test"],
            valid: (-45 * DAY, 45 * DAY),
            staple: Some((-3 * DAY, 4 * DAY)),
            is_ca: false,
        }
    }

    const fn ca(path: &'static str, valid: (i64, i64)) -> Self {
        Self {
            valid,
            staple: None,
            is_ca: true,
            ..Self::good(path)
        }
    }
}

fn json(certificates: &[Made]) -> String {
    let utc = |seconds: i64| crate::trust::Utc(NOW + seconds).to_string();
    let entries: Vec<_> = certificates
        .iter()
        .map(|c| {
            let names: Vec<_> = c
                .names
                .iter()
                .map(|n| serde_json::json!({ "dns": n }))
                .collect();
            let mut details = serde_json::json!({
                "path": c.path, "serial_number": "0a", "subject_alt_names": names,
                "days_until_expiration": "1",
                "valid_from": utc(c.valid.0), "expiration_time": utc(c.valid.1),
            });
            if let Some((from, until)) = c.staple {
                details["ocsp_details"] =
                    serde_json::json!({ "valid_from": utc(from), "expiration": utc(until) });
            }
            let list = if c.is_ca { "ca_cert" } else { "cert_chain" };
            serde_json::json!({ list: [details] })
        })
        .collect();
    serde_json::json!({ "certificates": entries }).to_string()
}

fn listing(certificates: &[Made]) -> Listing {
    Listing::read(json(certificates).as_bytes()).unwrap()
}
