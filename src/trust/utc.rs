//! Seconds since the Unix epoch as dates, and back.

use std::fmt;

use time::{Date, Month, OffsetDateTime};

/// A moment in UTC, printed as RFC 3339 has it, `2026-06-01T00:00:00Z`; as bare
/// seconds where the year has not four digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utc(
    /// Seconds since the Unix epoch.
    pub i64,
);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match OffsetDateTime::from_unix_timestamp(self.0) {
            Ok(time) if (0..=9999).contains(&time.year()) => {
                let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
                let (hour, minute, second) = time.to_hms();
                write!(
                    f,
                    "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
                )
            }
            _ => write!(f, "{}", self.0),
        }
    }
}

/// The days from 1970-01-01 to a day of the Gregorian calendar; `None` where it has
/// no such day.
pub fn days_since_epoch(year: i64, month: i64, day: i64) -> Option<i64> {
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let year = i32::try_from(year).ok()?;
    let date = Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()?;
    let epoch = OffsetDateTime::UNIX_EPOCH.date();
    Some(i64::from(date.to_julian_day()) - i64::from(epoch.to_julian_day()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_printed_as_dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_799, "2000-02-29T23:59:59Z"),
            (1_780_272_000, "2026-06-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (253_402_300_800, "253402300800"),
            (i64::MIN, "-9223372036854775808"),
            (i64::MAX, "9223372036854775807"),
        ] {
            assert_eq!(Utc(seconds).to_string(), text);
        }
    }

    #[test]
    fn days_are_counted_from_the_epoch() {
        for (year, month, day, days) in [
            (1970, 1, 1, Some(0)),
            (1969, 12, 31, Some(-1)),
            (2000, 2, 29, Some(11_016)),
            (2100, 2, 29, None),
            (2026, 4, 31, None),
            (2026, 13, 1, None),
            (2026, 0, 1, None),
            (2026, 1, 0, None),
            (2026, 1, 300, None),
            (i64::MAX, 1, 1, None),
            (9999, 12, 31, Some(2_932_896)),
        ] {
            assert_eq!(
                days_since_epoch(year, month, day),
                days,
                "{year}-{month}-{day}"
            );
        }
    }
}
