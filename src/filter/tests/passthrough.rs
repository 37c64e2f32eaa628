//! TLS that Envoy passes on: what the two hellos decide.

use super::network::{HELLO, connect, network, open};
use super::*;
use crate::decision::Direction::{Downstream, Upstream};
use crate::decision::MAX_ALERTS;
use crate::filter::{Connection, Network, Phase, Step};

const ALERT: &[u8] = b"\x15\x03\x03\0\x02\x02\x28";

/// TLS that is passed on, of 1.2 or newer.
fn passthrough(mode: &str) -> String {
    format!(
        r#""mode": "{mode}", "downstream": [{{"name": "c", "require": {{"passthrough": {{}}}}}}],
        "upstream": [{{"name": "s", "require": {{"passthrough": {{}}, "min_tls_version": "1.2"}}}}]"#
    )
}

/// A ServerHello that chooses the version with this second byte.
fn server_hello(legacy: u8) -> Vec<u8> {
    let mut bytes = b"\x16\x03\x03\0\x2a\x02\0\0\x26\x03".to_vec();
    bytes.push(legacy);
    bytes.extend([7; 32]);
    bytes.extend(b"\0\xc0\x2b\0");
    bytes
}

/// A connection whose ClientHello was passed on.
fn say_hello(network: &mut Network<Rc<FakeHost>>, host: &Rc<FakeHost>, stream: u32) -> Connection {
    let connection = open(host, stream);
    connect(host, stream);
    let sent = (stream, Downstream);
    host.first_bytes.borrow_mut().insert(sent, HELLO.to_vec());
    let step = network.on_client_data(stream, &connection, false);
    assert_eq!(step, Step::Continue);
    assert_eq!(connection.get(), Phase::Unanswered);
    connection
}

/// The server's bytes come, as many as wait in the filter.
fn answer_of(
    network: &mut Network<Rc<FakeHost>>,
    stream: u32,
    connection: &Connection,
    bytes: &[u8],
) -> Step {
    let sent = (stream, Upstream);
    let mut first_bytes = network.host().first_bytes.borrow_mut();
    first_bytes.insert(sent, bytes.to_vec());
    drop(first_bytes);
    network.on_server_data(stream, connection, bytes.len(), false)
}

fn answer(network: &mut Network<Rc<FakeHost>>, connection: &Connection, bytes: &[u8]) -> Step {
    answer_of(network, 1, connection, bytes)
}

#[test]
fn a_client_hello_is_waited_for_and_judged_on_both_sides() {
    let rules = r#""downstream": [{"name": "c", "require": {"passthrough": {"server_names": ["a.example"]}}}],
        "upstream": [{"name": "s", "require": {"passthrough": {}}}]"#;
    for (bytes, end, expected) in [
        (HELLO, false, &[][..]),
        (&HELLO[..40], true, &["plaintext"]),
        (b"PING\r\n", false, &["plaintext"]),
    ] {
        let (mut network, host) = network(rules);
        let connection = open(&host, 1);
        connect(&host, 1);
        let sent = |n: usize| bytes.get(..n).unwrap_or(bytes).to_vec();
        if bytes == HELLO {
            for n in [1, 30, bytes.len() - 1] {
                host.first_bytes
                    .borrow_mut()
                    .insert((1, Downstream), sent(n));
                assert_eq!(network.on_client_data(1, &connection, false), Step::Stop);
            }
        }
        host.first_bytes
            .borrow_mut()
            .insert((1, Downstream), sent(bytes.len()));
        let step = network.on_client_data(1, &connection, end);
        assert_eq!(step == Step::Continue, expected.is_empty(), "{bytes:?}");
        assert_eq!(causes(&host), expected);
        assert_eq!(host.metric(&[".gate_pending"]), 0);
    }
}

#[test]
fn the_version_that_a_server_chooses_is_judged_before_its_first_byte() {
    for (bytes, expected) in [
        (server_hello(3), &[][..]),
        (ALERT.to_vec(), &[]),
        (server_hello(2), &["tls_version_too_old"]),
        (b"+OK\r\n".to_vec(), &["plaintext"]),
    ] {
        let (mut network, host) = network(&passthrough("enforce"));
        let connection = say_hello(&mut network, &host, 1);
        assert_eq!(
            network.on_client_data(1, &connection, false),
            Step::Continue
        );
        if bytes.len() > 40 {
            assert_eq!(answer(&mut network, &connection, &bytes[..20]), Step::Stop);
        }
        let step = answer(&mut network, &connection, &bytes);
        assert_eq!(step == Step::Continue, expected.is_empty(), "{bytes:?}");
        // One event is enough to deny.
        assert_eq!(causes(&host), expected);
        if connection.get() != Phase::Passed {
            network.on_close(1, &connection);
        }
        assert_eq!(host.metric(&[".gate_pending"]), 0);
        assert_eq!(network.unanswered(), 0);
        network.on_shutdown();
        for verdict in ["permit", "deny"] {
            let is_this = i64::from((verdict == "permit") == expected.is_empty());
            assert_eq!(host.metric(&[".decisions", "downstream", verdict]), is_this);
        }
    }
}

#[test]
fn a_hop_is_counted_once_however_often_it_is_judged() {
    let old = server_hello(2);
    for (mode, bytes, expected) in [
        ("enforce", &[][..], &["permit", "permit"][..]),
        ("enforce", &server_hello(3), &["permit", "permit"]),
        ("enforce", &old, &["deny"]),
        ("report", &old, &["would_deny", "would_deny"]),
        // Its answer does not come whole in time.
        ("enforce", &old[..20], &["permit", "deny"]),
        ("report", &old[..20], &["permit", "would_deny"]),
    ] {
        let (mut network, host) = network(&passthrough(mode));
        let connection = say_hello(&mut network, &host, 1);
        answer(&mut network, &connection, bytes);
        host.now.set(NOW + 200 * MS);
        network.on_tick();
        network.on_shutdown();
        assert_eq!(network.unanswered(), 0);
        assert_eq!(host.metric(&[".decisions"]), expected.len() as i64);
        for (side, verdict) in [Downstream, Upstream].into_iter().zip(expected) {
            let of_side = host.metric(&[".decisions", side.as_str(), verdict]);
            assert_eq!(of_side, 1, "{mode} {side:?} {bytes:?}");
        }
    }
}

#[test]
fn of_connections_that_are_over_nothing_is_kept() {
    let (mut network, host) = network(&passthrough("report"));
    // Each begins to answer and says no more; the first ones are still held when
    // the second ones come, for which there is no room.
    for streams in [[1, 2], [3, 4], [5, 6]] {
        for stream in streams {
            let connection = say_hello(&mut network, &host, stream);
            let step = answer_of(&mut network, stream, &connection, &server_hello(3)[..20]);
            assert_eq!(step == Step::Continue, stream % 2 == 0, "{stream}");
            assert_eq!(connection.get() == Phase::Passed, stream % 2 == 0);
        }
        assert_eq!(network.unanswered(), 1);
        host.now.set(host.now.get() + 200 * MS);
        network.on_tick();
        assert_eq!(network.unanswered(), 0);
    }
    assert_eq!(host.metric(&[".gate_waits", "overflow"]), 3);
    assert_eq!(host.metric(&[".gate_waits", "timeout"]), 3);
}

#[test]
fn alerts_of_a_server_do_not_pass_for_ever() {
    let (mut network, host) = network(&passthrough("enforce"));
    let connection = say_hello(&mut network, &host, 1);
    for _ in 0..MAX_ALERTS {
        // It comes in two parts.
        assert_eq!(answer(&mut network, &connection, &ALERT[..6]), Step::Stop);
        assert_eq!(answer(&mut network, &connection, ALERT), Step::Continue);
        assert_eq!(host.metric(&[".gate_pending"]), 0);
    }
    assert_eq!(answer(&mut network, &connection, ALERT), Step::Stop);
    assert_eq!(acts(&host, 1), [Act::Close]);
    assert_eq!(causes(&host), ["plaintext"]);
}

#[test]
fn what_the_host_does_not_show_of_an_answer_does_not_pass() {
    let whole = server_hello(3);
    for (shown, size, expected) in [
        (&whole[..0], 0, &[][..]),
        (&whole[..], whole.len(), &[]),
        (&whole[..0], whole.len(), &["evidence_unreadable"]),
        (&whole[..], whole.len() + 1, &["evidence_unreadable"]),
    ] {
        let (mut network, host) = network(&passthrough("enforce"));
        let connection = say_hello(&mut network, &host, 1);
        let sent = (1, Upstream);
        host.first_bytes.borrow_mut().insert(sent, shown.to_vec());
        let step = network.on_server_data(1, &connection, size, true);
        assert_eq!(step == Step::Continue, expected.is_empty(), "{size}");
        assert_eq!(causes(&host), expected);
        // The server has ended, with or without an answer.
        assert_eq!(network.unanswered(), 0);
        assert_eq!(connection.get() == Phase::Passed, expected.is_empty());
    }
}
