//! The first bytes of a client whose TLS Envoy passes on unopened.

use hopguard::decision::{MAX_OPENING, Opening, read_client_hello};

use super::hello;

pub fn fuzz_target(data: &[u8]) {
    hello::no_later_byte_changes_it(data, read_client_hello);
    hello::records_are_no_borders(data, read_client_hello);
    match read_client_hello(data) {
        Opening::Hello(hello) => {
            assert_eq!(data.first(), Some(&22));
            if let Some(name) = hello.server_name {
                // Fit to be compared, and for a log.
                let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
                assert!(name.len() <= 255 && name.bytes().all(plain));
                assert!(!name.bytes().any(|b| b.is_ascii_uppercase()));
            }
        }
        // The connection is held for as long: it must end.
        Opening::Incomplete => assert!(data.len() < MAX_OPENING),
        Opening::Alerts(_) => panic!("a client begins with no alert"),
        Opening::Other(reason) => assert!(!reason.is_empty()),
    }
}
