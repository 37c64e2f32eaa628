use super::*;
use crate::filter::Step;
use crate::filter::gate::QUICK_LOOKS;
use crate::host::Host;
use crate::host::attributes as at;

/// Plaintext is waived for the cluster `legacy`, and denied elsewhere.
const POLICY: &str = r#"{
    "version": 1,
    "gate": {"timeout_ms": 100, "max_pending": 2},
    "upstream": [{
        "name": "legacy", "match": {"clusters": ["legacy"]},
        "waive": [{"controls": ["V9.2.1", "V9.2.2"], "reason": "r", "until": "2026-12-31"}]
    }]
}"#;

fn arrive(host: &Rc<FakeHost>, stream: u32, cluster: &str) {
    host.set(stream, at::CLUSTER_NAME, cluster);
    host.set(stream, at::UPSTREAM_ADDRESS, "10.0.0.1:80");
    host.set(stream, at::UPSTREAM_ATTEMPT, 1u64.to_le_bytes());
    host.select(stream);
}

fn connected(host: &FakeHost, stream: u32) {
    host.set(stream, at::UPSTREAM_LOCAL_ADDRESS, "10.0.0.9:9");
}

#[test]
fn a_request_waits_for_its_connection() {
    let (mut guard, host) = guard(Direction::Upstream, POLICY);
    arrive(&host, 1, "legacy");
    assert_eq!(guard.on_upstream_request(1), Step::Stop);
    assert_eq!(acts(&host, 1), []);
    guard.on_wake();
    assert_eq!(acts(&host, 1), [], "still not connected");
    connected(&host, 1);
    guard.on_wake();
    assert_eq!(acts(&host, 1), [Act::Resume]);
    assert_eq!(host.metric(&[".gate_pending"]), 0);
    assert_eq!(host.tick.get(), 100, "for the counter alone");
    guard.on_tick();
    assert_eq!(host.tick.get(), 0);
}

#[test]
fn plaintext_is_denied_on_a_cold_and_on_a_warm_connection() {
    let (mut guard, host) = guard(Direction::Upstream, POLICY);
    arrive(&host, 1, "other");
    assert_eq!(guard.on_upstream_request(1), Step::Stop);
    connected(&host, 1);
    guard.on_wake();
    assert_eq!(statuses(&host, 1), [503]);
    arrive(&host, 2, "other");
    connected(&host, 2);
    assert_eq!(guard.on_upstream_request(2), Step::Stop);
    assert_eq!(statuses(&host, 2), [503]);
    assert_eq!(causes(&host), ["plaintext", "plaintext"]);
}

#[test]
fn evidence_of_a_later_attempt_is_not_this_ones() {
    for (change, value) in [
        (at::UPSTREAM_ATTEMPT, 2u64.to_le_bytes().to_vec()),
        (at::UPSTREAM_ADDRESS, b"10.0.0.2:80".to_vec()),
    ] {
        let (mut guard, host) = guard(Direction::Upstream, POLICY);
        arrive(&host, 1, "legacy");
        guard.on_upstream_request(1);
        connected(&host, 1);
        host.set(1, change, value);
        guard.on_wake();
        // The later attempt may succeed; until it does, this one waits.
        assert_eq!(acts(&host, 1), []);
        host.set(1, at::UPSTREAM_ATTEMPT, 1u64.to_le_bytes());
        host.set(1, at::UPSTREAM_ADDRESS, "10.0.0.1:80");
        guard.on_wake();
        assert_eq!(acts(&host, 1), [], "once superseded, never judged");
        host.now.set(NOW + 100 * MS);
        guard.on_tick();
        assert_eq!(statuses(&host, 1), [503]);
        assert_eq!(causes(&host), ["evidence_superseded"]);
        let event: serde_json::Value = serde_json::from_str(&host.lines.borrow()[0]).unwrap();
        assert_eq!(event["hopguard.attempt"], 1);
        assert_eq!(event["network.peer.address"], "10.0.0.1");
    }
}

#[test]
fn a_superseded_attempt_that_the_router_gives_up_is_no_failure() {
    let (mut guard, host) = guard(Direction::Upstream, POLICY);
    arrive(&host, 1, "legacy");
    guard.on_upstream_request(1);
    host.set(1, at::UPSTREAM_ATTEMPT, 2u64.to_le_bytes());
    host.set(1, at::UPSTREAM_FAILURE, "TLS_error of attempt 2");
    guard.on_upstream_done(1);
    assert_eq!(causes(&host), [""; 0]);
    assert_eq!(host.metric(&["gate_waits", "superseded"]), 1);
}

#[test]
fn in_a_listener_nothing_goes_through_or_waits() {
    let (mut guard, host) = guard(Direction::Upstream, POLICY);
    arrive(&host, 1, "legacy");
    host.unset(1, at::UPSTREAM_ADDRESS);
    for attempt in [Some(0u64), None] {
        match attempt {
            Some(number) => host.set(1, at::UPSTREAM_ATTEMPT, number.to_le_bytes()),
            None => host.unset(1, at::UPSTREAM_ATTEMPT),
        }
        assert_eq!(guard.on_upstream_request(1), Step::Misplaced);
    }
    assert_eq!(host.metric(&[".gate_pending"]), 0);
    assert_eq!(acts(&host, 1), []);
    // A cluster's shows one or the other.
    for (stream, absent) in [(2, at::UPSTREAM_ADDRESS), (3, at::UPSTREAM_ATTEMPT)] {
        arrive(&host, stream, "legacy");
        host.unset(stream, absent);
        assert_eq!(guard.on_upstream_request(stream), Step::Stop);
    }
    assert_eq!(host.metric(&[".gate_pending"]), 2);
}

#[test]
fn a_wait_ends_with_the_deadline() {
    let (mut guard, host) = guard(Direction::Upstream, POLICY);
    arrive(&host, 1, "legacy");
    guard.on_upstream_request(1);
    host.now.set(NOW + 99 * MS);
    guard.on_tick();
    assert_eq!(acts(&host, 1), []);
    host.now.set(NOW + 100 * MS);
    guard.on_tick();
    assert_eq!(statuses(&host, 1), [503]);
    assert_eq!(causes(&host), ["gate_timeout"]);
    assert_eq!(host.metric(&["gate_waits", "timeout"]), 1);
}

#[test]
fn too_many_may_not_wait() {
    let (mut guard, host) = guard(Direction::Upstream, POLICY);
    for stream in 1..=3 {
        arrive(&host, stream, "legacy");
        assert_eq!(guard.on_upstream_request(stream), Step::Stop);
    }
    assert_eq!(statuses(&host, 3), [503]);
    assert_eq!(causes(&host), ["gate_overflow"]);
    assert_eq!(host.metric(&[".gate_pending"]), 2);
}

#[test]
fn a_stream_that_is_gone_waits_no_more() {
    let (mut guard, host) = guard(Direction::Upstream, POLICY);
    arrive(&host, 1, "legacy");
    guard.on_upstream_request(1);
    guard.on_upstream_done(1);
    connected(&host, 1);
    guard.on_wake();
    assert_eq!(acts(&host, 1), []);
    assert_eq!(host.metric(&[".gate_pending"]), 0);
    assert_eq!(causes(&host), [""; 0]);
}

#[test]
fn a_connection_that_fails_while_a_request_waits_is_told() {
    let (mut guard, host) = guard(Direction::Upstream, POLICY);
    arrive(&host, 1, "legacy");
    guard.on_upstream_request(1);
    host.set(
        1,
        at::UPSTREAM_FAILURE,
        "TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER",
    );
    guard.on_upstream_done(1);
    assert_eq!(causes(&host), ["tls_plaintext_peer"]);
    assert_eq!(host.metric(&[".tls_failures", "tls_plaintext_peer"]), 1);
    assert!(!host.lines.borrow()[0].contains("hopguard.verdict"));
    assert_eq!(host.metric(&[".decisions"]), 0, "a failure is no decision");
}

#[test]
fn of_a_long_request_id_only_the_beginning_is_kept_and_all_of_it_counts() {
    let (mut guard, host) = guard(Direction::Upstream, POLICY);
    let id = "i".repeat(60_000);
    for (stream, id) in [(1, format!("{id}1")), (2, format!("{id}2"))] {
        arrive(&host, stream, "legacy");
        host.header(stream, "x-request-id", id);
        guard.on_upstream_request(stream);
        let kept: usize = guard
            .gate
            .all()
            .iter()
            .map(|w| format!("{w:?}").len())
            .sum();
        assert!(kept < 1_024, "{kept}");
        host.set(stream, at::UPSTREAM_FAILURE, "TLS_error:|268436526");
        guard.on_upstream_done(stream);
    }
    assert_eq!(causes(&host), ["tls_alert_other"; 2]);
    for line in host.lines.borrow().iter() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        let shown = event["hopguard.request.id"].as_str().unwrap();
        assert_eq!(shown, format!("{}…", "i".repeat(256)));
    }
}

#[test]
fn a_failure_without_a_reason_is_told_from_a_client_that_left() {
    for (reason, pool_answered, local_address, expected) in [
        (None, true, false, &["connection_unestablished"][..]),
        (None, true, true, &[]),
        (None, false, false, &[]),
        (
            Some("delayed connect error: Connection refused"),
            true,
            false,
            &["connection_refused"],
        ),
        (
            Some("TLS_error:|268436526"),
            true,
            false,
            &["tls_alert_other"],
        ),
    ] {
        let (mut guard, host) = guard(Direction::Upstream, POLICY);
        arrive(&host, 1, "legacy");
        guard.on_upstream_request(1);
        if let Some(reason) = reason {
            host.set(1, at::UPSTREAM_FAILURE, reason);
        }
        if pool_answered {
            host.set(1, at::UPSTREAM_POOL_ANSWERED, 1i64.to_le_bytes());
        }
        if local_address {
            connected(&host, 1);
        }
        guard.on_upstream_done(1);
        // Where there is no reason yet, a log may still bring one.
        guard.on_tick();
        assert_eq!(
            causes(&host),
            expected,
            "{reason:?} {pool_answered} {local_address}"
        );
    }
}

#[test]
fn looks_are_quick_and_then_timed() {
    let (mut guard, host) = guard(Direction::Upstream, POLICY);
    arrive(&host, 1, "legacy");
    guard.on_upstream_request(1);
    assert_eq!((host.wakes.get(), host.tick.get()), (1, 1));
    for _ in 0..100 {
        guard.on_wake();
    }
    assert!(host.wakes.get() <= QUICK_LOOKS, "no busy loop");
}

#[test]
fn without_wake_ups_the_timer_does() {
    let (mut guard, host) = guard(Direction::Upstream, POLICY);
    host.can_wake.set(false);
    arrive(&host, 1, "legacy");
    guard.on_upstream_request(1);
    assert_eq!(host.tick.get(), 1);
}

#[test]
fn a_warm_connection_is_asked_for_no_more_than_its_rules_need() {
    let (mut guard, host) = guard(
        Direction::Upstream,
        r#"{"version": 1, "upstream": [
        {"name": "all", "waive": [{"controls": ["V9.2.1", "V9.2.2"], "reason": "r", "until": "2026-12-31"}]}
    ]}"#,
    );
    arrive(&host, 1, "c");
    connected(&host, 1);
    host.set(1, at::UPSTREAM_TLS_VERSION, "TLSv1.3");
    assert_eq!(guard.on_upstream_request(1), Step::Continue);
    host.reads.borrow_mut().clear();
    assert_eq!(guard.on_upstream_request(1), Step::Continue);
    assert_eq!(
        *host.reads.borrow(),
        [at::UPSTREAM_TLS_VERSION, at::UPSTREAM_PEER_SHA256]
    );
}

#[test]
fn a_server_name_is_asked_for_only_where_a_rule_compares_it() {
    let policy = r#"{"version": 1, "upstream": [
        {"name": "legacy", "match": {"clusters": ["legacy"]},
         "waive": [{"controls": ["V9.2.1", "V9.2.2"], "reason": "r", "until": "2026-12-31"}],
         "require": {"peer_certificate": {"trust_stores": ["s"]}}}
    ], "default_trust_stores": ["s"], "trust_stores": [{"name": "s", "pinned_certificate_sha256": ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]}]}"#;
    let (mut guard, host) = guard(Direction::Upstream, policy);
    for (cluster, asked) in [("legacy", false), ("other", true)] {
        arrive(&host, 1, cluster);
        connected(&host, 1);
        host.set(1, at::UPSTREAM_TLS_VERSION, "TLSv1.3");
        host.set(1, at::UPSTREAM_SERVER_NAME, "a.example");
        guard.on_upstream_request(1);
        host.reads.borrow_mut().clear();
        guard.on_upstream_request(1);
        assert_eq!(
            host.reads.borrow().contains(&at::UPSTREAM_SERVER_NAME),
            asked,
            "{cluster}"
        );
    }
    assert_eq!(host.metric(&["flow_cache", "miss"]), 2);
    // Another server name on an equal connection is another flow.
    host.set(1, at::UPSTREAM_SERVER_NAME, "b.example");
    guard.on_upstream_request(1);
    assert_eq!(host.metric(&["flow_cache", "miss"]), 3);
}

#[test]
fn a_cluster_that_the_host_does_not_name_is_not_skipped_over() {
    let (mut guard, host) = guard(Direction::Upstream, POLICY);
    arrive(&host, 1, "legacy");
    host.unset(1, at::CLUSTER_NAME);
    connected(&host, 1);
    assert_eq!(guard.on_upstream_request(1), Step::Stop);
    assert_eq!(causes(&host), ["evidence_unreadable"]);
}

#[test]
fn a_verdict_of_the_time_before_the_clock_jumped_back_does_not_hold() {
    let (mut guard, host) = guard(Direction::Upstream, POLICY);
    let mut misses_after = |now: u64, stream: u32| {
        host.now.set(now);
        arrive(&host, stream, "legacy");
        connected(&host, stream);
        assert_eq!(guard.on_upstream_request(stream), Step::Continue);
        guard.on_tick();
        host.metric(&["flow_cache", "miss"])
    };
    let day = 86_400_000 * MS;
    assert_eq!(misses_after(NOW, 1), 1);
    assert_eq!(misses_after(NOW + 1_000 * MS, 2), 1);
    // The waiver was judged a day later than now; else it would be until then.
    assert_eq!(misses_after(NOW - day, 3), 2);
    assert_eq!(misses_after(NOW - day, 4), 2);
}
