//! Bytes as the answer of an OCSP responder.

use hopguard::revocation::ocsp::{
    Answer, CertStatus, Demands, MAX_RESPONSE, Nonce, NonceDemand, OcspError, verify,
};
use hopguard::trust::{Instant, NoHost, SignatureVerifier};

use super::verifier::Gullible;
use super::world::world;

/// Of so many well-formed inputs, one has its signatures checked in process, which is slow.
const IN_PROCESS: usize = 16;

pub fn fuzz_target(data: &[u8]) {
    nobody_else_can_answer(data, &world().taught);
    let at = world().at;
    match judge(data, &Gullible, at) {
        Ok(answer) => {
            assert!(data.len() <= MAX_RESPONSE);
            lasts(data, &answer, at);
            is_whole(data, &answer, at);
            worst_counts(&answer);
            is_about_the_certificate(data);
            if data.len().is_multiple_of(IN_PROCESS) {
                nobody_else_can_answer(data, &NoHost);
            }
        }
        // For one line of a log.
        Err(error) => {
            assert!(error.to_string().len() < 4_096, "{error}");
            assert!(error.code().starts_with("ocsp_"), "{error}");
        }
    }
    a_demanded_nonce_is_another(data);
}

fn judge(data: &[u8], verifier: &dyn SignatureVerifier, at: Instant) -> Result<Answer, OcspError> {
    verify(data, &world().question(), &Demands::default(), verifier, at)
}

/// Whatever is done to an answer, it says what its signer said or nothing.
fn nobody_else_can_answer(data: &[u8], verifier: &dyn SignatureVerifier) {
    if let Ok(answer) = judge(data, verifier, world().at) {
        assert!(world().answers.contains(&answer), "{answer:?}");
    }
}

/// It is of use from now on to its last second, and not after.
fn lasts(data: &[u8], answer: &Answer, at: Instant) {
    assert!(at.now < answer.valid_until);
    let skew = i64::from(at.skew);
    assert!(answer.this_update <= at.now + skew);
    assert!(answer.produced_at <= at.now + skew);
    let later = |now| judge(data, &Gullible, Instant { now, ..at });
    // Another certificate in it may begin later, or end later, and then it is the signer.
    let last = later(answer.valid_until - 1).unwrap();
    assert_eq!(last.status, answer.status);
    match later(answer.valid_until) {
        Ok(next) => assert_ne!(next.signed_by, answer.signed_by),
        Err(OcspError::Stale { .. } | OcspError::Invalid(_)) => {}
        Err(other) => panic!("{other}"),
    }
}

/// Nothing may follow, nothing may be missing.
fn is_whole(data: &[u8], answer: &Answer, at: Instant) {
    assert_eq!(judge(data, &Gullible, at).as_ref(), Ok(answer));
    assert!(judge(&[data, &[0]].concat(), &Gullible, at).is_err());
    assert!(judge(&data[..data.len() - 1], &Gullible, at).is_err());
    assert!(judge(&data[1..], &Gullible, at).is_err());
}

fn is_about_the_certificate(data: &[u8]) {
    let serial = world().server.serial();
    assert!(data.windows(serial.len()).any(|octets| octets == serial));
}

/// Of the same age, the worse stays.
fn worst_counts(answer: &Answer) {
    let with = |status| Answer { status, ..*answer };
    let revoked = with(CertStatus::Revoked {
        at: 0,
        reason: None,
    });
    let (good, unknown) = (with(CertStatus::Good), with(CertStatus::Unknown));
    assert!(!good.may_replace(&revoked) && !good.may_replace(&unknown));
    assert!(revoked.may_replace(answer) && answer.may_replace(&good));
}

/// Nobody guesses 32 octets.
fn a_demanded_nonce_is_another(data: &[u8]) {
    let demands = Demands {
        nonce: NonceDemand::Required(Nonce::new([0x5a; 32])),
        ..Demands::default()
    };
    let answer = verify(data, &world().question(), &demands, &Gullible, world().at);
    assert!(answer.is_err() || data.windows(32).any(|octets| octets == [0x5a; 32]));
}
