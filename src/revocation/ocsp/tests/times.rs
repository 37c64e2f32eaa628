//! From when to when an answer holds.

use super::responder::*;
use crate::revocation::ocsp::{Answer, CertStatus, Demands, Invalid, OcspError, Signer, TimeField};
use crate::trust::Instant;
use crate::trust::tests::pki::{self, NOW};

const SKEW: i64 = 300;

fn dated(this: i64, next: Option<i64>) -> Vec<u8> {
    let single = Single {
        this_update: time(this),
        next_update: next.map(time),
        ..Single::good()
    };
    Response::of(&single).signed()
}

#[test]
fn from_this_update_less_the_skew() {
    let response = dated(NOW, Some(NOW + DAY));
    assert!(judge_at(&response, at(NOW - SKEW)).is_ok());
    let now = NOW - SKEW - 1;
    assert_eq!(
        judge_at(&response, at(now)),
        Err(OcspError::NotYetValid {
            field: TimeField::ThisUpdate,
            from: NOW,
            now,
        })
    );
}

#[test]
fn until_next_update_and_the_skew() {
    let response = dated(NOW - DAY, Some(NOW));
    let answer = judge_at(&response, at(NOW + SKEW - 1)).unwrap();
    assert_eq!(answer.valid_until, NOW + SKEW);
    assert_eq!(
        judge_at(&response, at(NOW + SKEW)),
        Err(OcspError::Stale {
            valid_until: NOW + SKEW,
            now: NOW + SKEW,
        })
    );
}

#[test]
fn without_next_update_until_the_maximum_age() {
    let response = dated(NOW - HOUR, None);
    let aged = |max_age_seconds, now| {
        let demands = Demands {
            max_age_seconds,
            ..Demands::default()
        };
        judge_by(&response, &demands, at(now))
    };
    let answer = aged(3600, NOW).unwrap();
    assert_eq!(
        (answer.next_update, answer.valid_until),
        (None, NOW + SKEW + 1)
    );
    assert!(aged(3600, NOW + SKEW).is_ok());
    assert_eq!(aged(3600, NOW + SKEW + 1).unwrap_err().code(), "ocsp_stale");
    assert_eq!(aged(3599, NOW + SKEW).unwrap_err().code(), "ocsp_stale");
    // The age is not asked of an answer that says when it ends.
    let response = dated(NOW - 30 * DAY, Some(NOW + DAY));
    let demands = Demands {
        max_age_seconds: 0,
        ..Demands::default()
    };
    assert!(judge_by(&response, &demands, at(NOW)).is_ok());
}

#[test]
fn next_update_is_not_before_this_update() {
    assert!(judge(&dated(NOW, Some(NOW))).is_ok());
    assert_eq!(
        judge(&dated(NOW, Some(NOW - 1))),
        Err(OcspError::Invalid(Invalid::NextUpdateBeforeThisUpdate {
            this_update: NOW,
            next_update: NOW - 1,
        }))
    );
}

fn produced(produced_at: i64) -> Response {
    Response::good().change(|response| response.produced_at = time(produced_at))
}

#[test]
fn produced_in_the_past() {
    assert!(judge(&produced(NOW + SKEW).signed()).is_ok());
    assert_eq!(
        judge(&produced(NOW + SKEW + 1).signed()),
        Err(OcspError::NotYetValid {
            field: TimeField::ProducedAt,
            from: NOW + SKEW + 1,
            now: NOW,
        })
    );
}

#[test]
fn produced_while_the_signer_was_valid() {
    // The CA of the tests has begun a year ago, a delegate a day ago.
    let begun = NOW - 365 * DAY;
    assert!(judge(&produced(begun - SKEW).signed()).is_ok());
    assert_eq!(
        judge(&produced(begun - SKEW - 1).signed()),
        Err(OcspError::Invalid(Invalid::ProducedOutsideSigner {
            produced_at: begun - SKEW - 1,
            not_before: begun,
            not_after: NOW + 3650 * DAY,
        }))
    );
    let delegate = delegate(|params| pki::valid(params, NOW - DAY, NOW + DAY));
    let by = |produced_at| {
        let response =
            Response::by(&delegate).change(|response| response.produced_at = time(produced_at));
        judge(&response.signed_by(&delegate.key))
    };
    assert!(by(NOW - DAY - SKEW).is_ok());
    let error = by(NOW - DAY - SKEW - 1).unwrap_err();
    assert_eq!(error.code(), "ocsp_signer_not_valid");
}

#[test]
fn produced_before_the_signer_expired() {
    // A delegate that expired 100 seconds ago is within the skew.
    let delegate = delegate(|params| pki::valid(params, NOW - DAY, NOW - 100));
    let by = |produced_at, skew| {
        let response =
            Response::by(&delegate).change(|response| response.produced_at = time(produced_at));
        judge_at(
            &response.signed_by(&delegate.key),
            Instant { now: NOW, skew },
        )
    };
    assert!(by(NOW, 100).is_ok());
    assert_eq!(
        by(NOW + 1, 100),
        Err(OcspError::Invalid(Invalid::ProducedOutsideSigner {
            produced_at: NOW + 1,
            not_before: NOW - DAY,
            not_after: NOW - 100,
        }))
    );
}

#[test]
fn not_longer_than_the_signer_lives() {
    let delegate = delegate(|params| pki::valid(params, NOW - DAY, NOW + HOUR));
    let response = Response::by(&delegate).signed_by(&delegate.key);
    let answer = judge(&response).unwrap();
    assert_eq!(answer.valid_until, NOW + HOUR + SKEW + 1);
    assert!(judge_at(&response, at(NOW + HOUR + SKEW)).is_ok());
    assert!(judge_at(&response, at(NOW + HOUR + SKEW + 1)).is_err());
}

#[test]
fn clocks_at_their_ends() {
    let response = Response::good().signed();
    for (now, skew) in [
        (i64::MIN, u32::MAX),
        (-1, 300),
        (0, 300),
        (i64::MAX, u32::MAX),
    ] {
        let far = Instant { now, skew };
        assert!(judge_at(&response, far).is_err());
        let lengths = Demands {
            max_age_seconds: u32::MAX,
            ..Demands::default()
        };
        assert!(judge_by(&dated(NOW, None), &lengths, far).is_err());
    }
    // The last second that there is a date for.
    let last = 253_402_300_799;
    let answer = judge(&dated(NOW, Some(last))).unwrap();
    assert_eq!(answer.next_update, Some(last));
}

#[test]
fn the_older_never_replaces_the_newer() {
    let answer = |this_update, status| Answer {
        status,
        this_update,
        next_update: None,
        produced_at: this_update,
        valid_until: this_update + DAY,
        signed_by: Signer::Issuer,
    };
    let revoked = CertStatus::Revoked {
        at: NOW,
        reason: None,
    };
    let known = answer(NOW, CertStatus::Unknown);
    let cases = [
        (NOW - 1, revoked, false),
        (NOW - 1, CertStatus::Good, false),
        (NOW, CertStatus::Good, false),
        (NOW, CertStatus::Unknown, true),
        (NOW, revoked, true),
        (NOW + 1, CertStatus::Good, true),
    ];
    for (this_update, status, expected) in cases {
        let new = answer(this_update, status);
        assert_eq!(new.may_replace(&known), expected, "{this_update} {status}");
    }
}
