//! Whatever is done to an answer, it is refused or says the same: no mutation
//! makes a panic or another status.

use std::cell::RefCell;

use super::responder::*;
use crate::revocation::ocsp::signed::Signed;
use crate::revocation::ocsp::verify::verify_by;
use crate::revocation::ocsp::{Answer, CertStatus, Demands, OcspError};
use crate::trust::tests::pki::NOW;
use crate::trust::{NoHost, TrustError, signature};

/// A response, and the signatures that are needed to accept it.
///
/// Every other signature is invalid: that nobody can make one is what signatures
/// are for. So many thousands of mutations are judged in a second.
struct Original {
    response: Vec<u8>,
    signatures: Vec<[Vec<u8>; 4]>,
    answer: Answer,
}

impl Original {
    fn new(response: Vec<u8>) -> Self {
        let signatures = RefCell::new(Vec::new());
        let check = |spki: &[u8], signed: &Signed<'_>| {
            let (algorithm, message) = (signed.algorithm, signed.message);
            signature::check(&NoHost, spki, algorithm, message, signed.signature)?;
            signatures.borrow_mut().push(parts(spki, signed));
            Ok(())
        };
        let question = WORLD.question();
        let answer = verify_by(&response, &question, &Demands::default(), &check, at(NOW));
        Self {
            response,
            answer: answer.unwrap(),
            signatures: signatures.into_inner(),
        }
    }

    fn judge(&self, mutation: &[u8]) -> Result<Answer, OcspError> {
        let check = |spki: &[u8], signed: &Signed<'_>| {
            if self.signatures.contains(&parts(spki, signed)) {
                Ok(())
            } else {
                Err(TrustError::SignatureInvalid)
            }
        };
        let question = WORLD.question();
        verify_by(mutation, &question, &Demands::default(), &check, at(NOW))
    }
}

fn parts(spki: &[u8], signed: &Signed<'_>) -> [Vec<u8>; 4] {
    [spki, signed.message, signed.algorithm, signed.signature].map(<[u8]>::to_vec)
}

/// Answers of the issuer and of a delegate, of each status.
fn originals() -> [Original; 3] {
    let delegate = delegate(|_| {});
    let mut full = Single::with(&revoked(Some(1)));
    full.rest = explicit(1, &sequence(&[&extension(&[0x2a, 3], None, b"value")]));
    let by_delegate = Response::by(&delegate).change(|response| {
        response.singles = vec![full.der(), Single::with(UNKNOWN).der()];
        response.version = explicit(0, &[2, 1, 0]);
        response.responder = by_key(&delegate.key);
        response.certificates.push(WORLD.ca.der.clone());
    });
    [
        Response::good().signed(),
        Response::of(&full).signed(),
        by_delegate.signed_by(&delegate.key),
    ]
    .map(Original::new)
}

#[test]
fn no_bit_can_be_changed() {
    for original in originals() {
        for offset in 0..original.response.len() {
            for mask in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                let mut changed = original.response.clone();
                changed[offset] ^= mask;
                // Such as one in a certificate that is not the signer's.
                if let Ok(answer) = original.judge(&changed) {
                    assert_eq!(answer, original.answer, "octet {offset}, {mask:02x}");
                }
            }
        }
    }
}

#[test]
fn no_octet_can_be_left_out() {
    for original in originals() {
        let response = &original.response;
        for len in 0..response.len() {
            assert!(original.judge(&response[..len]).is_err(), "cut at {len}");
            let end = &response[response.len() - len..];
            assert!(original.judge(end).is_err(), "the last {len}");
            let mut without = response.clone();
            without.remove(len);
            assert!(original.judge(&without).is_err(), "without octet {len}");
        }
    }
}

#[test]
fn nothing_panics_behind_the_signature() {
    let mut seed = 1_u64;
    let mut random = move || {
        // Knuth's MMIX generator: the same mutations every time.
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap()
    };
    // To this one every signature is right.
    let gullible = |_: &[u8], _: &Signed<'_>| Ok(());
    let demands = Demands::default();
    let mut good = 0;
    for original in originals() {
        for _ in 0..20_000 {
            let mut changed = original.response.clone();
            for _ in 0..=random() % 4 {
                let at = random() % changed.len();
                match random() % 4 {
                    0 => changed[at] = random().to_le_bytes()[0],
                    1 => changed[at] ^= 1 << (random() % 8),
                    2 => drop(changed.remove(at)),
                    _ => changed.insert(at, random().to_le_bytes()[0]),
                }
            }
            let answer = verify_by(&changed, &WORLD.question(), &demands, &gullible, at(NOW));
            good += usize::from(answer.is_ok_and(|answer| answer.status == CertStatus::Good));
        }
    }
    // Such as one with another thisUpdate.
    assert!(good > 0);
}
