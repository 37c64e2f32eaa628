//! What an upstream speaks above TCP or TLS that is not HTTP.

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy, split};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::fault::close;
use super::serve::Connection;
use crate::client::{Connected, RawConnection};
use crate::error::{Error, Result};

/// What is done with the bytes of a connection.
#[derive(Debug)]
pub(super) enum Tcp {
    /// Says this first, then sends back whatever comes, and an end for an end.
    Echo { banner: Vec<u8> },
    /// Reads to the end and says nothing.
    Sink,
    /// Hands each connection to the test.
    ByHand(Handover),
}

impl Tcp {
    pub(super) fn by_hand() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self::ByHand(Handover {
            sender,
            receiver: Mutex::new(receiver),
        })
    }

    pub(super) async fn serve<S>(&self, mut stream: S, connection: Connection)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        match self {
            Self::Echo { banner } => {
                let _ = stream.write_all(banner).await;
                let _ = stream.flush().await;
                let (mut reader, mut writer) = split(stream);
                let _ = copy(&mut reader, &mut writer).await;
                let _ = writer.shutdown().await;
            }
            Self::Sink => {
                // It has no more to say, but says so only when the peer is done.
                let _ = copy(&mut stream, &mut tokio::io::sink()).await;
                close(stream).await;
            }
            Self::ByHand(handover) => handover.give(stream, connection).await,
        }
    }
}

/// Connections on their way to the test.
#[derive(Debug)]
pub(super) struct Handover {
    sender: mpsc::UnboundedSender<RawConnection>,
    receiver: Mutex<mpsc::UnboundedReceiver<RawConnection>>,
}

impl Handover {
    /// Returns when the test is done with the connection.
    async fn give<S>(&self, stream: S, connection: Connection)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (lent, returned) = oneshot::channel();
        let connected = Connected {
            io: Box::new(stream),
            handshake: None,
            local: connection.local,
            socket: connection.socket,
        };
        let given = self
            .sender
            .send(RawConnection::new(connected).lent_until(lent));
        if given.is_ok() {
            let _ = returned.await;
        }
    }

    pub(super) async fn take(&self) -> Result<RawConnection> {
        let mut receiver = self.receiver.lock().await;
        receiver
            .recv()
            .await
            .ok_or_else(|| Error::Client("the upstream is gone".into()))
    }
}
