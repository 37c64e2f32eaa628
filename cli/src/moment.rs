//! Times, in seconds since the Unix epoch, as people write and read them.

use std::time::{SystemTime, UNIX_EPOCH};

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

/// Reads `2027-01-31T12:00:00Z` or `2027-01-31` (its first second, UTC).
///
/// # Errors
/// A sentence, where the text is neither.
pub fn parse(text: &str) -> Result<i64, String> {
    let day = || Date::parse(text, format_description!("[year]-[month]-[day]"));
    OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| day().map(|day| day.midnight().assume_utc()))
        .map(OffsetDateTime::unix_timestamp)
        .map_err(|_| format!("{text:?} is no time; write 2027-01-31T12:00:00Z or 2027-01-31"))
}

/// As RFC 3339 has it, in UTC; bare seconds where it has no such year.
pub fn text(seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_else(|| seconds.to_string())
}

/// This moment, by the machine's clock.
pub fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|d| i64::try_from(d.as_secs()).ok())
        .unwrap_or(0)
}

/// `in 3 days`, `3 days ago`.
pub fn distance(from: i64, to: i64) -> String {
    let days = to.abs_diff(from) / 86_400;
    let count = match days {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        _ => format!("{days} days"),
    };
    if to >= from {
        format!("in {count}")
    } else {
        format!("{count} ago")
    }
}
