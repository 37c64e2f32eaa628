//! As much DER as the targets need to take inputs apart and to put certificates together; none
//! of it is the code that is tested.

/// The value that `bytes` begin with, header included, and what follows.
pub fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (content, rest) = content(bytes)?;
    let whole = bytes.len() - rest.len();
    debug_assert!(content.len() <= whole);
    Some(bytes.split_at(whole))
}

/// The content of the value that `bytes` begin with, and what follows.
pub fn content(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let first = usize::from(*bytes.get(1)?);
    let (len, header) = match first {
        0..=0x7f => (first, 2),
        0x81..=0x83 => {
            let octets = bytes.get(2..2 + (first & 0x7f))?;
            let len = octets.iter().fold(0, |len, b| len << 8 | usize::from(*b));
            (len, 2 + octets.len())
        }
        _ => return None,
    };
    bytes.get(header..)?.split_at_checked(len)
}

/// A value around `content`.
pub fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = u32::try_from(content.len()).unwrap().to_be_bytes();
    let mut out = vec![tag];
    match content.len() {
        0..0x80 => out.push(len[3]),
        0x80..0x100 => out.extend([0x81, len[3]]),
        0x100..0x1_0000 => out.extend([0x82, len[2], len[3]]),
        _ => out.extend([0x83, len[1], len[2], len[3]]),
    }
    out.extend(content);
    out
}

/// The values that a constructed value's content holds.
pub fn values(mut content: &[u8]) -> Vec<&[u8]> {
    let mut values = Vec::new();
    while let Some((value, rest)) = split(content) {
        values.push(value);
        content = rest;
    }
    values
}

/// A well-formed certificate with one field of its signed part changed.
fn changed(certificate: &[u8], field: usize, value: Vec<u8>) -> Vec<u8> {
    let (inside, _) = content(certificate).unwrap();
    let parts = values(inside);
    let (tbs, _) = content(parts[0]).unwrap();
    let mut fields: Vec<Vec<u8>> = values(tbs).into_iter().map(<[u8]>::to_vec).collect();
    fields[field] = value;
    let tbs = wrap(0x30, &fields.concat());
    wrap(0x30, &[&tbs, parts[1], parts[2]].concat())
}

/// The certificate with another serial number: its content octets.
pub fn with_serial(certificate: &[u8], serial: &[u8]) -> Vec<u8> {
    changed(certificate, 1, wrap(0x02, serial))
}

/// The certificate with this one extension alone.
pub fn with_extension(certificate: &[u8], oid: &[u8], value: &[u8]) -> Vec<u8> {
    let extension = [wrap(0x06, oid), wrap(0x04, value)].concat();
    let extensions = wrap(0x30, &wrap(0x30, &extension));
    changed(certificate, 7, wrap(0xa3, &extensions))
}
