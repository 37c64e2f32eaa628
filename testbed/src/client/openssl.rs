//! `openssl s_client` between a client and its socket.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::process::Child;

use super::tls::ClientTls;
use crate::error::{Error, Result};
use crate::first_message;
use crate::openssl_peer::{Decrypted, LENIENT, start, watch};
use crate::runtime::{TaskGuard, spawn};
use crate::tls::TlsVersion;

/// The decrypted side, and all that has to stay for it.
pub(super) struct ByOpenssl {
    decrypted: Decrypted,
    _child: Child,
    _relay: TaskGuard,
    _directory: TempDir,
}

/// Does the handshake over a connected socket.
pub(super) async fn connect(
    mut tcp: TcpStream,
    tls: &ClientTls,
    http2: bool,
) -> Result<(ByOpenssl, Option<TlsVersion>)> {
    let directory = TempDir::new().map_err(Error::io("temporary directory"))?;
    let (child, mut inside) = begin(&directory, tls, http2).await?;
    let (child, handshake) = watch(child);
    let relay = spawn(async move {
        let _ = copy_bidirectional(&mut tcp, &mut inside).await;
    });
    let (decrypted, version) = handshake.await?;
    let stream = ByOpenssl {
        decrypted,
        _child: child,
        _relay: relay,
        _directory: directory,
    };
    Ok((stream, version))
}

/// What it would begin a handshake with.
pub(super) async fn client_hello(tls: &ClientTls, http2: bool) -> Result<Vec<u8>> {
    let directory = TempDir::new().map_err(Error::io("temporary directory"))?;
    let (_child, mut inside) = begin(&directory, tls, http2).await?;
    first_message::read(&mut inside)
        .await
        .map_err(Error::io("reading from s_client"))
}

/// Starts `s_client`, with its connection to us.
async fn begin(directory: &TempDir, tls: &ClientTls, http2: bool) -> Result<(Child, UnixStream)> {
    let socket = directory.path().join("client.sock");
    let listener = UnixListener::bind(&socket).map_err(Error::io("listening for s_client"))?;

    let mut arguments: Vec<String> = ["s_client", "-ign_eof", "-nocommands", "-unix"]
        .map(ToOwned::to_owned)
        .to_vec();
    arguments.push(socket.to_string_lossy().into_owned());
    arguments.extend(
        LENIENT
            .into_iter()
            .chain(tls.versions.openssl())
            .map(ToOwned::to_owned),
    );
    match &tls.sni {
        Some(name) => arguments.extend(["-servername".into(), name.clone()]),
        None => arguments.push("-noservername".into()),
    }
    let alpn = tls.alpn_protocols(http2);
    if !alpn.is_empty() {
        let names = alpn.iter().map(|name| String::from_utf8_lossy(name));
        arguments.extend(["-alpn".into(), names.collect::<Vec<_>>().join(",")]);
    }
    if let Some(certificate) = &tls.certificate {
        let files = certificate.write_to(directory.path(), "client")?;
        let chain = files.certificate.to_string_lossy().into_owned();
        let key = files.key.to_string_lossy().into_owned();
        for (option, path) in [("-cert", &chain), ("-key", &key), ("-cert_chain", &chain)] {
            arguments.extend([option.into(), path.clone()]);
        }
    }

    let child = start(&arguments)?;
    let (inside, _) = listener
        .accept()
        .await
        .map_err(Error::io("waiting for s_client"))?;
    Ok((child, inside))
}

impl AsyncRead for ByOpenssl {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.decrypted).poll_read(cx, buffer)
    }
}

impl AsyncWrite for ByOpenssl {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.decrypted).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.decrypted).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.decrypted).poll_shutdown(cx)
    }
}
