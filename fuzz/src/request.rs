//! Text as the authority, the path or the address of a request.

use hopguard::decision::{
    host_of, ip_of, is_peers_own, obliging_reading, path_of, sha256_from_hex,
};

pub fn fuzz_target(data: &[u8]) {
    if let Some(digest) = sha256_from_hex(data) {
        let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        assert!(data.eq_ignore_ascii_case(hex.as_bytes()));
    }
    let text = String::from_utf8_lossy(data);
    let host = host_of(&text);
    assert!(host.len() <= text.len() && !host.bytes().any(|b| b.is_ascii_uppercase()));
    assert_eq!(
        host_of(&text.to_ascii_uppercase()),
        host_of(&text.to_ascii_lowercase())
    );
    if let Some(ip) = ip_of(&text) {
        assert_eq!(ip_of(&ip.to_string()), Some(ip));
    }
    let _ = is_peers_own(&text);
    let path = path_of(&text);
    assert!(text.starts_with(path) && !path.contains(['?', '#']));
    if path.starts_with('/') {
        reads_as_one_path(path);
    }
}

/// Nothing is left that a server could read in another way.
fn reads_as_one_path(path: &str) {
    let reading = obliging_reading(path);
    assert!(reading.starts_with('/'));
    assert!(!reading.contains("//") && !reading.contains('\\'), "{path}");
    let mut segments = reading.split('/');
    assert!(
        !segments.any(|segment| matches!(segment, "." | "..")),
        "{path}"
    );
    // Each character is at most replaced by one of three octets.
    assert!(reading.len() <= 3 * path.len());
}
