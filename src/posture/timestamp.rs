//! `google.protobuf.Timestamp` as its JSON has it: RFC 3339 in UTC, with `Z`.

use crate::decision::{DAY, end_of_day};

/// Seconds since the Unix epoch, fractions left out; `None` for any other form.
pub fn seconds(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let time = time.strip_suffix('Z')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let [h1, h2, b':', m1, m2, b':', s1, s2] = time.as_bytes() else {
        return None;
    };
    let number = |tens: &u8, ones: &u8, max: i64| {
        let digit = |d: &u8| d.is_ascii_digit().then(|| i64::from(*d - b'0'));
        let n = digit(tens)? * 10 + digit(ones)?;
        (n <= max).then_some(n)
    };
    let (hour, minute, second) = (
        number(h1, h2, 23)?,
        number(m1, m2, 59)?,
        number(s1, s2, 59)?,
    );
    Some(end_of_day(date)? - DAY + hour * 3_600 + minute * 60 + second)
}
