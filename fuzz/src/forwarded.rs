//! Bytes as an `x-forwarded-client-cert` header.

use hopguard::host::forwarded::{MAX_BYTES, certificate};
use hopguard::trust::{Certificate, pem};

pub fn fuzz_target(data: &[u8]) {
    let found = certificate(data);
    assert_eq!(certificate(data), found);
    if let Some(found) = found {
        assert!(data.len() <= MAX_BYTES && found.len() < data.len());
        // As it is used.
        let _ = pem::single_certificate(&found).map(|der| Certificate::parse(&der));
    }
    if data.len() < MAX_BYTES / 3 {
        the_last_element_counts(data);
        what_is_quoted_is_kept(data);
    }
}

/// What came before is another proxy's word, or the client's own, if every quote in it is closed.
fn the_last_element_counts(data: &[u8]) {
    let (mut quoted, mut escaped) = (false, false);
    for byte in data {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            _ => {}
        }
    }
    if !quoted {
        let appended = [data, b",Hash=00;Cert=\"ours\""].concat();
        assert_eq!(certificate(&appended).as_deref(), Some(&b"ours"[..]));
        let without = [data, b",Hash=00"].concat();
        assert_eq!(certificate(&without), None);
    }
}

/// A value in quotes is one value, whatever it holds.
fn what_is_quoted_is_kept(data: &[u8]) {
    let mut header = b"Subject=\"".to_vec();
    let mut quoted = Vec::new();
    for byte in data {
        if matches!(byte, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
    header.extend(&quoted);
    assert_eq!(certificate(&[&header[..], b"\";Hash=00"].concat()), None);
    header.extend(b"\";Cert=\"");
    header.extend(&quoted);
    header.push(b'"');
    assert_eq!(certificate(&header).as_deref(), Some(data));
}
