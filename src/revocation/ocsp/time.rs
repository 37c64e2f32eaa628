//! `GeneralizedTime`, and how it is printed.

use std::fmt;

use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;

use super::encoding::tag;
use crate::trust::der::{self, NotDer, Reader};

/// A `GeneralizedTime` as RFC 5280 section 4.1.2.5.2 has it and RFC 6960
/// section 4.2.2.1 takes over: UTC, to the second, without a fraction.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<i64, NotDer> {
    let content = reader.expect(tag::GENERALIZED_TIME)?;
    match content {
        [digits @ .., b'Z'] if digits.len() == 14 && digits.iter().all(u8::is_ascii_digit) => {}
        _ => return Err(NotDer),
    }
    let value = der::wrap(tag::GENERALIZED_TIME, content);
    match ASN1Time::from_der(&value) {
        Ok(([], time)) => Ok(time.timestamp()),
        _ => Err(NotDer),
    }
}

/// Seconds since the Unix epoch, printed as `2026-06-01T00:00:00Z`; as they are
/// where there is no such date.
pub(super) struct Utc(pub(super) i64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(time) = ASN1Time::from_timestamp(self.0) else {
            return write!(f, "{}", self.0);
        };
        let time = time.to_datetime();
        let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
        let (hour, minute, second) = time.to_hms();
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}
