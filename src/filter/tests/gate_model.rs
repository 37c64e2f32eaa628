//! A model test of the gate: arrivals, connections, failures, time-outs,
//! abandonment and looks in every order, by a seeded walk. Whatever happens:
//! no stream is let go without evidence of its own, each stream is answered or
//! let go at most once, none is kept beyond its deadline, and nothing is left.

use std::collections::HashMap;

use super::*;
use crate::filter::Step;
use crate::host::Host;
use crate::host::attributes as at;

const POLICY: &str = r#"{
    "version": 1,
    "gate": {"timeout_ms": 50, "max_pending": 4},
    "upstream": [{
        "name": "legacy", "match": {"clusters": ["legacy"]},
        "waive": [{"controls": ["V9.2.1", "V9.2.2"], "reason": "r", "until": "2026-12-31"}]
    }]
}"#;

#[derive(Default)]
struct Stream {
    legacy: bool,
    connected: bool,
    superseded: bool,
    waits: bool,
    since: u64,
}

/// A generator that needs no crate (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

fn check(host: &FakeHost, streams: &mut HashMap<u32, Stream>, seed: u64) {
    for (id, stream) in streams.iter_mut() {
        let acts = acts(host, *id);
        assert!(acts.len() <= 1, "seed {seed}: stream {id} got {acts:?}");
        match acts.first() {
            Some(Act::Resume) => assert!(
                stream.legacy && stream.connected && !stream.superseded,
                "seed {seed}: stream {id} was let go without evidence"
            ),
            Some(_) => {}
            None => continue,
        }
        stream.waits = false;
    }
}

fn walk(seed: u64) {
    let (mut guard, host) = guard(Direction::Upstream, POLICY);
    let mut random = Random(seed);
    let mut streams: HashMap<u32, Stream> = HashMap::new();
    let mut next = 0u32;
    for _ in 0..200 {
        let some =
            |random: &mut Random| u32::try_from(random.below(u64::from(next.max(1)))).unwrap() + 1;
        match random.below(8) {
            0 | 1 => {
                next += 1;
                let legacy = random.below(2) == 0;
                host.set(
                    next,
                    at::CLUSTER_NAME,
                    if legacy { "legacy" } else { "other" },
                );
                host.set(next, at::UPSTREAM_ADDRESS, "10.0.0.1:80");
                host.set(next, at::UPSTREAM_ATTEMPT, 1u64.to_le_bytes());
                let connected = random.below(4) == 0;
                if connected {
                    host.set(next, at::UPSTREAM_LOCAL_ADDRESS, "10.0.0.9:9");
                }
                host.select(next);
                let step = guard.on_upstream_request(next);
                if step == Step::Continue {
                    assert!(
                        legacy && connected,
                        "seed {seed}: let through without evidence"
                    );
                }
                let waits = step == Step::Stop && acts(&host, next).is_empty();
                let since = host.now.get();
                streams.insert(
                    next,
                    Stream {
                        legacy,
                        connected,
                        waits,
                        since,
                        superseded: false,
                    },
                );
            }
            2 => {
                let id = some(&mut random);
                if let Some(stream) = streams.get_mut(&id) {
                    stream.connected = true;
                    host.set(id, at::UPSTREAM_LOCAL_ADDRESS, "10.0.0.9:9");
                }
            }
            3 => {
                let id = some(&mut random);
                if let Some(stream) = streams.get_mut(&id).filter(|s| s.waits) {
                    stream.superseded = true;
                    host.set(id, at::UPSTREAM_ATTEMPT, 2u64.to_le_bytes());
                }
            }
            4 => {
                let id = some(&mut random);
                if let Some(stream) = streams.get_mut(&id) {
                    if random.below(2) == 0 {
                        host.set(id, at::UPSTREAM_FAILURE, "TLS_error");
                    }
                    host.select(id);
                    guard.on_upstream_done(id);
                    stream.waits = false;
                }
            }
            5 => {
                let step = random.below(30) * MS;
                // Now and then the clock jumps back.
                let now = host.now.get();
                host.now.set(if random.below(10) == 0 {
                    now - step
                } else {
                    now + step
                });
            }
            6 => guard.on_wake(),
            _ => guard.on_tick(),
        }
        check(&host, &mut streams, seed);
        let waiting = streams.values().filter(|s| s.waits).count();
        assert!(waiting <= 4, "seed {seed}: {waiting} wait");
        assert_eq!(
            host.metric(&[".gate_pending"]),
            waiting as i64,
            "seed {seed}"
        );
    }
    let latest = streams.values().map(|s| s.since).max().unwrap_or(NOW);
    host.now.set(latest.max(host.now.get()) + 51 * MS);
    guard.on_tick();
    check(&host, &mut streams, seed);
    assert_eq!(
        streams.values().filter(|s| s.waits).count(),
        0,
        "seed {seed}"
    );
    assert_eq!(host.metric(&[".gate_pending"]), 0, "seed {seed}");
}

#[test]
fn the_gate_keeps_its_promises_in_every_order() {
    for seed in 0..300 {
        walk(seed);
    }
}
