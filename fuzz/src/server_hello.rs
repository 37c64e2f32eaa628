//! The first bytes of a server whose TLS Envoy passes on unopened.

use hopguard::decision::{MAX_OPENING, Opening, read_server_hello};

use super::hello;

pub fn fuzz_target(data: &[u8]) {
    hello::no_later_byte_changes_it(data, read_server_hello);
    hello::records_are_no_borders(data, read_server_hello);
    match read_server_hello(data) {
        // Alerts may come before.
        Opening::Hello(_) | Opening::Alerts(_) => assert!(matches!(data.first(), Some(21 | 22))),
        // The connection is held for as long: it must end.
        Opening::Incomplete => assert!(data.len() < MAX_OPENING),
        Opening::Other(reason) => assert!(!reason.is_empty()),
    }
    // An alert says nothing of what follows it, but that there may be one less.
    let warned = [&[21, 3, 3, 0, 2, 1, 112], data].concat();
    match (read_server_hello(data), read_server_hello(&warned)) {
        (Opening::Incomplete, Opening::Alerts(1)) => assert!(data.is_empty()),
        (Opening::Alerts(alone), Opening::Alerts(after)) => assert_eq!(alone + 1, after),
        (alone, Opening::Other("its alerts are too many")) => {
            assert!(data.starts_with(&[21]), "{alone:?}");
        }
        (alone, after) => assert_eq!(alone, after),
    }
}
