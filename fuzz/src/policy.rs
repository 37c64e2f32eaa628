//! Bytes as a policy.

use hopguard::config::{MAX_BYTES, MAX_RULES, parse};
use hopguard::decision::{Direction, Policy};
use serde_json::Value;

use super::world::world;

pub fn fuzz_target(data: &[u8]) {
    match parse(data, world().at.now) {
        Ok(policy) => {
            assert!(data.len() <= MAX_BYTES);
            is_complete(&policy);
            is_the_same_in_other_words(data, &policy);
            nothing_may_be_missing(data);
        }
        Err(error) => assert!(error.to_string().starts_with("the policy is refused: ")),
    }
}

/// Each direction has its rules, and the default behind them.
fn is_complete(policy: &Policy) {
    for direction in [Direction::Downstream, Direction::Upstream] {
        let rules = policy.rules(direction).iter().count();
        assert!((1..=MAX_RULES + 1).contains(&rules));
    }
    assert!(policy.revocation.max_wait_ms <= policy.gate.timeout_ms);
}

/// Order of fields, spaces and escapes mean nothing.
fn is_the_same_in_other_words(data: &[u8], policy: &Policy) {
    let value: Value = serde_json::from_slice(data).unwrap();
    for words in [format!("{value}"), format!("\n{value:#}\t")] {
        let other = parse(words.as_bytes(), world().at.now).unwrap();
        assert_eq!(format!("{other:?}"), format!("{policy:?}"));
    }
}

fn nothing_may_be_missing(data: &[u8]) {
    let data = data.trim_ascii();
    for cut in [&data[1..], &data[..data.len() - 1]] {
        assert!(parse(cut, world().at.now).is_err());
    }
    for surplus in [&b"{}"[..], b",", b"\0"] {
        assert!(parse(&[data, surplus].concat(), world().at.now).is_err());
    }
    // What is unknown is not ignored.
    let unknown = [&data[..data.len() - 1], b",\"unknown\":1}"].concat();
    assert!(parse(&unknown, world().at.now).is_err());
}
