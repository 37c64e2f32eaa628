//! The nonce (RFC 9654).

use super::responder::*;
use crate::revocation::ocsp::encoding::tag;
use crate::revocation::ocsp::{
    Answer, Demands, Invalid, Nonce, NonceDemand, NonceFault, OcspError,
};
use crate::trust::der::wrap;
use crate::trust::tests::pki::NOW;

const ID_NONCE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2];
const SENT: [u8; 32] = [7; 32];

fn raw(value: Option<&[u8]>, demand: NonceDemand) -> Result<Answer, OcspError> {
    let response = Response::good().change(|response| {
        let extension = value.map(|value| extension(ID_NONCE, None, value));
        response.extensions.extend(extension);
    });
    let demands = Demands {
        nonce: demand,
        ..Demands::default()
    };
    judge_by(&response.signed(), &demands, at(NOW))
}

fn returned(nonce: Option<&[u8]>, demand: NonceDemand) -> Result<Answer, OcspError> {
    let value = nonce.map(|nonce| wrap(tag::OCTET_STRING, nonce));
    raw(value.as_deref(), demand)
}

#[test]
fn each_demand_and_each_return() {
    let (optional, required) = (
        NonceDemand::IfPresent(Nonce::new(SENT)),
        NonceDemand::Required(Nonce::new(SENT)),
    );
    let mut other = SENT;
    other[31] = 8;
    let invalid = |fault| Err(OcspError::Invalid(Invalid::Nonce(fault)));
    let cases = [
        (None, NonceDemand::NotSent, Ok(())),
        (Some(&other[..]), NonceDemand::NotSent, Ok(())),
        (None, optional, Ok(())),
        (Some(&SENT[..]), optional, Ok(())),
        (Some(&other[..]), optional, invalid(NonceFault::Other)),
        (Some(&SENT[..31]), optional, invalid(NonceFault::Other)),
        (None, required, invalid(NonceFault::Missing)),
        (Some(&SENT[..]), required, Ok(())),
        (Some(&other[..]), required, invalid(NonceFault::Other)),
    ];
    for (nonce, demand, expected) in cases {
        assert_eq!(returned(nonce, demand).map(|_| ()), expected);
    }
}

#[test]
fn of_1_to_128_octets() {
    for len in [1, 32, 128] {
        assert!(returned(Some(&vec![1; len]), NonceDemand::NotSent).is_ok());
    }
    for len in [0, 129] {
        let error = returned(Some(&vec![1; len]), NonceDemand::NotSent).unwrap_err();
        assert_eq!(error.code(), "ocsp_malformed");
    }
}

#[test]
fn in_an_octet_string_of_its_own() {
    for value in [&SENT[..], &[], &[4, 1, 7, 0], &[2, 1, 7]] {
        let error = raw(Some(value), NonceDemand::NotSent).unwrap_err();
        assert_eq!(error.code(), "ocsp_malformed");
    }
}

#[test]
fn a_critical_one_is_understood() {
    let response = Response::good().change(|response| {
        let value = wrap(tag::OCTET_STRING, &SENT);
        response.extensions = vec![extension(ID_NONCE, Some(0xff), &value)];
    });
    assert!(judge(&response.signed()).is_ok());
}

#[test]
fn the_one_to_send_is_the_one_demanded() {
    let nonce = Nonce::new(SENT);
    assert_eq!(NonceDemand::NotSent.nonce(), None);
    assert_eq!(NonceDemand::IfPresent(nonce).nonce(), Some(&nonce));
    assert_eq!(NonceDemand::Required(nonce).nonce(), Some(&nonce));
}
