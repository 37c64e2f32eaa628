//! Paths of requests, as rules compare them.
//!
//! A path can be written in many ways that a server may take for the same
//! (RFC 3986 section 6.2.2), and Envoy passes them on as they are unless its
//! `normalize_path`, `merge_slashes` and `path_with_escaped_slashes_action` say
//! otherwise. So a rule must not be chosen by one writing of two.

use std::borrow::Cow;

/// The path of a `:path`: without query and fragment.
pub fn path_of(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or(path)
}

/// The path as the most obliging server would read it: percent-encoded octets
/// decoded, `\\` as `/`, slashes merged, dot segments removed. Borrowed where it
/// is written so already.
pub fn obliging_reading(path: &str) -> Cow<'_, str> {
    let plain = !path.contains(['%', '\\']) && !path.contains("//") && !path.contains("/.");
    if plain {
        return Cow::Borrowed(path);
    }
    // Twice: a server behind a server may decode again.
    let decoded = decode(&decode(path)).replace('\\', "/");
    let mut segments: Vec<&str> = Vec::new();
    for segment in decoded.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    let mut reading = String::with_capacity(decoded.len());
    for segment in &segments {
        reading.push('/');
        reading.push_str(segment);
    }
    let is_folder = ["/", "/.", "/.."].iter().any(|end| decoded.ends_with(end));
    if reading.is_empty() || is_folder {
        reading.push('/');
    }
    Cow::Owned(reading)
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        rest = tail;
        let digit = |b: &u8| char::from(*b).to_digit(16);
        match (first, tail) {
            (b'%', [high, low, after @ ..]) => match (digit(high), digit(low)) {
                (Some(high), Some(low)) => {
                    out.push(u8::try_from(high << 4 | low).unwrap_or(b'?'));
                    rest = after;
                }
                _ => out.push(b'%'),
            },
            _ => out.push(*first),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_writing_has_one_reading() {
        for (path, reading) in [
            ("/a/b", "/a/b"),
            ("/", "/"),
            ("/a/", "/a/"),
            ("*", "*"),
            ("/public/../secret", "/secret"),
            ("/public/%2e%2E/secret", "/secret"),
            ("/public/..%2fsecret", "/secret"),
            ("/public/..\\secret", "/secret"),
            ("/public/%252e%252e/secret", "/secret"),
            ("//admin//x", "/admin/x"),
            ("/a/./b/.", "/a/b/"),
            ("/a/..", "/"),
            ("/../../a", "/a"),
            ("/%61dmin", "/admin"),
            ("/a%2", "/a%2"),
            ("/a%zz", "/a%zz"),
            ("/%ff", "/\u{fffd}"),
        ] {
            assert_eq!(obliging_reading(path), reading, "{path}");
        }
        assert!(matches!(obliging_reading("/a/b.c"), Cow::Borrowed(_)));
    }

    #[test]
    fn query_and_fragment_are_no_path() {
        assert_eq!(path_of("/a?b/../c"), "/a");
        assert_eq!(path_of("/a#b"), "/a");
        assert_eq!(path_of(""), "");
    }
}
