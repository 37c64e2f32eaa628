//! The message that a peer begins with: a ClientHello, or whatever else it says.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// The content type of a record with handshake messages, RFC 8446 section 5.1.
const HANDSHAKE: u8 = 22;
const RECORD_HEADER: usize = 5;
const MESSAGE_HEADER: usize = 4;

/// Reads the TLS handshake message that a connection begins with, over as many records as it
/// takes, in whatever pieces they come; of anything else, what one read brings. Less where
/// the peer ends the connection.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while !is_complete(&bytes) {
        if stream.read_buf(&mut bytes).await? == 0 {
            break;
        }
    }
    Ok(bytes)
}

fn is_complete(bytes: &[u8]) -> bool {
    if bytes.first() != Some(&HANDSHAKE) {
        return !bytes.is_empty();
    }
    let mut message = Vec::new();
    let mut rest = bytes;
    while let Some((header, after)) = rest.split_at_checked(RECORD_HEADER) {
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        let Some((fragment, after)) = after.split_at_checked(length) else {
            return false;
        };
        message.extend_from_slice(fragment);
        rest = after;
    }
    match message.get(..MESSAGE_HEADER) {
        Some(&[_, a, b, c]) => {
            message.len() - MESSAGE_HEADER >= u32::from_be_bytes([0, a, b, c]) as usize
        }
        _ => false,
    }
}
