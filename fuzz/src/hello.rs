//! What holds of the first bytes of either side.

use std::fmt::Debug;

use hopguard::decision::Opening;

/// Prefixes of an input that are tried: all of them would leave time for little else. Which ones
/// depends on the input, so that each place has its turn.
const MAX_PREFIXES: usize = 64;

/// However the bytes come in, the verdict is the same: what a prefix has decided, no later byte
/// changes, so nobody has to wait for more.
pub fn no_later_byte_changes_it<H: PartialEq + Debug>(data: &[u8], read: fn(&[u8]) -> Opening<H>) {
    let whole = read(data);
    let step = data.len().div_ceil(MAX_PREFIXES).max(1);
    let first = data.iter().map(|b| usize::from(*b)).sum::<usize>() % step;
    for len in (first..data.len()).step_by(step) {
        match read(&data[..len]) {
            Opening::Incomplete | Opening::Alerts(_) => {}
            decided => assert_eq!(decided, whole, "{len} of {}", data.len()),
        }
    }
}

/// The handshake bytes of records of one kind, if that is all there is.
pub fn handshake(mut data: &[u8]) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    while !data.is_empty() {
        let (header, rest) = data.split_at_checked(5)?;
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        let (payload, rest) = rest.split_at_checked(length)?;
        if header[0] != 22 || header[1] != 3 || payload.is_empty() {
            return None;
        }
        message.extend(payload);
        data = rest;
    }
    Some(message)
}

/// The message in records of this many bytes.
pub fn in_records(message: &[u8], size: usize) -> Vec<u8> {
    let records = message.chunks(size).flat_map(|piece| {
        let length = u16::try_from(piece.len()).unwrap().to_be_bytes();
        [&[22, 3, 1], &length[..], piece].concat()
    });
    records.collect()
}

/// Records are no borders: the message is the same in any (from 64 bytes on, smaller ones are
/// too many sooner or later).
pub fn records_are_no_borders<H: PartialEq + Debug>(data: &[u8], read: fn(&[u8]) -> Opening<H>) {
    let Some(message) = handshake(data) else {
        return;
    };
    let whole = read(data);
    if matches!(whole, Opening::Hello(_)) {
        for size in [64, 1_000, 1 << 14] {
            assert_eq!(read(&in_records(&message, size)), whole, "{size}");
        }
    }
}
