use super::*;
use crate::filter::Step;
use crate::host::Host;
use crate::host::attributes as at;

const TLS_ONLY: &str = r#"{"version": 1}"#;

fn connect(host: &FakeHost, stream: u32, id: u64, tls: Option<&str>) {
    host.set(stream, at::CONNECTION_ID, id.to_le_bytes());
    if let Some(tls) = tls {
        host.set(stream, at::CONNECTION_TLS_VERSION, tls);
    }
}

#[test]
fn plaintext_is_denied_and_tls_is_not() {
    let (mut guard, host) = guard(Direction::Downstream, TLS_ONLY);
    connect(&host, 1, 1, None);
    connect(&host, 2, 2, Some("TLSv1.2"));
    connect(&host, 3, 3, Some("TLSv1.1"));
    for (stream, step) in [(1, Step::Stop), (2, Step::Continue), (3, Step::Stop)] {
        host.select(stream);
        assert_eq!(guard.on_downstream_request(1), step, "{stream}");
    }
    assert_eq!(statuses(&host, 1), [403]);
    assert_eq!(acts(&host, 2), []);
    assert_eq!(statuses(&host, 3), [403]);
    assert_eq!(causes(&host), ["plaintext", "tls_version_too_old"]);
    assert_eq!(host.metric(&[".decisions", "deny"]), 2);
    // What passed is told in batches.
    assert_eq!(host.metric(&[".decisions", "permit"]), 0);
    assert_eq!(host.tick.get(), 100);
    guard.on_tick();
    assert_eq!(host.metric(&[".decisions", "permit"]), 1);
    assert_eq!(host.tick.get(), 0);
}

#[test]
fn a_known_connection_is_asked_for_its_id_only() {
    let (mut guard, host) = guard(Direction::Downstream, TLS_ONLY);
    connect(&host, 1, 9, Some("TLSv1.3"));
    host.select(1);
    guard.on_downstream_request(1);
    for read_too in [&[at::UPSTREAM_ADDRESS][..], &[], &[]] {
        host.reads.borrow_mut().clear();
        assert_eq!(guard.on_downstream_request(1), Step::Continue);
        let reads = [&[at::CONNECTION_ID], read_too].concat();
        assert_eq!(*host.reads.borrow(), reads);
    }
}

#[test]
fn in_a_cluster_nothing_goes_through() {
    let (mut guard, host) = guard(Direction::Downstream, TLS_ONLY);
    // One and the same plugin in a listener (1) and in a cluster (2): both show
    // the client's connection.
    let (listener, cluster) = (1, 2);
    for connection in [7, 8] {
        for stream in [listener, cluster] {
            connect(&host, stream, connection, Some("TLSv1.3"));
        }
        host.set(cluster, at::UPSTREAM_ADDRESS, "10.0.0.1:80");
        for _ in 0..3 {
            host.select(listener);
            assert_eq!(guard.on_downstream_request(listener), Step::Continue);
            host.select(cluster);
            assert_eq!(guard.on_downstream_request(cluster), Step::Misplaced);
        }
    }
    guard.on_tick();
    assert_eq!(host.metric(&[".decisions"]), 6, "the listener's");
}

#[test]
fn an_answer_tells_the_code_and_the_events_id_and_nothing_else() {
    let (mut guard, host) = guard(Direction::Downstream, TLS_ONLY);
    connect(&host, 1, 1, None);
    host.select(1);
    guard.on_downstream_request(1);
    let Act::Respond(_, body) = acts(&host, 1)[0].clone() else {
        panic!("no answer");
    };
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let event: serde_json::Value = serde_json::from_str(&host.lines.borrow()[0]).unwrap();
    assert_eq!(body.as_object().unwrap().len(), 2);
    assert_eq!(body["code"], "hopguard_denied");
    assert_eq!(body["id"], event["hopguard.event.id"]);
}

#[test]
fn bytes_that_are_not_utf8_do_no_harm() {
    let (mut guard, host) = guard(
        Direction::Downstream,
        r#"{"version": 1, "downstream": [
            {"name": "host", "match": {"hosts": ["*.example"], "paths": ["/a/**"]}}
        ]}"#,
    );
    connect(&host, 1, 1, Some("TLSv1.3"));
    for path in [
        at::CONNECTION_SERVER_NAME,
        at::SOURCE_ADDRESS,
        at::DESTINATION_ADDRESS,
        at::FILTER_CHAIN_NAME,
    ] {
        host.set(1, path, b"\xff\xfe\x00\"\r\n");
    }
    for name in [":authority", ":path", "x-request-id"] {
        host.header(1, name, b"\xff\xfe\x00\"\r\n");
    }
    host.set(1, at::CONNECTION_PEER_SHA256, b"\xff");
    host.select(1);
    assert_eq!(guard.on_downstream_request(1), Step::Stop);
    assert_eq!(causes(&host), ["evidence_unreadable"]);
    assert!(!host.lines.borrow()[0].contains('\n'));
}

#[test]
fn rules_by_host_and_path_judge_each_request() {
    let (mut guard, host) = guard(
        Direction::Downstream,
        r#"{"version": 1, "downstream": [
            {"name": "admin", "match": {"hosts": ["admin.example"], "paths": ["/x/**"]},
             "require": {"min_tls_version": "1.3"}}
        ]}"#,
    );
    connect(&host, 1, 1, Some("TLSv1.2"));
    host.select(1);
    for (authority, path, step) in [
        ("ADMIN.example:8443", "/x/y?z", Step::Stop),
        ("admin.example", "/y", Step::Continue),
        ("other.example", "/x/y", Step::Continue),
        ("admin.example.", "/x/y", Step::Stop),
    ] {
        host.header(1, ":authority", authority);
        host.header(1, ":path", path);
        assert_eq!(guard.on_downstream_request(1), step, "{authority} {path}");
    }
}

#[test]
fn a_path_that_can_be_read_in_two_ways_chooses_no_rule() {
    let (mut guard, host) = guard(
        Direction::Downstream,
        r#"{"version": 1, "downstream": [
            {"name": "public", "match": {"paths": ["/public/**"]},
             "waive": [{"controls": ["V9.2.2"], "reason": "r", "until": "2026-12-31"}]}
        ]}"#,
    );
    connect(&host, 1, 1, None);
    host.select(1);
    for (path, step, cause) in [
        ("/public/a%20b", Step::Continue, None),
        ("/public//a", Step::Continue, None),
        ("/secret", Step::Stop, Some("plaintext")),
        ("/public/../secret", Step::Stop, Some("path_ambiguous")),
        (
            "/public/..%2fsecret?/public/",
            Step::Stop,
            Some("path_ambiguous"),
        ),
        ("/x/%2e./public/a", Step::Stop, Some("path_ambiguous")),
    ] {
        host.header(1, ":path", path);
        let before = causes(&host).len();
        assert_eq!(guard.on_downstream_request(1), step, "{path}");
        assert_eq!(
            causes(&host).get(before).map(String::as_str),
            cause,
            "{path}"
        );
    }
}

#[test]
fn an_address_selects_by_range() {
    let (mut guard, host) = guard(
        Direction::Downstream,
        r#"{"version": 1, "downstream": [
            {"name": "inside", "match": {"addresses": ["10.0.0.0/8"]},
             "waive": [{"controls": ["V9.2.2"], "reason": "r", "until": "2026-12-31"}]}
        ]}"#,
    );
    for (id, address, step) in [
        (1, "10.1.2.3:5", Step::Continue),
        (2, "11.1.2.3:5", Step::Stop),
        (3, "garbage", Step::Stop),
    ] {
        connect(&host, 1, id, None);
        host.set(1, at::SOURCE_ADDRESS, address);
        host.select(1);
        assert_eq!(guard.on_downstream_request(1), step, "{address}");
    }
}

#[test]
fn an_address_that_the_client_wrote_selects_nothing() {
    let (mut guard, host) = guard(
        Direction::Downstream,
        r#"{"version": 1, "downstream": [
            {"name": "inside", "match": {"addresses": ["10.0.0.0/8"]},
             "waive": [{"controls": ["V9.2.2"], "reason": "r", "until": "2026-12-31"}]}
        ]}"#,
    );
    connect(&host, 1, 1, None);
    host.set(1, at::SOURCE_ADDRESS, "10.1.2.3:0");
    host.select(1);
    assert_eq!(guard.on_downstream_request(1), Step::Stop);
    assert_eq!(causes(&host), ["address_from_header"]);
    assert!(!host.lines.borrow()[0].contains("10.1.2.3"));
    // The next request may show the true one.
    host.set(1, at::SOURCE_ADDRESS, "10.1.2.3:77");
    assert_eq!(guard.on_downstream_request(1), Step::Continue);
}

#[test]
fn a_flood_is_folded_and_summed_up() {
    let (mut guard, host) = guard(Direction::Downstream, TLS_ONLY);
    connect(&host, 1, 1, None);
    host.select(1);
    for _ in 0..25 {
        guard.on_downstream_request(1);
    }
    assert_eq!(host.metric(&[".events", "logged"]), 10);
    assert_eq!(host.metric(&[".events", "folded"]), 15);
    assert!(host.tick.get() > 0, "a timer for the summary");
    host.now.set(NOW + 61_000 * MS);
    guard.on_tick();
    let lines = host.lines.borrow();
    let summary: serde_json::Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    assert_eq!(summary["event.name"], "hopguard.summary");
    assert_eq!(summary["hopguard.folded.count"], 15);
    assert_eq!(host.tick.get(), 0, "no timer while nothing is folded");
}

#[test]
fn what_was_folded_is_told_at_the_end() {
    let (mut guard, host) = guard(Direction::Downstream, TLS_ONLY);
    connect(&host, 1, 1, None);
    host.select(1);
    for _ in 0..11 {
        guard.on_downstream_request(1);
    }
    guard.on_shutdown();
    assert!(
        host.lines
            .borrow()
            .last()
            .unwrap()
            .contains("\"hopguard.folded.count\":1")
    );
}

#[test]
fn a_waiver_near_its_end_is_told_once_a_day() {
    let (mut guard, host) = guard(
        Direction::Downstream,
        r#"{"version": 1, "downstream": [
            {"name": "old", "waive": [{"controls": ["V9.2.2"], "reason": "r", "until": "2026-06-10"}]}
        ]}"#,
    );
    let day = 86_400_000 * MS;
    for (now, told) in [
        (NOW, 1),
        (NOW + 1, 1),
        (NOW + day - 1, 1),
        (NOW + day, 2),
        (NOW + day + 1, 2),
    ] {
        host.now.set(now);
        // A new connection each time.
        connect(&host, 1, now, None);
        host.select(1);
        assert_eq!(guard.on_downstream_request(1), Step::Continue);
        assert_eq!(causes(&host).len(), told, "{}", now - NOW);
        guard.on_tick();
    }
    assert_eq!(causes(&host)[0], "waiver_near_end");
}

#[test]
fn a_known_connection_tells_and_counts_what_each_of_its_requests_meets() {
    let (mut guard, host) = guard(
        Direction::Downstream,
        r#"{"version": 1, "downstream": [
            {"name": "a", "match": {"paths": ["/a"]},
             "waive": [{"controls": ["V9.2.2"], "reason": "r", "until": "2026-06-10"}]},
            {"name": "b", "match": {"paths": ["/b"]},
             "waive": [{"controls": ["V9.2.2"], "reason": "r", "until": "2026-06-10"}]},
            {"name": "c", "match": {"paths": ["/c"]},
             "waive": [{"controls": ["V9.2.2"], "reason": "r", "until": "2026-12-31"}]}
        ]}"#,
    );
    connect(&host, 1, 1, None);
    host.select(1);
    for (path, told, reads) in [
        ("/c", 0, None),
        ("/a", 1, None),
        ("/a", 1, Some(1)),
        ("/b", 2, None),
        ("/b", 2, Some(1)),
        ("/a", 2, Some(1)),
    ] {
        host.header(1, ":path", path);
        host.reads.borrow_mut().clear();
        assert_eq!(guard.on_downstream_request(1), Step::Continue);
        assert_eq!(causes(&host), vec!["waiver_near_end"; told], "{path}");
        if let Some(reads) = reads {
            assert_eq!(host.reads.borrow().len(), reads, "what was told costs none");
        }
    }
    guard.on_tick();
    for (rule, count) in [("a", 3), ("b", 2), ("c", 0)] {
        let rule = format!("rule.=.{rule};");
        assert_eq!(host.metric(&[".warnings", &rule]), count, "{rule}");
    }
}
