//! Answers that all workers of the process share, so that one of them asks for
//! all.
//!
//! A value is a claim (somebody asks, until then) or an answer (since then). What
//! comes from here is verified like what comes from a responder. The places are
//! fixed in number; two certificates that have one place push each other out,
//! which costs a request.

use sha2::{Digest as _, Sha256};

use crate::revocation::SharedData;
use crate::revocation::ocsp::CacheKey;

/// Places: as many as one worker keeps statuses (`revocation::store`). With
/// answers of 2 KiB, 8 MiB a process.
const PLACES: u16 = 4_096;
/// The form of the values.
const FORM: u8 = 1;
const CLAIM: u8 = 0;
const ANSWER: u8 = 1;

/// What is to be done about a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// This worker asks.
    Ours,
    /// Another one does.
    Others,
    /// One has asked: the answer, and when it came, in nanoseconds.
    Answered(Vec<u8>, u64),
}

/// Makes the places, where they are not made yet. Only on the main thread, before
/// any worker looks: a value that is not there cannot be claimed without a race.
pub fn prepare(data: &dyn SharedData) {
    for place in 0..PLACES {
        let key = key_of(place);
        if data.get(&key).is_none() {
            data.set(&key, &[], 0);
        }
    }
}

/// Claims to ask about a certificate, unless an answer is there that is newer than
/// this time, or somebody asks already. The claim ends by itself.
pub fn claim(
    data: &dyn SharedData,
    key: &CacheKey,
    newer_than: u64,
    now: u64,
    until: u64,
) -> Claim {
    let (place, digest) = place_of(key);
    let Some((value, version)) = data.get(&place) else {
        // No places: each asks for itself.
        return Claim::Ours;
    };
    match read(&value, &digest) {
        Some((ANSWER, at, answer)) if at > newer_than && at <= now => {
            return Claim::Answered(answer.to_vec(), at);
        }
        // A claim that ends too late is of a clock that jumped back.
        Some((CLAIM, end, _)) if now < end && end - now <= until.saturating_sub(now) => {
            return Claim::Others;
        }
        _ => {}
    }
    if data.set(&place, &write(CLAIM, until, &digest, &[]), version) {
        Claim::Ours
    } else {
        Claim::Others
    }
}

/// Shares an answer that holds.
pub fn share(data: &dyn SharedData, key: &CacheKey, answer: &[u8], now: u64) {
    let (place, digest) = place_of(key);
    if data.get(&place).is_some() {
        data.set(&place, &write(ANSWER, now, &digest, answer), 0);
    }
}

/// Gives a claim up, for others to try.
pub fn give_up(data: &dyn SharedData, key: &CacheKey) {
    let (place, digest) = place_of(key);
    if let Some((value, version)) = data.get(&place)
        && let Some((CLAIM, ..)) = read(&value, &digest)
    {
        data.set(&place, &write(CLAIM, 0, &digest, &[]), version);
    }
}

fn key_of(place: u16) -> String {
    format!("hopguard.ocsp.{place}")
}

fn place_of(key: &CacheKey) -> (String, [u8; 32]) {
    let digest: [u8; 32] = Sha256::digest(key.to_string()).into();
    let [first, second, ..] = digest;
    let place = u16::from_be_bytes([first, second]) % PLACES;
    (key_of(place), digest)
}

fn write(kind: u8, time: u64, digest: &[u8; 32], payload: &[u8]) -> Vec<u8> {
    [&[FORM, kind][..], &time.to_le_bytes(), digest, payload].concat()
}

fn read<'a>(value: &'a [u8], digest: &[u8; 32]) -> Option<(u8, u64, &'a [u8])> {
    let (head, payload) = value.split_first_chunk::<42>()?;
    let ([form, kind, time @ ..], whose) = (head.first_chunk::<10>()?, head.last_chunk::<32>()?);
    let is_ours = *form == FORM && whose == digest;
    is_ours.then(|| (*kind, u64::from_le_bytes(*time), payload))
}

#[cfg(test)]
#[path = "tests/share.rs"]
mod tests;
