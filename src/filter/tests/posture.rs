//! The role that looks at the proxy itself, over a host in memory.

use std::rc::Rc;

use super::{MS, NOW, causes};
use crate::config;
use crate::filter::{Call, Posture};
use crate::host::fake::FakeHost;
use crate::host::{CallAnswer, CallId};

const SECOND: u64 = 1_000 * MS;
const CERTS: &str = "/certs";
const STATS: &str = "/stats?filter=listener.*ssl.ocsp_staple_&format=json&usedonly";
const EMPTY: &str = r#"{"certificates":[]}"#;
const NO_STATS: &str = r#"{"stats":[]}"#;
/// A certificate without a staple, valid at [`NOW`].
const BARE: &str = r#"{"certificates":[{"cert_chain":[{"path":"a","serial_number":"0a",
    "valid_from":"2026-01-01T00:00:00Z","expiration_time":"2027-01-01T00:00:00Z"}]}]}"#;

struct Fixture {
    host: Rc<FakeHost>,
    role: Posture<Rc<FakeHost>>,
}

impl Fixture {
    fn new(fields: &str) -> Self {
        let host = Rc::new(FakeHost::default());
        host.now.set(NOW);
        let policy = format!(r#"{{"version":1,"posture":{{"cluster":"admin"}}{fields}}}"#);
        let policy = config::parse(policy.as_bytes(), 1_780_272_000).unwrap();
        let mut role = Posture::new(Rc::clone(&host), 1, policy).unwrap();
        role.schedule();
        Self { host, role }
    }

    /// The timer fires after what it was set to; all calls that are due are made.
    fn tick(&mut self) {
        let tick = u64::from(self.host.tick.get());
        assert!(tick > 0);
        self.host.now.set(self.host.now.get() + tick * MS);
        self.role.on_tick();
        while let Some(call) = self.role.take_call() {
            let id = call.make(&self.host);
            self.role.called(&call, id);
        }
    }

    /// The last call is answered.
    fn answer(&mut self, status: u32, body: &str) {
        let id = u32::try_from(self.host.calls.borrow().len()).unwrap();
        self.answer_to(id, status, body);
    }

    fn answer_to(&mut self, id: u32, status: u32, body: &str) {
        self.role.on_answer(&CallAnswer {
            id: CallId(id),
            status,
            content_type: "application/json".into(),
            body: body.as_bytes().to_vec(),
            etag: String::new(),
        });
    }

    fn paths(&self) -> Vec<String> {
        let called = self.host.called.borrow();
        called.iter().map(|(_, path)| path.clone()).collect()
    }

    fn looks(&self, result: &str) -> i64 {
        self.host
            .metric(&["posture_looks", &format!(".=.{result};")])
    }

    fn gauge(&self, parts: &[&str]) -> i64 {
        self.host.metric(parts)
    }
}

#[test]
fn a_policy_that_says_nothing_of_the_posture_makes_no_role() {
    let host = Rc::new(FakeHost::default());
    let policy = config::parse(br#"{"version":1}"#, 1_780_272_000).unwrap();
    assert!(Posture::new(host, 1, policy).is_none());
}

#[test]
fn both_pages_are_asked_for_once_an_interval() {
    let mut fixture = Fixture::new("");
    assert_eq!(fixture.host.tick.get(), 1);
    for look in 1..=3 {
        fixture.tick();
        assert_eq!(fixture.paths().last().unwrap(), CERTS);
        fixture.answer(200, EMPTY);
        assert_eq!(fixture.host.tick.get(), 1);
        fixture.tick();
        assert_eq!(fixture.paths().last().unwrap(), STATS);
        fixture.answer(200, NO_STATS);
        assert_eq!(fixture.host.tick.get(), 60_000);
        assert_eq!(fixture.paths().len(), 2 * look);
    }
    assert_eq!(causes(&fixture.host), [""; 0]);
    assert_eq!(fixture.looks("read"), 6);
    let called = fixture.host.called.borrow();
    assert!(called.iter().all(|(cluster, _)| cluster == "admin"));
}

#[test]
fn gauges_follow_and_events_are_told_once() {
    let mut fixture = Fixture::new("");
    let missing = ["cause.=.staple_missing;", "use.=.presented;"];
    for body in [BARE, BARE, BARE] {
        fixture.tick();
        fixture.answer(200, body);
        fixture.tick();
        fixture.answer(200, NO_STATS);
        assert_eq!(fixture.gauge(&missing), 1);
    }
    assert_eq!(causes(&fixture.host), ["staple_missing"]);
    assert_eq!(fixture.gauge(&["use.=.presented;", "certificates"]), 1);
    // From June 1 to January 1, less three looks.
    assert_eq!(fixture.gauge(&["use.=.presented;", "first_expiry"]), 213);
    fixture.tick();
    fixture.answer(200, EMPTY);
    assert_eq!(causes(&fixture.host), ["staple_missing"; 2]);
    assert_eq!(fixture.gauge(&missing), 0);
    assert_eq!(fixture.gauge(&["use.=.presented;", "certificates"]), 0);
}

#[test]
fn one_that_does_not_answer_is_asked_again_sooner() {
    let mut fixture = Fixture::new("");
    let failures = [(0, 0), (503, 0), (504, 0), (0, 1), (0, 1)];
    for ((failure, told), pause) in failures.into_iter().zip([1, 5, 10, 10, 10]) {
        fixture.tick();
        fixture.answer(failure, "no healthy upstream");
        assert_eq!(fixture.host.tick.get(), pause * 1_000);
        assert_eq!(causes(&fixture.host).len(), told);
    }
    assert_eq!(causes(&fixture.host), ["admin_unreachable"]);
    assert_eq!(fixture.paths(), [CERTS; 5]);
    assert_eq!(fixture.looks("unreachable"), 5);
    fixture.tick();
    fixture.answer(200, EMPTY);
    assert_eq!(causes(&fixture.host), ["admin_unreachable"; 2]);
}

#[test]
fn a_call_whose_answer_never_comes_is_given_up() {
    let mut fixture = Fixture::new("");
    for _ in 0..4 {
        fixture.tick();
        // The call's time-out and a margin.
        assert_eq!(fixture.host.tick.get(), 10_000);
        fixture.tick();
    }
    assert_eq!(causes(&fixture.host), ["admin_unreachable"]);
    // One that comes after all is nobody's.
    fixture.answer_to(1, 200, BARE);
    assert_eq!(causes(&fixture.host), ["admin_unreachable"]);
}

#[test]
fn a_call_that_cannot_be_made_is_as_one_without_an_answer() {
    let mut fixture = Fixture::new("");
    for _ in 0..4 {
        fixture.host.now.set(fixture.host.now.get() + 10 * SECOND);
        fixture.role.on_tick();
        let call = fixture.role.take_call().unwrap();
        assert!(matches!(call, Call::Look { .. }));
        fixture.role.called(&call, None);
    }
    assert_eq!(causes(&fixture.host), ["admin_unreachable"]);
}

#[test]
fn nonsense_is_told_at_once_and_of_each_page() {
    let mut fixture = Fixture::new("");
    for (status, body) in [(403, ""), (200, "<html>"), (404, EMPTY), (200, "{}")] {
        fixture.tick();
        fixture.answer(status, body);
        fixture.tick();
        fixture.answer(status, body);
        assert_eq!(fixture.host.tick.get(), 60_000);
    }
    assert_eq!(causes(&fixture.host), ["admin_answer_invalid"; 2]);
    assert_eq!(fixture.looks("invalid"), 8);
    let wrong = ["cause.=.admin_answer_invalid;"];
    assert_eq!(fixture.gauge(&wrong), 2);
    fixture.tick();
    fixture.answer(200, EMPTY);
    assert_eq!(fixture.gauge(&wrong), 1);
    fixture.tick();
    fixture.answer(200, NO_STATS);
    assert_eq!(fixture.gauge(&wrong), 0);
    assert_eq!(causes(&fixture.host), ["admin_answer_invalid"; 4]);
}

#[test]
fn a_clock_that_jumps_back_delays_no_look() {
    let mut fixture = Fixture::new("");
    fixture.tick();
    fixture.answer(200, EMPTY);
    fixture.tick();
    fixture.answer(200, NO_STATS);
    fixture.host.now.set(NOW - 3_600 * SECOND);
    fixture.role.on_tick();
    assert!(fixture.role.take_call().is_some());
}

#[test]
fn what_is_told_goes_to_the_collector_too() {
    let mut fixture = Fixture::new(r#","collector":{"cluster":"otel"}"#);
    fixture.tick();
    fixture.answer(200, BARE);
    for _ in 0..9 {
        if fixture.paths().iter().any(|path| path == "/v1/logs") {
            break;
        }
        fixture.tick();
    }
    let calls = fixture.host.calls.borrow();
    let batch = calls.iter().find(|body| body.contains("resourceLogs"));
    assert!(batch.unwrap().contains("staple_missing"));
}
