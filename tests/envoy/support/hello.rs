//! A ClientHello by hand.

/// A record with a ClientHello of TLS 1.2 that asks for `api.test`, and that
/// Envoy answers.
pub fn client_hello() -> Vec<u8> {
    hello(&[])
}

/// Like it, of TLS 1.3.
pub fn client_hello_1_3() -> Vec<u8> {
    let mut key_share = vec![0, 36, 0, 29, 0, 32];
    key_share.extend([9; 32]);
    hello(&[extension(43, &[2, 3, 4]), extension(51, &key_share)])
}

/// A record with a fatal alert.
pub fn alert(description: u8) -> [u8; 7] {
    [21, 3, 3, 0, 2, 2, description]
}

fn hello(more: &[Vec<u8>]) -> Vec<u8> {
    const NAME: &[u8] = b"api.test";
    let name = [&two(NAME.len() + 3)[..], &[0], &two(NAME.len()), NAME].concat();
    let extensions = [
        extension(0, &name),
        extension(10, &[0, 4, 0, 29, 0, 23]),
        extension(11, &[1, 0]),
        extension(13, &[0, 8, 4, 3, 8, 4, 4, 1, 5, 3]),
        more.concat(),
    ]
    .concat();
    let mut body = vec![3, 3];
    body.extend([9; 32]);
    // No session; three cipher suites; no compression.
    body.extend([0, 0, 6, 0xc0, 0x2b, 0xc0, 0x2f, 0x13, 0x01, 1, 0]);
    body.extend(two(extensions.len()));
    body.extend(extensions);
    let message = [&[1, 0][..], &two(body.len()), &body].concat();
    [&[22, 3, 1][..], &two(message.len()), &message].concat()
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &two(body.len()), body].concat()
}

fn two(n: usize) -> [u8; 2] {
    u16::try_from(n).unwrap().to_be_bytes()
}
