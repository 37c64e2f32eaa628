//! A distinguished name as text (RFC 4514), for people to read.
//!
//! Nothing is decided by this text: names are compared by their DER, and who a
//! peer is comes from the subject alternative names alone (RFC 9525 section 2).

use x509_parser::x509::X509Name;

use crate::trust::der;

/// Characters of a name that are kept: enough for any real name, and a bound on
/// what a peer can write into a log.
pub const MAX_LEN: usize = 512;

/// Most specific part first, as RFC 4514 section 2.1 has it and as Envoy prints
/// subjects.
pub(crate) fn to_text(name: &X509Name<'_>) -> String {
    let mut text = String::new();
    let mut parts: Vec<_> = name.iter_rdn().collect();
    parts.reverse();
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        for (index, attribute) in part.iter().enumerate() {
            if index > 0 {
                text.push('+');
            }
            let oid = attribute.attr_type().as_bytes();
            match short_name(oid) {
                Some(short) => text.push_str(short),
                None => text.push_str(&der::dotted(oid)),
            }
            text.push('=');
            push_value(&mut text, attribute.as_slice());
            if text.len() > MAX_LEN {
                return cut(text);
            }
        }
    }
    text
}

/// RFC 4514 section 2.4: specials are escaped, so that a value cannot look like
/// another attribute. Control characters are left to whoever prints the text.
fn push_value(text: &mut String, value: &[u8]) {
    let value = value.get(..MAX_LEN).unwrap_or(value);
    let value = String::from_utf8_lossy(value);
    let last = value.chars().count().saturating_sub(1);
    for (index, character) in value.chars().enumerate() {
        let special = matches!(character, '"' | '+' | ',' | ';' | '<' | '>' | '\\')
            || (index == 0 && matches!(character, ' ' | '#'))
            || (index == last && character == ' ');
        if special {
            text.push('\\');
        }
        text.push(character);
    }
}

fn cut(text: String) -> String {
    let mut kept: String = text.chars().take(MAX_LEN).collect();
    kept.push('…');
    kept
}

/// RFC 4514 section 3, and the two that certificates use beside them.
fn short_name(oid: &[u8]) -> Option<&'static str> {
    Some(match oid {
        [0x55, 0x04, 3] => "CN",
        [0x55, 0x04, 5] => "serialNumber",
        [0x55, 0x04, 6] => "C",
        [0x55, 0x04, 7] => "L",
        [0x55, 0x04, 8] => "ST",
        [0x55, 0x04, 9] => "STREET",
        [0x55, 0x04, 10] => "O",
        [0x55, 0x04, 11] => "OU",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19] => "DC",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01] => "UID",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01] => "emailAddress",
        _ => return None,
    })
}
