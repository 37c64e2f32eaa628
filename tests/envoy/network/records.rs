//! Hellos of TLS, in whatever records.

use hopguard_testbed::TlsVersion;

/// The type of a record of the handshake.
pub const HANDSHAKE: u8 = 22;

/// The message in these records.
pub fn message(mut records: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    while let [HANDSHAKE, _, _, high, low, rest @ ..] = records {
        let (payload, after) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        message.extend_from_slice(payload);
        records = after;
    }
    message
}

/// This message in records of so many bytes.
pub fn records(message: &[u8], size: usize) -> Vec<u8> {
    let record = |payload: &[u8]| {
        let [high, low] = u16::try_from(payload.len()).unwrap().to_be_bytes();
        [&[HANDSHAKE, 3, 1, high, low], payload].concat()
    };
    message.chunks(size).flat_map(record).collect()
}

/// A ClientHello of this length, by an extension that nobody knows.
pub fn longer(hello: &[u8], length: usize) -> Vec<u8> {
    let mut message = message(hello);
    let mut at = 4 + 2 + 32;
    at += 1 + usize::from(message[at]);
    at += 2 + usize::from(u16::from_be_bytes([message[at], message[at + 1]]));
    at += 1 + usize::from(message[at]);
    let extra = length - message.len();
    let size = |count: usize| u16::try_from(count).unwrap().to_be_bytes();
    let extensions = usize::from(u16::from_be_bytes([message[at], message[at + 1]]));
    message.extend([0x5a, 0x5b]);
    message.extend(size(extra - 4));
    message.resize(length, 0);
    message[at..at + 2].copy_from_slice(&size(extensions + extra));
    let [_, a, b, c] = u32::try_from(length - 4).unwrap().to_be_bytes();
    message[1..4].copy_from_slice(&[a, b, c]);
    message
}

/// The random of a ServerHello that asks for another ClientHello, RFC 8446.
pub const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// A ServerHello of this version, as a message.
pub fn server_hello(version: TlsVersion, random: [u8; 32]) -> Vec<u8> {
    let (legacy, extensions): (u8, &[u8]) = match version {
        TlsVersion::V1_0 => (1, &[]),
        TlsVersion::V1_1 => (2, &[]),
        TlsVersion::V1_2 => (3, &[]),
        TlsVersion::V1_3 => (3, &[0, 43, 0, 2, 3, 4]),
    };
    let length = |bytes: usize| u8::try_from(bytes).unwrap();
    let mut body = vec![3, legacy];
    body.extend(random);
    // No session; a cipher suite; no compression.
    body.extend([0, 0x13, 0x01, 0]);
    body.extend([0, length(extensions.len())]);
    body.extend(extensions);
    [&[2, 0, 0, length(body.len())], &body[..]].concat()
}
