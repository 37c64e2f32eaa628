//! `Time` (RFC 5280 sections 5.1.2.4 to 5.1.2.6).

use crate::trust::days_since_epoch;
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
    let days = days_since_epoch(year, month, day).ok_or(NotDer)?;
    if !((0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second)) {
        return Err(NotDer);
    }
    Ok(((days * 24 + hour) * 60 + minute) * 60 + second)
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
