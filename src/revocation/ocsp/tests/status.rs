//! What an answer says, and which of its statuses counts.

use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::responder::*;
use crate::revocation::ocsp::encoding::tag;
use crate::revocation::ocsp::{
    Answer, CertStatus, Invalid, NotNow, OcspError, Refusal, RevocationReason, Signer,
};
use crate::trust::der::wrap;
use crate::trust::tests::pki::NOW;

fn status_of(singles: &[Single]) -> Result<CertStatus, OcspError> {
    let response = Response::good().change(|response| {
        response.singles = singles.iter().map(Single::der).collect();
    });
    judge(&response.signed()).map(|answer| answer.status)
}

#[test]
fn a_good_answer_says_all_of_it() {
    let answer = judge(&Response::good().signed());
    assert_eq!(
        answer,
        Ok(Answer {
            status: CertStatus::Good,
            this_update: NOW - HOUR,
            next_update: Some(NOW + DAY),
            produced_at: NOW - HOUR,
            valid_until: NOW + DAY + 300,
            signed_by: Signer::Issuer,
        })
    );
}

#[test]
fn revoked_for_any_reason_is_revoked() {
    let reasons = [
        (0, RevocationReason::Unspecified),
        (1, RevocationReason::KeyCompromise),
        (2, RevocationReason::CaCompromise),
        (3, RevocationReason::AffiliationChanged),
        (4, RevocationReason::Superseded),
        (5, RevocationReason::CessationOfOperation),
        (6, RevocationReason::CertificateHold),
        (7, RevocationReason::Other(7)),
        (8, RevocationReason::RemoveFromCrl),
        (9, RevocationReason::PrivilegeWithdrawn),
        (10, RevocationReason::AaCompromise),
        (127, RevocationReason::Other(127)),
    ];
    let cases = reasons.map(|(number, reason)| (Some(number), Some(reason)));
    for (number, reason) in cases.into_iter().chain([(None, None)]) {
        let at = NOW - DAY;
        assert_eq!(
            status_of(&[Single::with(&revoked(number))]),
            Ok(CertStatus::Revoked { at, reason })
        );
    }
}

#[test]
fn unknown_is_not_good() {
    let status = status_of(&[Single::with(UNKNOWN)]);
    assert_eq!(status, Ok(CertStatus::Unknown));
}

#[test]
fn a_status_of_another_form_is_malformed() {
    let bad: [&[u8]; 8] = [
        // Not empty; not primitive; of no meaning; not NULL.
        &[0x80, 1, 0],
        &[0xa0, 0],
        &[0x83, 0],
        &[0x05, 0],
        // Revoked without a time; with two reasons; with a reason of two octets,
        // of none.
        &[0xa1, 0],
        &[&revoked(Some(1))[..], &[0xa0, 3, 0x0a, 1, 1]].concat(),
        &explicit(1, &[time(NOW), explicit(0, &[0x0a, 2, 0, 1])].concat()),
        &explicit(1, &[time(NOW), explicit(0, &[0x0a, 0])].concat()),
    ];
    for status in bad {
        assert_eq!(
            status_of(&[Single::with(status)]),
            Err(OcspError::Invalid(Invalid::Malformed("a single response"))),
            "{status:02x?}"
        );
    }
}

#[test]
fn the_most_severe_of_several_counts() {
    let (good, unknown) = (Single::good(), Single::with(UNKNOWN));
    let revoked = Single::with(&revoked(None));
    let is_revoked = Ok(CertStatus::Revoked {
        at: NOW - DAY,
        reason: None,
    });
    let cases = [
        (vec![&good, &good], Ok(CertStatus::Good)),
        (vec![&good, &unknown], Ok(CertStatus::Unknown)),
        (vec![&unknown, &good], Ok(CertStatus::Unknown)),
        (vec![&revoked, &unknown, &good], is_revoked.clone()),
        (vec![&good, &unknown, &revoked], is_revoked.clone()),
        (vec![&good, &revoked, &good], is_revoked),
    ];
    for (singles, expected) in cases {
        let singles: Vec<_> = singles.into_iter().cloned().collect();
        assert_eq!(status_of(&singles), expected);
    }
}

#[test]
fn of_equal_statuses_the_first_to_end_counts() {
    let mut short = Single::good();
    short.next_update = Some(time(NOW + HOUR));
    for singles in [
        [Single::good(), short.clone()],
        [short.clone(), Single::good()],
    ] {
        let response = Response::good().change(|response| {
            response.singles = singles.iter().map(Single::der).collect();
        });
        let answer = judge(&response.signed()).unwrap();
        assert_eq!(answer.valid_until, NOW + HOUR + 300);
    }
    // A worse one that is over is no ground to take the better one.
    let mut over = Single::with(&revoked(None));
    over.next_update = Some(time(NOW - HOUR));
    let error = status_of(&[Single::good(), over]).unwrap_err();
    assert_eq!(error.code(), "ocsp_stale");
}

#[test]
fn the_certificate_is_known_by_each_hash() {
    let sha2 = |last: u8| {
        [
            &[0x06, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, last],
            &[5u8, 0][..],
        ]
        .concat()
    };
    let without_null = &SHA1[..SHA1.len() - 2];
    let ids = [
        cert_id(without_null, sha1),
        cert_id(&sha2(1), |bytes| Sha256::digest(bytes).to_vec()),
        cert_id(&sha2(2), |bytes| Sha384::digest(bytes).to_vec()),
        cert_id(&sha2(3), |bytes| Sha512::digest(bytes).to_vec()),
    ];
    for id in ids {
        let single = Single {
            cert_id: id,
            ..Single::good()
        };
        assert_eq!(status_of(&[single]), Ok(CertStatus::Good));
    }
    // SHA-1 under the name of SHA-256; a hash that is unknown here; MD5.
    let md5: &[u8] = &[0x06, 8, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 5, 5, 0];
    for id in [
        cert_id(&sha2(1), sha1),
        cert_id(&sha2(9), sha1),
        cert_id(md5, |_| vec![]),
    ] {
        let single = Single {
            cert_id: id,
            ..Single::good()
        };
        assert_eq!(status_of(&[single]), Err(OcspError::NoMatch));
    }
}

#[test]
fn an_answer_about_another_is_none() {
    let with = |name: &[u8], key: &[u8], serial: &[u8]| Single {
        cert_id: sequence(&[
            &wrap(tag::SEQUENCE, SHA1),
            &wrap(tag::OCTET_STRING, name),
            &wrap(tag::OCTET_STRING, key),
            &wrap(tag::INTEGER, serial),
        ]),
        ..Single::good()
    };
    let spki = WORLD.issuer.spki();
    let name = sha1(WORLD.issuer.subject_der());
    let key = sha1(&spki[spki.len() - 65..]);
    let serial = WORLD.leaf.serial();
    assert_eq!(
        status_of(&[with(&name, &key, serial)]),
        Ok(CertStatus::Good)
    );
    let mut later = serial.to_vec();
    *later.last_mut().unwrap() += 1;
    for (name, key, serial) in [
        (&key, &key, serial),
        (&name, &name, serial),
        (&name, &key, &later[..]),
        // The same number, but not as it is in the certificate.
        (&name, &key, &[&[0], serial].concat()[..]),
        (&name, &key, &serial[1..]),
        (&name[..19].to_vec(), &key, serial),
    ] {
        let other = with(name, key, serial);
        assert_eq!(
            status_of(std::slice::from_ref(&other)),
            Err(OcspError::NoMatch)
        );
        // Beside the right one it does no harm, whatever it says.
        let revoked = Single {
            status: revoked(None),
            ..other
        };
        assert_eq!(status_of(&[revoked, Single::good()]), Ok(CertStatus::Good));
    }
    assert_eq!(status_of(&[]), Err(OcspError::NoMatch));
}

#[test]
fn a_responder_that_does_not_answer() {
    let error = |status: u8| judge(&sequence(&[&[tag::ENUMERATED, 1, status]]));
    let cases = [
        (1, OcspError::Refused(Refusal::MalformedRequest)),
        (2, OcspError::NotNow(NotNow::InternalError)),
        (3, OcspError::NotNow(NotNow::TryLater)),
        (4, OcspError::Invalid(Invalid::Status(4))),
        (5, OcspError::Refused(Refusal::SignatureRequired)),
        (6, OcspError::Refused(Refusal::Unauthorized)),
        (7, OcspError::Invalid(Invalid::Status(7))),
        (0, OcspError::Invalid(Invalid::Empty)),
    ];
    for (status, expected) in cases {
        assert_eq!(error(status), Err(expected));
    }
    // An error that brings a signed answer along is neither.
    let mut both = Response::good().signed();
    let status = both.windows(3).position(|three| three == [0x0a, 1, 0]);
    both[status.unwrap() + 2] = 3;
    assert_eq!(judge(&both).unwrap_err().code(), "ocsp_malformed");
}

#[test]
fn an_answer_of_another_type() {
    let basic = Response::good().basic(&WORLD.ca.key);
    assert!(judge(&successful(ID_BASIC, &basic)).is_ok());
    assert_eq!(
        judge(&successful(&[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2], &basic)),
        Err(OcspError::Invalid(Invalid::ResponseType(
            "1.3.6.1.5.5.7.48.1.2".into()
        )))
    );
}
