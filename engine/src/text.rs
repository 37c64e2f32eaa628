//! Text of a certificate or policy, made fit for a line of a log or a terminal.

use hopguard::trust::Utc;
use serde::Serializer;

/// On one line and without escape sequences: a terminal must not obey it.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

/// 64 hexadecimal digits, lower case.
pub fn hex(sha256: &[u8; 32]) -> String {
    data_encoding::HEXLOWER.encode(sha256)
}

/// PEM with this label (RFC 7468).
pub fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in data_encoding::BASE64.encode(der).as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

/// Seconds since the Unix epoch, as RFC 3339 has them.
pub(crate) fn moment<S: Serializer>(seconds: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Utc(*seconds))
}

/// The same, where there is one.
pub(crate) fn perhaps<S: Serializer>(
    seconds: &Option<i64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match seconds {
        Some(seconds) => moment(seconds, serializer),
        None => serializer.serialize_none(),
    }
}
