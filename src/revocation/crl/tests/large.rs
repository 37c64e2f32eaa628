//! A list of a million.

use super::made::{Fields, entry_of, is_good, is_revoked, leaf, reason};
use super::mutations::Random;
use crate::revocation::crl::rows::ROW_OVERHEAD;
use crate::revocation::crl::{Budget, Limits, Loading, Progress, status};
use crate::trust::tests::pki::{NOW, at, plain_authority};
use crate::trust::{Certificate, NoHost};

#[derive(Clone, Copy, PartialEq)]
enum Order {
    /// As most CAs write them.
    Ascending,
    Random,
}

fn load(count: usize, order: Order) {
    let ca = plain_authority("ca");
    let issuer = Certificate::parse(&ca.der).unwrap();
    let mut random = Random::new(3);
    // One entry, and the same with another serial number, again and again.
    let one = entry_of(&[0x41; 20], &reason(1));
    let mut entries = one.repeat(count);
    let mut middle = Vec::new();
    for (index, entry) in entries.chunks_exact_mut(one.len()).enumerate() {
        for octets in entry[5..24].chunks_mut(8) {
            octets.copy_from_slice(&random.next().to_be_bytes()[..octets.len()]);
        }
        if order == Order::Ascending {
            entry[5..9].copy_from_slice(&u32::try_from(index).unwrap().to_be_bytes());
        }
        if index == count / 2 {
            middle = entry[4..24].to_vec();
        }
    }
    let fields = Fields::of(&ca).with(|fields| fields.entries = Some(vec![entries]));
    let bytes = fields.signed_by(&ca.key);
    let mut loading = Loading::new(bytes, &[&issuer], at(NOW), Limits::default()).unwrap();
    let crl = loop {
        match loading.step(Budget::default(), &NoHost) {
            Progress::More(rest) => loading = rest,
            Progress::Done(crl) => break crl,
            Progress::Failed(error) => panic!("{error}"),
        }
    };
    assert_eq!(crl.entries(), count);
    assert_eq!(crl.memory(), count * (20 + ROW_OVERHEAD));
    let ask = |serial: &[u8]| {
        let leaf = leaf(&ca, serial).parsed();
        let status = status(&[&crl], &leaf, &issuer, at(NOW));
        (is_good(&status), is_revoked(&status))
    };
    assert_eq!(ask(&middle), (false, true));
    middle[19] ^= 1;
    assert_eq!(ask(&middle), (true, false));
}

#[test]
fn a_million_entries_load_within_the_stated_memory() {
    load(1_000_000, Order::Ascending);
}

/// A tenth of that, because sorting is slow in a debug build.
#[test]
fn the_order_of_the_entries_is_no_matter() {
    load(100_000, Order::Random);
}
