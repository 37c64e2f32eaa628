//! The `x-forwarded-client-cert` header, in Envoy's form: elements separated
//! by commas, one for each proxy; pairs `key=value` separated by semicolons;
//! values in double quotes where they hold a separator.

/// The largest header that is read, in bytes: a certificate of 64 KiB as
/// percent-encoded PEM (4/3 for base64, some more for the escapes), and change.
pub const MAX_BYTES: usize = 128 * 1024;

/// The `Cert` (percent-encoded PEM) of the last element, which is the one
/// that this proxy set.
pub fn certificate(header: &[u8]) -> Option<Vec<u8>> {
    if header.len() > MAX_BYTES {
        return None;
    }
    let element = split(header, b',').pop()?;
    split(element, b';').into_iter().find_map(|pair| {
        let at = pair.iter().position(|b| *b == b'=')?;
        let (key, value) = pair.split_at(at);
        key.trim_ascii()
            .eq_ignore_ascii_case(b"cert")
            .then(|| unquote(value.get(1..).unwrap_or_default()))
    })
}

/// Splits at separators that are not inside double quotes.
fn split(text: &[u8], separator: u8) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, byte) in text.iter().enumerate() {
        if escaped {
            escaped = false;
        } else if quoted && *byte == b'\\' {
            escaped = true;
        } else if *byte == b'"' {
            quoted = !quoted;
        } else if *byte == separator && !quoted {
            parts.push(text.get(start..at).unwrap_or_default());
            start = at + 1;
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

fn unquote(value: &[u8]) -> Vec<u8> {
    let value = value.trim_ascii();
    let Some(inner) = value
        .strip_prefix(b"\"")
        .and_then(|v| v.strip_suffix(b"\""))
    else {
        return value.to_vec();
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut escaped = false;
    for byte in inner {
        if *byte == b'\\' && !escaped {
            escaped = true;
        } else {
            out.push(*byte);
            escaped = false;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_of_the_last_element_counts() {
        for (header, certificate_is) in [
            (
                &b"By=a;Hash=b;Cert=\"first\",By=c;Cert=\"last\";Subject=\"x,Cert=no\""[..],
                Some(&b"last"[..]),
            ),
            (b"Cert=\"first\",By=c", None),
            (b"Cert=plain", Some(b"plain")),
            (b"cert=\"a\\\"b\"", Some(b"a\"b")),
            (b"Subject=\"Cert=evil\";Hash=1", None),
            (b"Subject=\"\\\",Cert=evil\";Cert=real", Some(b"real")),
            (b"", None),
            (b"Cert", None),
            (b"Cert=", Some(b"")),
            (b"\xff\xfe,Cert=\xff", Some(b"\xff")),
        ] {
            assert_eq!(certificate(header).as_deref(), certificate_is);
        }
    }

    #[test]
    fn a_huge_header_is_not_read() {
        let mut header = b"Cert=".to_vec();
        header.resize(MAX_BYTES + 1, b'x');
        assert_eq!(certificate(&header), None);
    }
}
