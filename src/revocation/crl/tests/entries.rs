//! Serial numbers: that each is found, and no other.

use std::collections::HashSet;

use super::made::{Fields, ask, is_good, is_revoked, leaf};
use super::mutations::Random;
use crate::revocation::crl::entry::{Entry, MAX_SERIAL, Reason, shortest};
use crate::revocation::crl::rows::{Merged, ROW_OVERHEAD, Rows, Sorting};
use crate::revocation::crl::{CrlStatus, NotCovered};
use crate::trust::tests::pki::plain_authority;

/// A table of these serial numbers, merged `step` rows at a time.
fn table(serials: &[Vec<u8>], width: usize, step: usize) -> Rows {
    let mut sorting = Sorting::new(serials.len(), width).unwrap();
    for serial in serials {
        sorting.push(&Entry {
            serial,
            revoked_at: 1_000,
            reason: Reason::KEY_COMPROMISE,
        });
    }
    let mut merging = sorting.merge().unwrap();
    loop {
        match merging.step(step) {
            Merged::More(more) => merging = more,
            Merged::Done(rows) => return rows,
        }
    }
}

/// A serial number in its shortest form, of any sign.
fn serial(random: &mut Random) -> Vec<u8> {
    let len = 1 + random.below(MAX_SERIAL);
    let octets: Vec<u8> = (0..len).map(|_| random.octet()).collect();
    shortest(&octets).to_vec()
}

#[test]
fn the_table_is_a_set() {
    let mut random = Random::new(1);
    for count in [0, 1, 2, 3, 100, 4_095, 4_096, 4_097, 8_192, 20_000] {
        for short in [true, false] {
            // Short ones collide with one another, and with each other's ends.
            let all: Vec<_> = (0..count)
                .map(|_| {
                    let mut octets = serial(&mut random);
                    octets.truncate(if short { 2 } else { MAX_SERIAL });
                    shortest(&octets).to_vec()
                })
                .collect();
            let width = all.iter().map(Vec::len).max().unwrap_or_default();
            let rows = table(&all, width, 1 + random.below(5_000));
            let set: HashSet<_> = all.iter().cloned().collect();
            assert_eq!(rows.len(), all.len());
            for serial in &all {
                assert_eq!(rows.find(serial), Some((1_000, Reason::KEY_COMPROMISE)));
            }
            for _ in 0..5_000 {
                let mut other = serial(&mut random);
                other.truncate(if short { 3 } else { MAX_SERIAL });
                let other = shortest(&other);
                assert_eq!(
                    rows.find(other).is_some(),
                    set.contains(other),
                    "{other:x?}"
                );
            }
        }
    }
}

#[test]
fn a_list_in_order_needs_no_merging() {
    let sorted: Vec<_> = (0..20_000_u32)
        .map(|n| (n + 0x1000_0000).to_be_bytes().to_vec())
        .collect();
    let rows = table(&sorted, 4, 1);
    assert_eq!(rows.capacity(), 20_000 * (4 + ROW_OVERHEAD));
    assert!(rows.find(&[0x10, 0, 0x10, 1]).is_some());
    assert!(rows.find(&[0x11, 0, 0x10, 1]).is_none());
}

#[test]
fn serial_numbers_are_integers() {
    // -1 and 255, 1 and 00 01 (a certificate may be encoded so), 128 and -128.
    let rows = table(&[vec![0xff], vec![1], vec![0, 0x80]], 2, 100);
    for found in [
        &[0xff][..],
        &[0xff, 0xff],
        &[1],
        &[0, 1],
        &[0, 0, 0, 1],
        &[0, 0x80],
    ] {
        assert!(rows.find(found).is_some(), "{found:x?}");
    }
    for other in [&[0, 0xff][..], &[0x80], &[0], &[1, 0], &[1, 0, 0x80], &[]] {
        assert!(rows.find(other).is_none(), "{other:x?}");
    }
    assert!(table(&[], 0, 1).find(&[1]).is_none());
    assert!(table(&[], 0, 1).find(&[]).is_none());
}

#[test]
fn twenty_octets_are_found_and_more_are_nobodys() {
    let ca = plain_authority("ca");
    let longest = [0x7f; 20];
    let signed = [&[0], &[0xff; 20][..]].concat();
    let beyond = [0x7f; 22];
    let crl = Fields::of(&ca)
        .revoking(&[&longest, &signed, &beyond])
        .load(&ca)
        .unwrap();
    assert_eq!(crl.entries(), 3);
    assert!(is_revoked(&ask(&[&crl], &leaf(&ca, &longest), &ca)));
    assert!(is_revoked(&ask(&[&crl], &leaf(&ca, &signed), &ca)));
    assert!(is_good(&ask(&[&crl], &leaf(&ca, &longest[1..]), &ca)));
    assert_eq!(
        ask(&[&crl], &leaf(&ca, &beyond), &ca),
        CrlStatus::NotCovered(NotCovered::Serial)
    );
}

#[test]
fn memory_is_that_of_the_rows() {
    let ca = plain_authority("ca");
    let crl = Fields::of(&ca)
        .revoking(&[&[1; 16], &[2; 16]])
        .load(&ca)
        .unwrap();
    assert_eq!(crl.memory(), 2 * (16 + ROW_OVERHEAD));
    assert_eq!(Fields::of(&ca).load(&ca).unwrap().memory(), 0);
}
