//! Hostile bytes: any answer but a panic, and never another list.

use super::made::{Fields, entry_of, issuing_point, point_name, reason};
use crate::revocation::crl::head::Head;
use crate::revocation::crl::{Budget, Crl, Limits, Loading, Progress};
use crate::trust::tests::pki::{NOW, at, plain_authority};
use crate::trust::{Certificate, NoHost, SignatureScheme, SignatureVerifier};

/// A generator of our own (xorshift64*, Vigna 2016), so that a failure comes
/// back.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % end
    }

    pub fn octet(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }
}

/// Takes every signature, so that what is behind it is read.
struct Gullible;

impl SignatureVerifier for Gullible {
    fn verify(&self, _: SignatureScheme, _: &[u8], _: &[u8], _: &[u8]) -> Option<bool> {
        Some(true)
    }
}

#[test]
fn no_change_makes_it_panic() {
    let ca = plain_authority("ca");
    let issuer = Certificate::parse(&ca.der).unwrap();
    let fields = Fields::of(&ca)
        .with(|fields| {
            fields.entries = Some(vec![
                entry_of(&[0x51; 16], &reason(1)),
                entry_of(&[0x52], &[]),
                entry_of(&[0, 0xff], &reason(6)),
            ]);
        })
        .extended(issuing_point(&[&point_name("http://crl.example/a.crl")]));
    let bytes = fields.signed_by(&ca.key);
    let mut random = Random::new(7);
    let mut used = 0;
    for round in 0..20_000 {
        let mut changed = bytes.clone();
        for _ in 0..=random.below(3) {
            let place = random.below(changed.len());
            match random.below(4) {
                0 => changed[place] ^= 1 << random.below(8),
                1 => changed[place] = random.octet(),
                2 => drop(changed.remove(place)),
                _ => changed.insert(place, random.octet()),
            }
        }
        let load = |host: &dyn SignatureVerifier| {
            Crl::load(
                changed.clone(),
                &[&issuer],
                at(NOW),
                Limits::default(),
                host,
            )
        };
        used += usize::from(load(&Gullible).is_ok());
        // In process, and in a debug build, a signature takes milliseconds.
        if round % 40 == 0 && changed != bytes {
            assert!(load(&NoHost).is_err(), "another list is used: {changed:x?}");
        }
    }
    // Some changes are no matter of form, so that entries were read as well.
    assert!(used > 1_000, "{used}");
}

#[test]
fn random_bytes_are_no_list() {
    let mut random = Random::new(8);
    for _ in 0..20_000 {
        let len = random.below(64);
        let mut bytes: Vec<u8> = (0..len).map(|_| random.octet()).collect();
        if let Some(first) = bytes.first_mut() {
            *first = 0x30;
        }
        assert!(Head::parse(&bytes).is_err());
    }
}

#[test]
fn small_steps_come_to_the_same_as_one() {
    let ca = plain_authority("ca");
    let issuer = Certificate::parse(&ca.der).unwrap();
    let mut random = Random::new(9);
    let serials: Vec<[u8; 16]> = (0..30_000)
        .map(|_| {
            let mut serial = [0; 16];
            serial.fill_with(|| random.octet());
            serial[0] = serial[0] & 0x3f | 0x40;
            serial
        })
        .collect();
    let serials: Vec<_> = serials.iter().map(<[u8; 16]>::as_slice).collect();
    let bytes = Fields::of(&ca).revoking(&serials).signed_by(&ca.key);
    let whole = Crl::load(
        bytes.clone(),
        &[&issuer],
        at(NOW),
        Limits::default(),
        &NoHost,
    )
    .unwrap();
    let budget = Budget {
        bytes: 65_537,
        entries: 777,
    };
    let mut loading = Loading::new(bytes, &[&issuer], at(NOW), Limits::default()).unwrap();
    let mut steps = 0;
    let stepped = loop {
        match loading.step(budget, &NoHost) {
            Progress::More(rest) => loading = rest,
            Progress::Done(crl) => break crl,
            Progress::Failed(error) => panic!("{error}"),
        }
        steps += 1;
    };
    assert!(steps > 100, "{steps}");
    assert_eq!(stepped, whole);
}

#[test]
fn limits_bind() {
    let ca = plain_authority("ca");
    let issuer = Certificate::parse(&ca.der).unwrap();
    let bytes = Fields::of(&ca)
        .revoking(&[&[1], &[2], &[3]])
        .signed_by(&ca.key);
    let load = |limits| Crl::load(bytes.clone(), &[&issuer], at(NOW), limits, &NoHost);
    let limits = |len, entries| Limits {
        bytes: len,
        entries,
    };
    assert!(load(limits(bytes.len(), 3)).is_ok());
    for tight in [limits(bytes.len() - 1, 3), limits(bytes.len(), 2)] {
        assert_eq!(load(tight).unwrap_err().code(), "crl_too_large");
    }
}
