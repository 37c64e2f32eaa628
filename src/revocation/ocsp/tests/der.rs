//! Strict DER, all the way down.

use super::responder::*;
use crate::revocation::ocsp::encoding::{self, tag};
use crate::revocation::ocsp::time as asn1_time;
use crate::trust::der::{NotDer, Reader, single, wrap};
use crate::trust::tests::pki::NOW;

fn assert_malformed(response: &[u8]) {
    let error = judge(response).unwrap_err();
    assert_eq!(error.code(), "ocsp_malformed", "{error}");
}

#[test]
fn nothing_follows_anything() {
    let key = &WORLD.ca.key;
    let mut junk = Response::good().signed();
    junk.push(0);
    assert_malformed(&junk);
    let null: &[u8] = &[5, 0];
    // In each of the structures: the response, its bytes, the basic response,
    // the signed part, a status, the certificates.
    let basic = Response::good().basic(key);
    let bytes = sequence(&[&wrap(tag::OID, ID_BASIC), &wrap(tag::OCTET_STRING, &basic)]);
    let status: &[u8] = &[tag::ENUMERATED, 1, 0];
    assert!(judge(&sequence(&[status, &explicit(0, &bytes)])).is_ok());
    assert_malformed(&sequence(&[status, &explicit(0, &bytes), null]));
    assert_malformed(&sequence(&[status, &explicit(0, &[&bytes, null].concat())]));
    let longer = sequence(&[
        &wrap(tag::OID, ID_BASIC),
        &wrap(tag::OCTET_STRING, &basic),
        null,
    ]);
    assert_malformed(&sequence(&[status, &explicit(0, &longer)]));
    assert_malformed(&successful(ID_BASIC, &[&basic[..], null].concat()));
    let content = single(&basic, tag::SEQUENCE).unwrap();
    assert!(judge(&successful(ID_BASIC, &sequence(&[content]))).is_ok());
    assert_malformed(&successful(ID_BASIC, &sequence(&[content, null])));
    let rest = Response::good().change(|response| response.rest = null.to_vec());
    assert_malformed(&rest.signed());
    let odd = Single {
        rest: null.to_vec(),
        ..Single::good()
    };
    assert_malformed(&Response::of(&odd).signed());
    for certificate in [null.to_vec(), vec![0x30]] {
        let odd = Response::good().change(|response| response.certificates = vec![certificate]);
        assert_malformed(&odd.signed());
    }
    // A CertID with more in it.
    let id = cert_id(SHA1, sha1);
    let odd = Single {
        cert_id: sequence(&[&id[2..], null]),
        ..Single::good()
    };
    assert_malformed(&Response::of(&odd).signed());
}

#[test]
fn every_length_is_definite_and_the_shortest() {
    let delegate = delegate(|_| {});
    let response = Response::by(&delegate).signed_by(&delegate.key);
    // 30 82 LL LL: as 30 80 … 00 00, and with a leading zero.
    assert_eq!(response[..2], [0x30, 0x82]);
    let indefinite = [&[0x30, 0x80], &response[4..], &[0, 0]].concat();
    assert_malformed(&indefinite);
    let long = [&[0x30, 0x83, 0], &response[2..]].concat();
    assert_malformed(&long);
    let mut huge = response;
    huge[2] = 0xff;
    assert_malformed(&huge);
    assert_malformed(&[]);
    assert_malformed(&[0x30]);
    assert_malformed(&[0x30, 0]);
    assert_malformed(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]);
    assert_malformed(&[0x3f, 0x81, 1, 0]);
}

#[test]
fn nesting_costs_nothing() {
    let mut nested = vec![0x30, 0];
    while nested.len() < 60_000 {
        nested = wrap(tag::SEQUENCE, &nested);
        if nested.len() > 4_000 {
            nested = [nested.clone(), nested].concat();
        }
    }
    assert_malformed(&wrap(tag::SEQUENCE, &nested));
    assert_malformed(&successful(ID_BASIC, &nested));
    assert_malformed(&successful(ID_BASIC, &wrap(tag::SEQUENCE, &nested)));
}

#[test]
fn times_of_one_form() {
    let read = |bytes: &[u8]| {
        let mut reader = Reader::new(bytes);
        asn1_time::read(&mut reader)
    };
    assert_eq!(read(&time(NOW)), Ok(NOW));
    for (text, seconds) in [
        ("20260601000000Z", NOW),
        ("19700101000000Z", 0),
        ("20240229235959Z", 1_709_251_199),
        ("99991231235959Z", 253_402_300_799),
    ] {
        assert_eq!(read(&time_text(text)), Ok(seconds), "{text}");
    }
    for text in [
        "202606010000Z",
        "20260601000000",
        "20260601000000.5Z",
        "20260601000000+0000",
        "20260601000000z",
        "2026060100000 Z",
        "20260230000000Z",
        "20250229000000Z",
        "20261301000000Z",
        "20260601240000Z",
        "20260601006000Z",
        "20260601000060Z",
        "-0260601000000Z",
        "",
    ] {
        assert_eq!(read(&time_text(text)), Err(NotDer), "{text}");
        let response = Response::good().change(|response| response.produced_at = time_text(text));
        assert_malformed(&response.signed());
        let single = Single {
            next_update: Some(time_text(text)),
            ..Single::good()
        };
        assert_malformed(&Response::of(&single).signed());
    }
    // UTCTime.
    assert_eq!(read(&wrap(0x17, b"260601000000Z")), Err(NotDer));
}

#[test]
fn a_whole_value_is_cut_at_its_end() {
    for len in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000] {
        let value = wrap(tag::SEQUENCE, &vec![0; len]);
        let more = [&value[..], b"more"].concat();
        let mut rest = &more[..];
        assert_eq!(encoding::whole(&mut rest), Ok(&value[..]));
        assert_eq!(rest, b"more");
    }
    assert_eq!(encoding::whole(&mut &[0x30, 1][..]), Err(NotDer));
}
