//! `Time` (RFC 5280 sections 5.1.2.4 to 5.1.2.6) and how it is printed.

use std::fmt;

use x509_parser::time::ASN1Time;

use crate::trust::der::{NotDer, Reader};

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Whether a value of this tag is a `Time`.
pub(super) fn is_tag(tag: u8) -> bool {
    matches!(tag, UTC_TIME | GENERALIZED_TIME)
}

/// The next value, a `Time`, in seconds since the Unix epoch.
///
/// GeneralizedTime before 2050 is against section 5.1.2.4, yet says clearly what
/// it means: it is read. Everything else is strict: seconds, `Z`, no fraction.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<i64, NotDer> {
    match reader.any()? {
        (UTC_TIME, text) => {
            let (year, rest) = text.split_at_checked(2).ok_or(NotDer)?;
            let year = number(year)?;
            // Section 4.1.2.5.1: 50 is 1950, 49 is 2049.
            moment(year + if year >= 50 { 1900 } else { 2000 }, rest)
        }
        (GENERALIZED_TIME, text) => {
            let (year, rest) = text.split_at_checked(4).ok_or(NotDer)?;
            moment(number(year)?, rest)
        }
        _ => Err(NotDer),
    }
}

/// `MMDDHHMMSSZ`.
fn moment(year: i64, rest: &[u8]) -> Result<i64, NotDer> {
    let [m1, m2, d1, d2, h1, h2, n1, n2, s1, s2, b'Z'] = rest else {
        return Err(NotDer);
    };
    let [month, day, hour, minute, second] =
        [[*m1, *m2], [*d1, *d2], [*h1, *h2], [*n1, *n2], [*s1, *s2]];
    let (month, day) = (number(&month)?, number(&day)?);
    let (hour, minute, second) = (number(&hour)?, number(&minute)?, number(&second)?);
    let in_range = (1..=days_of(year, month)?).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..60).contains(&second);
    if !in_range {
        return Err(NotDer);
    }
    Ok(((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

fn number(digits: &[u8]) -> Result<i64, NotDer> {
    digits.iter().try_fold(0, |value, digit| {
        if digit.is_ascii_digit() {
            Ok(value * 10 + i64::from(digit - b'0'))
        } else {
            Err(NotDer)
        }
    })
}

fn days_of(year: i64, month: i64) -> Result<i64, NotDer> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Ok(31),
        4 | 6 | 9 | 11 => Ok(30),
        2 => Ok(if leap { 29 } else { 28 }),
        _ => Err(NotDer),
    }
}

/// Days since 1970-01-01, counted in years that begin in March, so that the leap
/// day comes last (Hinnant, "chrono-compatible low-level date algorithms").
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468
}

/// A moment as people read it (RFC 3339), or bare seconds beyond the year 9999.
pub(super) struct Moment(pub(super) i64);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(time) = ASN1Time::from_timestamp(self.0) else {
            return write!(f, "{}", self.0);
        };
        let time = time.to_datetime();
        let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}
