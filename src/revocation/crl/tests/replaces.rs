//! Which list may take the place of which.

use super::made::{Fields, issuing_point, number, point_name, utc};
use crate::revocation::crl::{Crl, CrlError};
use crate::trust::tests::pki::{Authority, plain_authority};

fn numbered(ca: &Authority, octets: &[u8], this_update: &str) -> Crl {
    let fields = Fields::of(ca).with(|fields| {
        fields.extensions = Some(vec![number(octets)]);
        fields.this_update = utc(this_update);
    });
    fields.load(ca).unwrap()
}

#[test]
fn numbers_and_times_do_not_go_backwards() {
    let ca = plain_authority("ca");
    let old = numbered(&ca, &[9], "260530000000Z");
    let accepted = [
        (&[9_u8][..], "260530000000Z"),
        (&[10], "260530000000Z"),
        (&[1, 0], "260531000000Z"),
    ];
    for (octets, this_update) in accepted {
        let new = numbered(&ca, octets, this_update);
        assert_eq!(new.check_replaces(&old), Ok(()), "{octets:?}");
    }
    let new = numbered(&ca, &[8], "260531000000Z");
    assert_eq!(
        new.check_replaces(&old),
        Err(CrlError::NumberWentBackwards {
            old: 9.into(),
            new: 8.into()
        })
    );
    let new = numbered(&ca, &[10], "260529000000Z");
    assert_eq!(
        new.check_replaces(&old).unwrap_err().code(),
        "crl_time_went_backwards"
    );
}

#[test]
fn another_list_is_no_successor() {
    let ca = plain_authority("ca");
    let old = Fields::of(&ca).load(&ca).unwrap();
    let other = plain_authority("other");
    let same_name = plain_authority("ca");
    let partition = Fields::of(&ca).extended(issuing_point(&[&point_name("http://a/")]));
    for new in [
        Fields::of(&other).load(&other).unwrap(),
        Fields::of(&same_name).load(&same_name).unwrap(),
        partition.load(&ca).unwrap(),
    ] {
        assert_eq!(new.check_replaces(&old), Err(CrlError::AnotherList));
    }
}
