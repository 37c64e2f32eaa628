use std::cell::Cell;

use super::*;
use crate::decision::Direction::{Downstream, Upstream};
use crate::filter::{Connection, Network, Phase, Step};
use crate::host::Host;
use crate::host::attributes as at;

const WAIVED: &str =
    r#""waive": [{"controls": ["V9.2.1", "V9.2.2"], "reason": "r", "until": "2026-12-31"}]"#;

/// TLS 1.2 without extensions but the server name (RFC 6066) and one empty one.
pub const HELLO: &[u8] = b"\x16\x03\x01\0\x45\x01\0\0\x41\x03\x03\
    01234567890123456789012345678901\0\0\x02\xc0\x2b\x01\0\0\x16\0\0\0\x0e\0\x0c\0\0\x09a.example\0\x17\0\0";

pub fn network(rules: &str) -> (Network<Rc<FakeHost>>, Rc<FakeHost>) {
    let policy =
        format!(r#"{{"version": 1, "gate": {{"timeout_ms": 100, "max_pending": 1}}, {rules}}}"#);
    let host = Rc::new(FakeHost::default());
    host.now.set(NOW);
    let policy = config::parse(policy.as_bytes(), 1_780_272_000).unwrap();
    let network = Network::new(
        Rc::clone(&host),
        1,
        policy,
        &super::ports(&host),
        Seen::default(),
    );
    (network, host)
}

/// Both hops may be plaintext.
fn lenient() -> (Network<Rc<FakeHost>>, Rc<FakeHost>) {
    network(&format!(
        r#""downstream": [{{"name": "c", {WAIVED}}}], "upstream": [{{"name": "s", {WAIVED}}}]"#
    ))
}

pub fn open(host: &Rc<FakeHost>, stream: u32) -> Connection {
    host.set(
        stream,
        at::CONNECTION_ID_IN_LOGS,
        u64::from(stream).to_le_bytes(),
    );
    host.set(stream, at::UPSTREAM_ATTEMPT, 1u64.to_le_bytes());
    host.select(stream);
    Rc::new(Cell::new(Phase::Unjudged))
}

pub fn connect(host: &FakeHost, stream: u32) {
    host.set(stream, at::UPSTREAM_LOCAL_ADDRESS, "10.0.0.9:9");
    host.set(stream, at::UPSTREAM_ADDRESS, "10.0.0.1:1");
}

#[test]
fn both_hops_are_judged_before_the_first_byte_and_no_later_one() {
    let (mut network, host) = lenient();
    let connection = open(&host, 1);
    connect(&host, 1);
    assert_eq!(
        network.on_client_data(1, &connection, false),
        Step::Continue
    );
    assert_eq!(connection.get(), Phase::Passed);
    let reads = host.reads.borrow().len();
    assert_eq!(network.on_client_data(1, &connection, true), Step::Continue);
    assert_eq!(
        network.on_server_data(1, &connection, 1, false),
        Step::Continue
    );
    assert_eq!(
        host.reads.borrow().len(),
        reads,
        "nothing is asked any more"
    );
    network.on_shutdown();
    for side in [Downstream, Upstream] {
        assert_eq!(host.metric(&[".decisions", "waived", side.as_str()]), 1);
    }
}

#[test]
fn a_denied_hop_closes_the_connection_once() {
    for (rules, causes_are) in [
        (String::new(), "plaintext"),
        (
            format!(r#""downstream": [{{"name": "c", {WAIVED}}}],"#),
            "plaintext",
        ),
    ] {
        let (mut network, host) = network(&format!(r#"{rules} "mode": "enforce""#));
        let connection = open(&host, 1);
        connect(&host, 1);
        assert_eq!(network.on_client_data(1, &connection, false), Step::Stop);
        assert_eq!(network.on_client_data(1, &connection, true), Step::Stop);
        assert_eq!(network.on_server_data(1, &connection, 1, false), Step::Stop);
        assert_eq!(acts(&host, 1), [Act::Close]);
        assert_eq!(causes(&host), [causes_are]);
    }
}

#[test]
fn early_data_waits_for_the_server_and_not_for_ever() {
    let (mut network, host) = lenient();
    let first = open(&host, 1);
    assert_eq!(network.on_client_data(1, &first, false), Step::Stop);
    assert_eq!(network.on_client_data(1, &first, false), Step::Stop);
    assert_eq!(host.metric(&[".gate_pending"]), 1, "counted once");
    let second = open(&host, 2);
    assert_eq!(network.on_client_data(2, &second, false), Step::Stop);
    assert_eq!(acts(&host, 2), [Act::Close], "there is room for one");
    connect(&host, 1);
    host.now.set(NOW + 2 * MS);
    network.on_tick();
    assert_eq!(acts(&host, 1), [Act::ResumeConnection]);
    assert_eq!(first.get(), Phase::Passed);
    assert_eq!(host.metric(&[".gate_pending"]), 0);

    let late = open(&host, 3);
    assert_eq!(network.on_client_data(3, &late, false), Step::Stop);
    host.now.set(NOW + 102 * MS);
    network.on_tick();
    assert_eq!(acts(&host, 3), [Act::Close]);
    assert_eq!(causes(&host), ["gate_overflow", "gate_timeout"]);

    let gone = open(&host, 4);
    network.on_client_data(4, &gone, false);
    network.on_close(4, &gone);
    assert_eq!(host.metric(&[".gate_pending"]), 0);
    host.now.set(NOW + 300 * MS);
    network.on_tick();
    assert_eq!(acts(&host, 4), []);
}

#[test]
fn a_client_that_waits_goes_on_when_the_server_speaks_first() {
    let (mut network, host) = lenient();
    let connection = open(&host, 1);
    assert_eq!(network.on_client_data(1, &connection, false), Step::Stop);
    connect(&host, 1);
    assert_eq!(
        network.on_server_data(1, &connection, 1, false),
        Step::Continue
    );
    assert_eq!(acts(&host, 1), [Act::ResumeConnection]);
    assert_eq!(host.metric(&[".gate_waits", "judged"]), 1);
    host.now.set(NOW + 200 * MS);
    network.on_tick();
    assert_eq!(acts(&host, 1).len(), 1, "it waits no more");
}

#[test]
fn where_no_server_will_show_nothing_waits() {
    let (mut network, host) = lenient();
    let connection = open(&host, 1);
    host.unset(1, at::UPSTREAM_ATTEMPT);
    assert_eq!(network.on_client_data(1, &connection, false), Step::Stop);
    assert_eq!(acts(&host, 1), [Act::Close]);
    assert_eq!(causes(&host), ["upstream_not_shown"]);
}

#[test]
fn a_server_that_speaks_first_needs_a_client_whose_handshake_is_seen_to_be_complete() {
    for (is_tls, is_complete, step) in [
        (false, false, Step::Continue),
        (true, false, Step::Stop),
        (true, true, Step::Continue),
    ] {
        let (mut network, host) = lenient();
        let connection = open(&host, 1);
        connect(&host, 1);
        if is_tls {
            host.set(1, at::CONNECTION_PEER_SUBJECT, "");
            host.set(1, at::CONNECTION_TLS_VERSION, "TLSv1.2");
        }
        if is_complete {
            host.set(1, at::DOWNSTREAM_HANDSHAKE, "complete");
        }
        assert_eq!(
            network.on_server_data(1, &connection, 1, false),
            step,
            "{is_tls} {is_complete}"
        );
        let reads_version = host.reads.borrow().contains(&at::CONNECTION_TLS_VERSION);
        assert_eq!(reads_version, step == Step::Continue, "it would stay wrong");
    }
}

#[test]
fn attempts_that_failed_before_are_told_of_once_each() {
    let (mut network, host) = lenient();
    let connection = open(&host, 1);
    connect(&host, 1);
    host.set(1, at::UPSTREAM_ATTEMPT, 3u64.to_le_bytes());
    host.set(
        1,
        at::UPSTREAM_FAILURE,
        "delayed connect error: Connection refused",
    );
    assert_eq!(
        network.on_client_data(1, &connection, false),
        Step::Continue
    );
    network.on_close(1, &connection);
    assert_eq!(causes(&host), ["attempt_failed", "connection_refused"]);

    // None came up: the last one's reason, as the flag UF says.
    let failed = open(&host, 2);
    host.set(
        2,
        at::UPSTREAM_FAILURE,
        "delayed connect error: Connection refused",
    );
    host.set(2, at::RESPONSE_FLAGS, 0x20u64.to_le_bytes());
    network.on_close(2, &failed);
    network.on_close(2, &failed);
    assert_eq!(causes(&host).len(), 3);
}

#[test]
fn attempts_that_failed_are_told_of_where_the_next_takes_too_long() {
    let (mut network, host) = lenient();
    let connection = open(&host, 1);
    host.set(1, at::UPSTREAM_ATTEMPT, 2u64.to_le_bytes());
    host.set(
        1,
        at::UPSTREAM_FAILURE,
        "delayed connect error: Connection refused",
    );
    assert_eq!(network.on_client_data(1, &connection, false), Step::Stop);
    host.now.set(NOW + 100 * MS);
    network.on_tick();
    assert_eq!(acts(&host, 1), [Act::Close]);
    assert_eq!(causes(&host), ["connection_refused", "gate_timeout"]);
    network.on_close(1, &connection);
    assert_eq!(causes(&host).len(), 2);
}
