//! `GeneralizedTime`.

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
