//! Text for the log: cut and cleaned, since a peer chose much of it.

use crate::trust::Utc;

/// The longest value, in bytes, that an event carries of any one text.
///
/// 256: four times the longest host name label, enough for any subject that a
/// person reads; with the bounded number of fields, a line stays under 8 KiB.
pub const MAX_TEXT: usize = 256;

/// The same for Envoy's words for a failure: they begin with BoringSSL's, and
/// what tells comes last.
pub const MAX_REASON: usize = 512;

/// `text` without characters that could forge or hide log lines, cut to
/// [`MAX_TEXT`] bytes.
pub fn clean(text: &str) -> String {
    clean_to(text, MAX_TEXT)
}

/// The same cut to so many bytes.
///
/// JSON escapes C0 controls and quotes. C1 controls (a terminal obeys them),
/// DEL, and the bidirectional and zero-width format characters (CVE-2021-42574)
/// are replaced here.
pub fn clean_to(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max + 4));
    for c in text.chars() {
        if out.len() + c.len_utf8() > max {
            out.push('…');
            break;
        }
        out.push(if is_deceptive(c) { '\u{fffd}' } else { c });
    }
    out
}

const fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{7f}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// Upper-case hexadecimal, as OpenTelemetry wants `tls.*.hash.*`.
pub fn upper_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    bytes
        .iter()
        .flat_map(|b| [b >> 4, b & 15])
        .map(|n| DIGITS.get(usize::from(n)).map_or('?', |d| char::from(*d)))
        .collect()
}

/// RFC 3339 in UTC with milliseconds, from nanoseconds since the Unix epoch.
pub fn rfc3339_millis(nanos: u64) -> String {
    let seconds = nanos / 1_000_000_000;
    let text = Utc(i64::try_from(seconds).unwrap_or(i64::MAX)).to_string();
    let millis = nanos / 1_000_000 % 1_000;
    format!("{}.{millis:03}Z", text.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_deceive_a_reader_is_replaced() {
        assert_eq!(
            clean("a\u{9b}31mb\u{202e}c\u{7f}"),
            "a\u{fffd}31mb\u{fffd}c\u{fffd}"
        );
        assert_eq!(clean("grün ✓ \" \n"), "grün ✓ \" \n");
    }

    #[test]
    fn long_text_is_cut_on_a_character() {
        let cut = clean(&"ü".repeat(1000));
        assert!(
            cut.ends_with('…') && cut.len() <= MAX_TEXT + 3,
            "{}",
            cut.len()
        );
        assert_eq!(clean(&"x".repeat(MAX_TEXT)), "x".repeat(MAX_TEXT));
    }

    #[test]
    fn times_are_rfc3339() {
        assert_eq!(
            rfc3339_millis(1_500_000_000_123_456_789),
            "2017-07-14T02:40:00.123Z"
        );
    }

    #[test]
    fn hex_is_upper_case() {
        assert_eq!(upper_hex(&[0x0a, 0xff]), "0AFF");
    }
}
