//! What an upstream does instead of its work.

use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy, sink};

use crate::first_message;

/// How a connection fails. The first message of the peer (the ClientHello, with TLS) has
/// always been read, and recorded, before anything happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Closed after the first message: the peer reads an end of file.
    Close,
    /// Reset after the first message: the peer reads ECONNRESET.
    Reset,
    /// Never answered; the connection is open until the peer ends it.
    Hang,
    /// Answered with a fatal TLS alert of this description (RFC 8446 section 6), such as
    /// 40 (handshake_failure), 70 (protocol_version) or 112 (unrecognized_name).
    Alert(u8),
    /// Answered with these bytes, whatever was asked; the connection is open until the peer
    /// ends it.
    Answer(&'static [u8]),
    /// Answered with the head of a long HTTP answer, and then with a byte now and then, until
    /// the peer ends the connection.
    Drip,
    /// Closed as soon as the TLS handshake is complete, with TLS's own close_notify. Without
    /// TLS, like [`Close`](Self::Close).
    CloseAfterHandshake,
    /// Reset as soon as the TLS handshake is complete. Without TLS, like
    /// [`Reset`](Self::Reset).
    ResetAfterHandshake,
}

impl Fault {
    /// Whether the handshake goes well, and the fault comes after it.
    pub(super) fn is_after_handshake(self) -> bool {
        matches!(self, Self::CloseAfterHandshake | Self::ResetAfterHandshake)
    }

    /// Whether the connection ends with a reset.
    pub(super) fn is_reset(self) -> bool {
        matches!(self, Self::Reset | Self::ResetAfterHandshake)
    }

    /// In place of the handshake; the connection is over when this returns.
    pub(super) async fn in_place_of_handshake<S>(self, mut stream: S, socket: &OwnedFd)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let _ = first_message::read(&mut stream).await;
        match self {
            Self::Close | Self::CloseAfterHandshake => (),
            Self::Hang => drain(stream).await,
            Self::Alert(description) => {
                let _ = stream.write_all(&alert(description)).await;
                close(stream).await;
            }
            Self::Answer(bytes) => {
                let _ = stream.write_all(bytes).await;
                let _ = stream.flush().await;
                drain(stream).await;
            }
            Self::Drip => drip(stream).await,
            Self::Reset | Self::ResetAfterHandshake => reset_on_close(socket),
        }
    }
}

/// Never comes to the end of what it announces.
async fn drip<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/ocsp-response\r\n\
        content-length: 60000\r\n\r\n";
    const PAUSE: Duration = Duration::from_millis(20);
    let mut bytes = HEAD;
    while stream.write_all(bytes).await.is_ok() && stream.flush().await.is_ok() {
        bytes = b"0";
        tokio::time::sleep(PAUSE).await;
    }
}

/// A record with one fatal alert.
fn alert(description: u8) -> [u8; 7] {
    const ALERT: u8 = 21;
    const FATAL: u8 = 2;
    [ALERT, 3, 3, 0, 2, FATAL, description]
}

/// Ends the own direction and waits for the other one: with unread bytes in it, a close
/// would become a reset and could overtake what was written.
pub(super) async fn close<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let _ = stream.shutdown().await;
    drain(stream).await;
}

/// Reads until the peer ends the connection.
pub(super) async fn drain(mut stream: impl AsyncRead + Unpin) {
    let _ = copy(&mut stream, &mut sink()).await;
}

/// The socket is reset when its last handle closes: SO_LINGER with zero seconds.
pub(super) fn reset_on_close(socket: &OwnedFd) {
    let _ = socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO));
}
