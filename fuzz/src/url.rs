//! Text as the URL of an OCSP responder, as a certificate names one.

use data_encoding::BASE64;
use hopguard::revocation::ocsp::{MAX_GET_URL, get_path};
use hopguard::revocation::split_http;

/// Stands for a request; its base64 has every character that needs an escape.
const QUESTION: &[u8] = &[0xff, 0xef, 0xff, 0xff];

pub fn fuzz_target(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Some((authority, path)) = split_http(text) {
        is_plain(&authority, path);
        let again = format!("http://{authority}{path}");
        assert_eq!(split_http(&again), Some((authority, path)), "{text}");
    }
    if let Some(asking) = get_path(text, QUESTION) {
        assert!(asking.starts_with('/') && asking.len() <= MAX_GET_URL);
        assert!(text.len() <= MAX_GET_URL);
        let (_, last) = asking.rsplit_once('/').unwrap();
        let last = last.replace("%2F", "/").replace("%2B", "+");
        let question = BASE64.decode(last.replace("%3D", "=").as_bytes());
        assert_eq!(question.as_deref(), Ok(QUESTION));
    }
}

/// Fit for a request's head: nothing in it ends a line or begins another part of a URL.
fn is_plain(authority: &str, path: &str) {
    assert!(!authority.is_empty());
    assert!(!authority.contains(['/', '?', '#', '@', '\\', '%']));
    assert!(
        authority
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase())
    );
    assert!(path.is_empty() || path.starts_with('/'));
    assert!(path.bytes().all(|b| b.is_ascii_graphic()));
}
