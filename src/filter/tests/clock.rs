//! A clock that jumps.

use super::*;
use crate::filter::Step;
use crate::host::Host;
use crate::host::attributes as at;

const POLICY: &str = r#"{
    "version": 1,
    "gate": {"timeout_ms": 100},
    "downstream": [{
        "name": "old", "match": {"filter_chains": ["old"]},
        "waive": [{"controls": ["V9.2.2"], "reason": "r", "until": "2026-06-30"}]
    }]
}"#;

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;

/// A jump, and whether a waiver until the end of June holds after it.
const JUMPS: [(u64, bool); 6] = [
    (NOW - 1, true),
    (NOW - SECOND, true),
    (NOW - 3_650 * DAY, true),
    (0, true),
    (NOW + 60 * DAY, false),
    (NOW + 36_500 * DAY, false),
];

fn connect(host: &FakeHost, stream: u32, tls: Option<&str>, chain: &str) {
    host.set(stream, at::CONNECTION_ID, u64::from(stream).to_le_bytes());
    host.set(stream, at::FILTER_CHAIN_NAME, chain);
    if let Some(tls) = tls {
        host.set(stream, at::CONNECTION_TLS_VERSION, tls);
    }
}

#[test]
fn a_clock_that_jumps_denies_and_permits_as_before() {
    for (jump, waiver_holds) in JUMPS {
        let (mut guard, host) = guard(Direction::Downstream, POLICY);
        connect(&host, 1, Some("TLSv1.3"), "new");
        connect(&host, 2, None, "new");
        connect(&host, 3, None, "old");
        // Known connections and new ones, before the jump, after it, and after the
        // clock was put right.
        let mut denied = 0;
        for (number, time) in [NOW, jump, NOW].into_iter().enumerate() {
            host.now.set(time);
            guard.on_tick();
            let late = number == 1 && !waiver_holds;
            for (stream, passes) in [
                (1, true),
                (2, false),
                (3, !late),
                (10 + u32::try_from(number).unwrap(), !late),
            ] {
                if stream >= 10 {
                    connect(&host, stream, None, "old");
                }
                for _ in 0..2 {
                    host.select(stream);
                    let step = guard.on_downstream_request(1);
                    let expected = if passes { Step::Continue } else { Step::Stop };
                    assert_eq!(step, expected, "{jump}, {number}: {stream}");
                    denied += i64::from(!passes);
                }
            }
            guard.on_tick();
        }
        assert_eq!(
            host.metric(&[".decisions", "verdict.=.deny;"]),
            denied,
            "{jump}"
        );
    }
}

#[test]
fn who_waits_at_the_gate_is_answered_though_the_clock_jumps() {
    for (jump, _) in JUMPS {
        let (mut guard, host) = guard(Direction::Upstream, POLICY);
        host.set(1, at::CLUSTER_NAME, "c");
        host.set(1, at::UPSTREAM_ADDRESS, "10.0.0.1:80");
        host.set(1, at::UPSTREAM_ATTEMPT, 1u64.to_le_bytes());
        host.select(1);
        assert_eq!(guard.on_upstream_request(1), Step::Stop);
        host.now.set(jump);
        // It looks again, by a timer that the clock does not hold back.
        for _ in 0..1_000 {
            assert!(host.tick.get() <= 100, "{jump}");
            host.now.set(host.now.get().saturating_add(100 * MS));
            guard.on_tick();
            if !statuses(&host, 1).is_empty() {
                break;
            }
        }
        assert_eq!(statuses(&host, 1), [503], "{jump}");
        assert_eq!(host.metric(&[".gate_pending"]), 0, "{jump}");
    }
}
