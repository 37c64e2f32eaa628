//! How much of everything is looked at, and the extensions.

use super::responder::*;
use crate::revocation::ocsp::encoding::tag;
use crate::revocation::ocsp::{
    Invalid, MAX_CERTIFICATES, MAX_EXTENSIONS, MAX_RESPONSE, MAX_SINGLE_RESPONSES, OcspError,
};
use crate::trust::der::wrap;

/// An extension that nobody knows.
fn unknown(last: u8, critical: Option<u8>) -> Vec<u8> {
    extension(&[0x2a, 3, last], critical, b"anything")
}

fn too_many(what: &'static str, max: usize) -> OcspError {
    OcspError::Invalid(Invalid::TooMany { what, max })
}

#[test]
fn bytes() {
    // An extension of the size that makes the response as long as may be.
    let with = |filling: usize| {
        let response = Response::good().change(|response| {
            response.extensions = vec![extension(&[0x2a, 3, 4], None, &vec![0; filling])];
        });
        response.signed()
    };
    // ECDSA signatures differ in length: try until one fits.
    let mut filling = MAX_RESPONSE - with(MAX_RESPONSE / 2).len() + MAX_RESPONSE / 2;
    let full = loop {
        let response = with(filling);
        match response.len() {
            MAX_RESPONSE => break response,
            len if len > MAX_RESPONSE => filling -= 1,
            _ => filling += 1,
        }
    };
    assert!(judge(&full).is_ok());
    let long = [full, vec![0]].concat();
    assert_eq!(
        judge(&long),
        Err(OcspError::Invalid(Invalid::TooLarge {
            bytes: MAX_RESPONSE + 1,
            max: MAX_RESPONSE,
        }))
    );
}

#[test]
fn single_responses() {
    let with = |count| {
        Response::good()
            .change(|response| response.singles = vec![Single::good().der(); count])
            .signed()
    };
    assert!(judge(&with(MAX_SINGLE_RESPONSES)).is_ok());
    assert_eq!(
        judge(&with(MAX_SINGLE_RESPONSES + 1)),
        Err(too_many("single responses", MAX_SINGLE_RESPONSES))
    );
}

#[test]
fn certificates() {
    let with = |count| {
        Response::good()
            .change(|response| response.certificates = vec![WORLD.ca.der.clone(); count])
            .signed()
    };
    assert!(judge(&with(MAX_CERTIFICATES)).is_ok());
    assert_eq!(
        judge(&with(MAX_CERTIFICATES + 1)),
        Err(too_many("certificates", MAX_CERTIFICATES))
    );
}

/// A response with these extensions of its own.
fn responsive(extensions: Vec<Vec<u8>>) -> Vec<u8> {
    Response::good()
        .change(|response| response.extensions = extensions)
        .signed()
}

/// A response with these extensions of its one status.
fn single(extensions: &[Vec<u8>]) -> Vec<u8> {
    let single = Single {
        rest: explicit(1, &wrap(tag::SEQUENCE, &extensions.concat())),
        ..Single::good()
    };
    Response::of(&single).signed()
}

#[test]
fn extensions() {
    let some = |count: usize| -> Vec<Vec<u8>> {
        (0..count)
            .map(|last| unknown(u8::try_from(last).unwrap(), None))
            .collect()
    };
    assert!(judge(&responsive(some(MAX_EXTENSIONS))).is_ok());
    assert!(judge(&single(&some(MAX_EXTENSIONS))).is_ok());
    let error = Err(too_many("extensions", MAX_EXTENSIONS));
    assert_eq!(judge(&responsive(some(MAX_EXTENSIONS + 1))), error);
    assert_eq!(judge(&single(&some(MAX_EXTENSIONS + 1))), error);
}

#[test]
fn an_unknown_extension_that_is_critical() {
    let error = Err(OcspError::Invalid(Invalid::CriticalExtension(
        "1.2.3.1".into(),
    )));
    for extensions in [
        vec![unknown(1, Some(0xff))],
        vec![unknown(0, None), unknown(1, Some(0xff)), unknown(2, None)],
        vec![unknown(1, Some(0xff)), unknown(2, Some(0xff))],
    ] {
        assert_eq!(judge(&responsive(extensions.clone())), error);
        assert_eq!(judge(&single(&extensions)), error);
    }
    // Of another certificate's status it is not our business.
    let mut other = Single::good();
    other.cert_id = cert_id(SHA1, |bytes| sha1(&sha1(bytes)));
    other.rest = explicit(1, &sequence(&[&unknown(1, Some(0xff))]));
    let response = Response::good().change(|response| response.singles.push(other.der()));
    assert!(judge(&response.signed()).is_ok());
}

#[test]
fn extensions_of_another_form() {
    let twice = vec![unknown(1, None), unknown(1, None)];
    // A default that is written out; TRUE as 1; no value; something behind it.
    let bad = [
        unknown(1, Some(0)),
        unknown(1, Some(1)),
        sequence(&[&wrap(tag::OID, &[0x2a, 3, 1])]),
        sequence(&[
            &wrap(tag::OID, &[0x2a, 3, 1]),
            &wrap(tag::OCTET_STRING, &[]),
            &[5, 0],
        ]),
    ];
    let bad = bad.into_iter().map(|extension| vec![extension]);
    for extensions in bad.chain([twice]) {
        let error = judge(&responsive(extensions.clone())).unwrap_err();
        assert_eq!(error.code(), "ocsp_malformed");
        let error = judge(&single(&extensions)).unwrap_err();
        assert_eq!(error.code(), "ocsp_malformed");
    }
    // A list of none.
    assert_eq!(judge(&single(&[])).unwrap_err().code(), "ocsp_malformed");
    let empty = Response::good().change(|response| response.rest = explicit(1, &sequence(&[])));
    assert_eq!(judge(&empty.signed()).unwrap_err().code(), "ocsp_malformed");
}
