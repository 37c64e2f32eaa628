//! What several lists say of one certificate.

use super::made::{Fields, ask, entry_of, is_good, is_revoked, leaf, reason, utc};
use crate::revocation::crl::{Crl, CrlError, CrlStatus, Limits, NotCovered, Reason, status};
use crate::trust::tests::pki::{Authority, DAY, NOW, at, lenient, plain_authority};
use crate::trust::{Certificate, Instant, NoHost};

#[test]
fn on_the_list_is_revoked_and_off_it_is_good() {
    let ca = plain_authority("ca");
    let (bad, fine) = (leaf(&ca, &[0x51]), leaf(&ca, &[0x52]));
    let crl = Fields::of(&ca).revoking(&[&[0x51]]).load(&ca).unwrap();
    let CrlStatus::Revoked {
        list,
        revoked_at,
        reason,
        valid_until,
    } = ask(&[&crl], &bad, &ca)
    else {
        panic!("not revoked");
    };
    assert_eq!(list, &crl);
    assert_eq!(revoked_at, NOW - 31 * DAY);
    assert_eq!(reason, Reason::UNSPECIFIED);
    assert_eq!(valid_until, NOW + 6 * DAY);
    let expected = CrlStatus::Good {
        list: &crl,
        valid_until: NOW + 6 * DAY,
    };
    assert_eq!(ask(&[&crl], &fine, &ca), expected);
}

#[test]
fn revoked_is_revoked_for_any_reason() {
    let ca = plain_authority("ca");
    let bad = leaf(&ca, &[0x51]);
    for code in [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 100] {
        let fields = Fields::of(&ca).with(|fields| {
            fields.entries = Some(vec![entry_of(&[0x51], &reason(code))]);
        });
        let crl = fields.load(&ca).unwrap();
        match ask(&[&crl], &bad, &ca) {
            CrlStatus::Revoked { reason, .. } => assert_eq!(reason.code(), code),
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[test]
fn one_of_several_lists_is_enough_to_revoke() {
    let ca = plain_authority("ca");
    let bad = leaf(&ca, &[0x51]);
    let clean = Fields::of(&ca).load(&ca).unwrap();
    let says = Fields::of(&ca).revoking(&[&[0x51]]).load(&ca).unwrap();
    assert!(is_good(&ask(&[&clean, &clean], &bad, &ca)));
    assert!(is_revoked(&ask(&[&clean, &says], &bad, &ca)));
    assert!(is_revoked(&ask(&[&says, &clean], &bad, &ca)));
}

#[test]
fn a_serial_number_is_its_issuers_own() {
    let (ca, other) = (plain_authority("ca"), plain_authority("other"));
    let same_name = plain_authority("ca");
    let fine = leaf(&ca, &[0x51]);
    let none = CrlStatus::NotCovered(NotCovered::NoList);
    for authority in [&other, &same_name] {
        let crl = Fields::of(authority).revoking(&[&[0x51]]);
        let crl = crl.load(authority).unwrap();
        assert_eq!(ask(&[&crl], &fine, &ca), none);
    }
    assert_eq!(ask(&[], &fine, &ca), none);
    // A certificate that did not issue the leaf cannot speak for it.
    let crl = Fields::of(&other).load(&other).unwrap();
    assert_eq!(ask(&[&crl], &fine, &other), none);
}

fn dated(
    ca: &Authority,
    this_update: &str,
    next_update: &str,
    serials: &[&[u8]],
    on: Instant,
) -> Crl {
    let fields = Fields::of(ca).revoking(serials).with(|fields| {
        fields.this_update = utc(this_update);
        fields.next_update = Some(utc(next_update));
    });
    let issuer = Certificate::parse(&ca.der).unwrap();
    Crl::load(
        fields.signed_by(&ca.key),
        &[&issuer],
        on,
        Limits::default(),
        &NoHost,
    )
    .unwrap()
}

#[test]
fn a_list_is_used_from_this_update_to_next_update() {
    let ca = plain_authority("ca");
    let issuer = Certificate::parse(&ca.der).unwrap();
    let fine = leaf(&ca, &[0x52]).parsed();
    let crl = Fields::of(&ca).load(&ca).unwrap();
    let (from, to) = (crl.this_update(), crl.next_update());
    let bytes = Fields::of(&ca).signed_by(&ca.key);
    let load = |on: Instant| Crl::load(bytes.clone(), &[&issuer], on, Limits::default(), &NoHost);
    let used = [
        at(from),
        at(to),
        lenient(to + 300, 300),
        lenient(from - 300, 300),
    ];
    for on in used {
        assert!(load(on).is_ok(), "{on:?}");
        assert!(is_good(&status(&[&crl], &fine, &issuer, on)), "{on:?}");
    }
    let expired = |now| CrlError::Expired {
        next_update: to,
        now,
    };
    let early = |now| CrlError::NotYetValid {
        this_update: from,
        now,
    };
    let refused = [
        (at(to + 1), expired(to + 1)),
        (lenient(to + 301, 300), expired(to + 301)),
        (at(from - 1), early(from - 1)),
        (lenient(from - 301, 300), early(from - 301)),
        (lenient(i64::MIN, u32::MAX), early(i64::MIN)),
        (lenient(i64::MAX, u32::MAX), expired(i64::MAX)),
    ];
    for (on, error) in refused {
        assert_eq!(load(on), Err(error.clone()));
        let stale = CrlStatus::Stale { list: &crl, error };
        assert_eq!(status(&[&crl], &fine, &issuer, on), stale);
    }
}

#[test]
fn grace_extends_what_may_be_kept() {
    let ca = plain_authority("ca");
    let issuer = Certificate::parse(&ca.der).unwrap();
    let fine = leaf(&ca, &[0x52]).parsed();
    let crl = Fields::of(&ca).load(&ca).unwrap();
    let CrlStatus::Good { valid_until, .. } = status(&[&crl], &fine, &issuer, lenient(NOW, 300))
    else {
        panic!("not good");
    };
    assert_eq!(valid_until, crl.next_update() + 300);
    let until = lenient(valid_until, 300);
    assert!(is_good(&status(&[&crl], &fine, &issuer, until)));
    let after = lenient(valid_until + 1, 300);
    assert!(!is_good(&status(&[&crl], &fine, &issuer, after)));
}

#[test]
fn the_list_that_ends_first_bounds_the_verdict() {
    let ca = plain_authority("ca");
    let fine = leaf(&ca, &[0x52]);
    let short = dated(&ca, "260531000000Z", "260602000000Z", &[], at(NOW));
    let long = dated(&ca, "260531000000Z", "260630000000Z", &[], at(NOW));
    for lists in [[&short, &long], [&long, &short]] {
        let expected = CrlStatus::Good {
            list: &short,
            valid_until: NOW + DAY,
        };
        assert_eq!(ask(&lists, &fine, &ca), expected);
    }
}

#[test]
fn a_stale_list_first_does_not_hide_a_fresh_one() {
    let ca = plain_authority("ca");
    let (bad, fine) = (leaf(&ca, &[0x51]), leaf(&ca, &[0x52]));
    let then = at(NOW - 40 * DAY);
    let stale = dated(&ca, "260420000000Z", "260427000000Z", &[], then);
    let fresh = Fields::of(&ca).revoking(&[&[0x51]]).load(&ca).unwrap();
    assert!(matches!(
        ask(&[&stale], &fine, &ca),
        CrlStatus::Stale { .. }
    ));
    assert!(is_good(&ask(&[&stale, &fresh], &fine, &ca)));
    assert!(is_revoked(&ask(&[&stale, &fresh], &bad, &ca)));
}

#[test]
fn a_revocation_outlives_the_list_that_told_it() {
    let ca = plain_authority("ca");
    let bad = leaf(&ca, &[0x51]);
    let then = at(NOW - 40 * DAY);
    let stale = dated(&ca, "260420000000Z", "260427000000Z", &[&[0x51]], then);
    let fresh = Fields::of(&ca).load(&ca).unwrap();
    assert!(is_revoked(&ask(&[&stale], &bad, &ca)));
    assert!(is_revoked(&ask(&[&fresh, &stale], &bad, &ca)));
    // Until it is replaced, which its successor may do.
    assert_eq!(fresh.check_replaces(&stale), Ok(()));
    assert!(is_good(&ask(&[&fresh], &bad, &ca)));
}
