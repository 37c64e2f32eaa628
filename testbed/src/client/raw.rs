//! A connection without HTTP, in the hands of a test: for upgrades, odd bytes and sudden ends.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;

use super::in_time;
use super::stream::{Connected, Io, ServerHandshake};
use crate::error::{Error, Result};

/// Bytes out, bytes in. Dropping it closes the connection.
pub struct RawConnection {
    io: Box<dyn Io>,
    handshake: Option<ServerHandshake>,
    local: SocketAddr,
    socket: OwnedFd,
    /// Read from the peer, not yet handed out.
    pending: Vec<u8>,
    /// Told, by its end, that all handles of the socket are closed. The last field, for that.
    lent: Option<oneshot::Sender<()>>,
}

/// All that came until the peer ended the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether it was reset, not closed.
    pub reset: bool,
}

impl RawConnection {
    pub(crate) fn new(connected: Connected) -> Self {
        Self {
            io: connected.io,
            handshake: connected.handshake,
            local: connected.local,
            socket: connected.socket,
            pending: Vec::new(),
            lent: None,
        }
    }

    /// Tells the lender when the connection is over.
    pub(crate) fn lent_until(mut self, lent: oneshot::Sender<()>) -> Self {
        self.lent = Some(lent);
        self
    }

    /// The stream itself, for a client of another protocol.
    pub(crate) fn into_io(self) -> Box<dyn Io> {
        self.io
    }

    /// The own address.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The TLS handshake; `None` in plaintext, and for connections of an upstream.
    pub fn handshake(&self) -> Option<&ServerHandshake> {
        self.handshake.as_ref()
    }

    /// Sends these bytes.
    ///
    /// # Errors
    ///
    /// When the peer has ended the connection.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let write = async {
            self.io.write_all(bytes).await?;
            self.io.flush().await
        };
        in_time("the peer to take bytes", write)
            .await?
            .map_err(Error::io("writing"))
    }

    /// Sends each of these pieces in TCP segments of its own: the next one when the peer's
    /// kernel has the one before. Whether the peer then reads them one by one is its affair.
    ///
    /// # Errors
    ///
    /// When the peer has ended the connection.
    pub async fn write_segments<B: AsRef<[u8]>>(
        &mut self,
        segments: impl IntoIterator<Item = B>,
    ) -> Result<()> {
        for segment in segments {
            self.write(segment.as_ref()).await?;
            self.acknowledged().await?;
        }
        Ok(())
    }

    /// Ends the own direction: with a FIN, and before it a close_notify where there is TLS.
    /// What the peer says can be read further on. Not with [`Client::openssl`](super::Client::openssl).
    ///
    /// # Errors
    ///
    /// When the peer has reset the connection.
    pub async fn half_close(&mut self) -> Result<()> {
        let ended = in_time("an end of the own direction", self.io.shutdown());
        ended.await?.map_err(Error::io("half-closing"))
    }

    /// Reads through the first occurrence of `end`, and returns all up to it.
    ///
    /// # Errors
    ///
    /// When the peer ends the connection before.
    pub async fn read_until(&mut self, end: &[u8]) -> Result<Vec<u8>> {
        loop {
            let found = self
                .pending
                .windows(end.len())
                .position(|window| window == end);
            if let Some(start) = found {
                return Ok(self.pending.drain(..start + end.len()).collect());
            }
            self.more(&format!("{:?}", String::from_utf8_lossy(end)))
                .await?;
        }
    }

    /// Reads that many bytes.
    ///
    /// # Errors
    ///
    /// When the peer ends the connection before.
    pub async fn read_exact(&mut self, count: usize) -> Result<Vec<u8>> {
        while self.pending.len() < count {
            self.more(&format!("{count} bytes")).await?;
        }
        Ok(self.pending.drain(..count).collect())
    }

    /// Reads until the peer ends the connection.
    ///
    /// # Errors
    ///
    /// When it does not within [`PATIENCE`](super::PATIENCE).
    pub async fn read_to_end(&mut self) -> Result<Tail> {
        let mut bytes = std::mem::take(&mut self.pending);
        let outcome = in_time(
            "the peer to end the connection",
            self.io.read_to_end(&mut bytes),
        );
        let reset = match outcome.await? {
            Ok(_) => false,
            // TCP was closed without TLS's close_notify: closed all the same.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => false,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => true,
            Err(source) => {
                return Err(Error::Io {
                    doing: "reading".into(),
                    source,
                });
            }
        };
        Ok(Tail { bytes, reset })
    }

    /// Asks for a protocol change (`websocket`) in HTTP/1.1 and returns status and head of
    /// the answer. After a 101, `write` and `read_exact` speak the new protocol.
    ///
    /// # Errors
    ///
    /// When the peer ends the connection before it answered.
    pub async fn upgrade(
        &mut self,
        path: &str,
        host: &str,
        protocol: &str,
    ) -> Result<(u16, String)> {
        self.write(
            format!(
                "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            .as_bytes(),
        )
        .await?;
        let head = String::from_utf8_lossy(&self.read_until(b"\r\n\r\n").await?).into_owned();
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .ok_or_else(|| Error::Client(format!("not an HTTP/1.1 answer: {head:?}")))?;
        Ok((status, head))
    }

    /// Ends the connection with a reset instead of a close.
    pub fn reset(self) {
        let _ = socket2::SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
    }

    /// Waits until the peer's kernel has all that was sent.
    async fn acknowledged(&self) -> Result<()> {
        /// The kernel does not announce it.
        const POLL: Duration = Duration::from_millis(1);
        let acknowledged = async {
            while unacknowledged(&self.socket)? > 0 {
                tokio::time::sleep(POLL).await;
            }
            Ok(())
        };
        in_time("the peer to acknowledge bytes", acknowledged)
            .await?
            .map_err(Error::io("SIOCOUTQ"))
    }

    async fn more(&mut self, wanted: &str) -> Result<()> {
        let mut buffer = [0; 16 * 1024];
        let read = in_time(wanted, self.io.read(&mut buffer))
            .await?
            .map_err(Error::io("reading"))?;
        if read == 0 {
            let so_far = String::from_utf8_lossy(&self.pending).into_owned();
            return Err(Error::Client(format!(
                "closed before {wanted}; got {so_far:?}"
            )));
        }
        self.pending.extend_from_slice(&buffer[..read]);
        Ok(())
    }
}

impl std::fmt::Debug for RawConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawConnection")
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

/// How many bytes of a socket the peer has not acknowledged, tcp(7).
fn unacknowledged(socket: &OwnedFd) -> io::Result<libc::c_int> {
    let mut bytes = 0;
    // SAFETY: SIOCOUTQ, by its other name, writes an int to a local that is one.
    match unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &mut bytes) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(bytes),
    }
}
