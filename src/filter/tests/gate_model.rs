//! A model test of the gate: arrivals, connections, failures, time-outs, clients
//! that leave, new policies and looks, in every order up to a length, and in
//! longer ones by seeded walks. Whatever happens: no request is let go without
//! evidence of its own, each is answered or let go exactly once, none that is gone
//! is spoken of, none waits beyond its deadline, and nothing is left.

use super::*;
use crate::filter::Step;
use crate::host::Host;
use crate::host::attributes as at;

/// A policy under which plaintext is waived for one cluster.
fn policy(waived: &str, max_pending: usize) -> String {
    format!(
        r#"{{
            "version": 1,
            "gate": {{"timeout_ms": 50, "max_pending": {max_pending}}},
            "upstream": [{{
                "name": "waived", "match": {{"clusters": ["{waived}"]}},
                "waive": [{{"controls": ["V9.2.1", "V9.2.2"], "reason": "r", "until": "2026-12-31"}}]
            }}]
        }}"#
    )
}

/// The cluster that each policy waives: the second takes over after the first.
const CLUSTERS: [&str; 2] = ["old", "new"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    /// To this cluster, on a connection that is up or not.
    Arrive(u32, usize, bool),
    Connect(u32),
    /// A later attempt takes the attributes (hedging).
    Supersede(u32),
    /// The connection failed, and with it the stream.
    Fail(u32),
    /// The client is gone.
    Leave(u32),
    Wake,
    /// So many milliseconds pass, and the timer fires.
    Tick(u64),
    /// The clock jumps back, and the timer fires.
    Back,
    /// A new policy: requests that come from now on are under it.
    Reconfigure,
}

#[derive(Debug)]
struct Stream {
    id: u32,
    /// The policy it came under.
    guard: usize,
    is_waived: bool,
    is_connected: bool,
    is_superseded: bool,
    is_gone: bool,
    /// It was let through at once.
    passed: bool,
    waits: bool,
}

struct World {
    host: Rc<FakeHost>,
    guards: Vec<Guard<Rc<FakeHost>>>,
    max_pending: usize,
    streams: Vec<Stream>,
    latest: u64,
}

impl World {
    fn new(max_pending: usize) -> Self {
        let (guard, host) = guard(Direction::Upstream, &policy(CLUSTERS[0], max_pending));
        Self {
            host,
            guards: vec![guard],
            max_pending,
            streams: Vec::new(),
            latest: NOW,
        }
    }

    fn stream(&self, id: u32) -> Option<&Stream> {
        self.streams.iter().find(|s| s.id == id)
    }

    /// Whether the proxy could do this now.
    fn can(&self, op: Op) -> bool {
        let is_there = |id| self.stream(id).is_some_and(|s| !s.is_gone);
        match op {
            Op::Arrive(id, ..) => self.stream(id).is_none(),
            Op::Connect(id) => is_there(id) && self.stream(id).is_some_and(|s| !s.is_connected),
            Op::Supersede(id) => {
                is_there(id) && self.stream(id).is_some_and(|s| s.waits && !s.is_superseded)
            }
            Op::Fail(id) | Op::Leave(id) => is_there(id),
            Op::Wake | Op::Tick(_) | Op::Back => true,
            Op::Reconfigure => self.guards.len() < CLUSTERS.len(),
        }
    }

    fn apply(&mut self, op: Op) {
        let host = Rc::clone(&self.host);
        match op {
            Op::Arrive(id, cluster, is_connected) => self.arrive(id, cluster, is_connected),
            Op::Connect(id) => {
                host.set(id, at::UPSTREAM_LOCAL_ADDRESS, "10.0.0.9:9");
                self.change(id, |stream| stream.is_connected = true);
            }
            Op::Supersede(id) => {
                host.set(id, at::UPSTREAM_ATTEMPT, 2u64.to_le_bytes());
                self.change(id, |stream| stream.is_superseded = true);
            }
            Op::Fail(id) => {
                host.set(id, at::UPSTREAM_FAILURE, "TLS_error");
                self.end(id);
            }
            Op::Leave(id) => self.end(id),
            Op::Wake => self.guards.iter_mut().for_each(Guard::on_wake),
            Op::Tick(millis) => {
                host.now.set(host.now.get() + millis * MS);
                self.guards.iter_mut().for_each(Guard::on_tick);
            }
            Op::Back => {
                host.now.set(host.now.get() - 30 * MS);
                self.guards.iter_mut().for_each(Guard::on_tick);
            }
            Op::Reconfigure => {
                let text = policy(CLUSTERS[self.guards.len()], self.max_pending);
                let policy = config::parse(text.as_bytes(), 1_780_272_000).unwrap();
                let ports = ports(&host);
                let direction = Direction::Upstream;
                let new = Guard::new(host, 2, direction, policy, &ports, Seen::default());
                self.guards.push(new);
            }
        }
        self.latest = self.latest.max(self.host.now.get());
    }

    fn arrive(&mut self, id: u32, cluster: usize, is_connected: bool) {
        let host = &self.host;
        host.set(id, at::CLUSTER_NAME, CLUSTERS[cluster]);
        host.set(id, at::UPSTREAM_ADDRESS, "10.0.0.1:80");
        host.set(id, at::UPSTREAM_ATTEMPT, 1u64.to_le_bytes());
        if is_connected {
            host.set(id, at::UPSTREAM_LOCAL_ADDRESS, "10.0.0.9:9");
        }
        host.select(id);
        let guard = self.guards.len() - 1;
        let step = self.guards[guard].on_upstream_request(id);
        assert_ne!(step, Step::Misplaced);
        let is_waived = cluster == guard;
        let passed = step == Step::Continue;
        assert!(
            !passed || is_waived && is_connected,
            "let through without evidence"
        );
        let waits = step == Step::Stop && acts(host, id).is_empty();
        self.streams.push(Stream {
            id,
            guard,
            is_waived,
            is_connected,
            is_superseded: false,
            is_gone: false,
            passed,
            waits,
        });
    }

    fn end(&mut self, id: u32) {
        self.host.select(id);
        let guard = self.stream(id).unwrap().guard;
        let before = acts(&self.host, id).len();
        self.guards[guard].on_upstream_done(id);
        assert_eq!(acts(&self.host, id).len(), before, "spoken of at its end");
        self.change(id, |stream| {
            stream.is_gone = true;
            stream.waits = false;
        });
    }

    fn change(&mut self, id: u32, change: impl FnOnce(&mut Stream)) {
        change(self.streams.iter_mut().find(|s| s.id == id).unwrap());
    }

    /// What holds after each step.
    fn check(&mut self) {
        for stream in &mut self.streams {
            let acts = acts(&self.host, stream.id);
            let answers = acts.len() + usize::from(stream.passed);
            assert!(answers <= 1, "{stream:?} got {acts:?}");
            match acts.first() {
                None => continue,
                Some(Act::Resume) => assert!(
                    stream.is_waived && stream.is_connected && !stream.is_superseded,
                    "{stream:?} was let go without evidence"
                ),
                Some(act) => assert!(matches!(act, Act::Respond(503, _)), "{act:?}"),
            }
            assert!(!stream.is_gone || !stream.waits, "{stream:?}: {acts:?}");
            stream.waits = false;
        }
        let waiting = |guard| {
            let of_guard = self.streams.iter().filter(|s| s.guard == guard);
            of_guard.filter(|s| s.waits).count()
        };
        for (index, guard) in self.guards.iter().enumerate() {
            assert_eq!(guard.gate.len(), waiting(index));
            assert!(guard.gate.len() <= self.max_pending);
        }
        let all = self.streams.iter().filter(|s| s.waits).count();
        assert_eq!(self.host.metric(&[".gate_pending"]), all as i64);
        // The host in memory has one timer, and each root one of its own.
        let is_looked_after = self.guards.len() > 1 || self.host.tick.get() > 0;
        assert!(all == 0 || is_looked_after, "nobody will look");
    }

    /// After the deadline of all, each that is not gone was answered, and nothing
    /// is left to do.
    fn finish(mut self) {
        self.host.now.set(self.latest + 51 * MS);
        for _ in 0..2 {
            self.guards.iter_mut().for_each(Guard::on_tick);
            self.check();
        }
        for stream in &self.streams {
            let answers = acts(&self.host, stream.id).len() + usize::from(stream.passed);
            assert!(!stream.waits, "{stream:?}");
            assert!(answers == 1 || stream.is_gone, "{stream:?}: no answer");
        }
        assert_eq!(self.host.metric(&[".gate_pending"]), 0);
    }
}

/// Says what led to a failure.
struct Trail(Vec<Op>);

impl Drop for Trail {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("after {:?}", self.0);
        }
    }
}

/// Runs these steps, and returns which could come next.
fn run(steps: &[Op], ops: &[Op], max_pending: usize) -> Vec<Op> {
    let _trail = Trail(steps.to_vec());
    let mut world = World::new(max_pending);
    for step in steps {
        world.apply(*step);
        world.check();
    }
    let next = ops.iter().filter(|op| world.can(**op)).copied().collect();
    world.finish();
    next
}

/// Every order of these of at most so many steps. Returns how many there were.
fn explore(ops: &[Op], max_pending: usize, depth: usize) -> usize {
    let mut open = vec![Vec::new()];
    let mut count = 0;
    while let Some(steps) = open.pop() {
        count += 1;
        let next = run(&steps, ops, max_pending);
        if steps.len() < depth {
            open.extend(next.into_iter().map(|op| [&steps[..], &[op]].concat()));
        }
    }
    count
}

/// What can happen to one request.
fn of_one(id: u32) -> [Op; 8] {
    [
        Op::Arrive(id, 0, false),
        Op::Arrive(id, 1, false),
        Op::Arrive(id, 0, true),
        Op::Arrive(id, 1, true),
        Op::Connect(id),
        Op::Supersede(id),
        Op::Fail(id),
        Op::Leave(id),
    ]
}

const OF_ALL: [Op; 5] = [
    Op::Wake,
    Op::Tick(20),
    Op::Tick(60),
    Op::Back,
    Op::Reconfigure,
];

#[test]
fn one_request_in_every_order() {
    // On a connection that is up it never waits: those are in the shorter ones.
    let waits = |op: &Op| !matches!(op, Op::Arrive(.., true));
    let ops: Vec<Op> = of_one(1).into_iter().filter(waits).chain(OF_ALL).collect();
    let count = explore(&ops, 1, 5);
    println!("one request: {count} orders");
    assert!(count > 10_000, "{count}");
}

#[test]
fn two_requests_in_every_order() {
    // Two places for one request: the second may find the room full.
    let ops = [&of_one(1)[..], &of_one(2), &OF_ALL].concat();
    for max_pending in [1, 2] {
        let count = explore(&ops, max_pending, 3);
        println!("two requests, room for {max_pending}: {count} orders");
        assert!(count > 1_000, "{count}");
    }
}

/// A generator that needs no crate (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % n as u64).unwrap()
    }
}

#[test]
fn many_requests_in_long_walks() {
    for seed in 0..300 {
        let mut random = Random(seed);
        let mut world = World::new(4);
        let mut trail = Trail(Vec::new());
        for _ in 0..200 {
            let next = u32::try_from(world.streams.len()).unwrap() + 1;
            let id = u32::try_from(random.below(next as usize)).unwrap() + 1;
            let ops = match random.below(2) {
                0 => of_one(id).to_vec(),
                _ => [&OF_ALL[..], &of_one(next)[..4]].concat(),
            };
            let op = ops[random.below(ops.len())];
            if world.can(op) {
                trail.0.push(op);
                world.apply(op);
                world.check();
            }
        }
        world.finish();
    }
}
