//! Seconds since the Unix epoch as people read them (RFC 3339).

use std::fmt;

/// A moment in UTC, printed as `2026-06-01T00:00:00Z`; as bare seconds where
/// the year has not four digits.
pub(crate) struct Utc(pub(crate) i64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAY: i64 = 86_400;
        // 9999-12-31T23:59:59Z, the last second of a certificate (RFC 5280
        // section 4.1.2.5).
        if !(0..=253_402_300_799).contains(&self.0) {
            return write!(f, "{}", self.0);
        }
        let second = self.0.rem_euclid(DAY);
        let (year, month, day) = date(self.0.div_euclid(DAY));
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    }
}

/// The Gregorian date of a day since 1970-01-01, counted in years that begin in
/// March, so that the leap day comes last (Hinnant, "chrono-compatible low-level
/// date algorithms").
fn date(day: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097;
    let day = day + 719_468;
    let (era, day) = (day.div_euclid(ERA), day.rem_euclid(ERA));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, turn) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (year + era * 400 + turn, month, day)
}
