//! Accepts connections and takes each to its end.

use std::os::fd::{AsFd, OwnedFd};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, copy_bidirectional, split,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::http::{self, Framing};
use super::openssl::OpensslServer;
use super::recording::{Layer, Recording};
use super::seen::{ClientCertificate, Handshake};
use super::termination::Serving;
use super::{Fault, Protocol, Shared, reset_on_close};
use crate::openssl_peer;
use crate::tls::TlsVersion;

/// Accepts until it is dropped, and with it every connection.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // Out of file descriptors or aborted by the peer: the next one may do.
                let Ok((tcp, peer)) = accepted else { continue };
                let id = shared.recorder.opened(peer);
                connections.spawn(connection(tcp, id, Arc::clone(&shared)));
            }
            Some(_) = connections.join_next() => (),
        }
    }
}

async fn connection(tcp: TcpStream, id: usize, shared: Arc<Shared>) {
    let mut hang_up = shared.hang_up.subscribe();
    tokio::select! {
        () = converse(tcp, id, &shared) => (),
        _ = hang_up.changed() => (),
    }
    shared
        .recorder
        .connection(id, |connection| connection.closed = true);
}

async fn converse(tcp: TcpStream, id: usize, shared: &Arc<Shared>) {
    let _ = tcp.set_nodelay(true);
    let Ok(socket) = tcp.as_fd().try_clone_to_owned() else {
        return;
    };
    shared.gate.pass().await;

    let layer = if shared.tls.is_some() {
        Layer::Raw
    } else {
        Layer::Both
    };
    let mut stream = Recording::new(tcp, Arc::clone(&shared.recorder), id, layer);
    let fault = *shared
        .fault
        .read()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(fault) = fault {
        // The peer has said something: the ClientHello, with TLS.
        let _ = stream.read(&mut [0; 4096]).await;
        if fault == Fault::Reset {
            reset_on_close(&socket);
        }
        return;
    }

    let Some(tls) = &shared.tls else {
        return application(stream, None, id, shared, socket).await;
    };
    match tls.serving() {
        Serving::Rustls { acceptor, .. } => by_rustls(stream, acceptor, id, shared, socket).await,
        Serving::Openssl(server) => by_openssl(stream, &server, id, shared, socket).await,
    }
}

async fn by_rustls(
    stream: Recording<TcpStream>,
    acceptor: TlsAcceptor,
    id: usize,
    shared: &Arc<Shared>,
    socket: OwnedFd,
) {
    match acceptor.accept(stream).await {
        Err(error) => shared.recorder.handshake_failed(id, error.to_string()),
        Ok(stream) => {
            let handshake = handshake_of(&stream);
            let alpn = handshake.alpn.clone();
            shared.recorder.handshake_done(id, handshake);
            let recorder = Arc::clone(&shared.recorder);
            let stream = Recording::new(stream, recorder, id, Layer::Application);
            application(stream, alpn.as_deref(), id, shared, socket).await;
        }
    }
}

async fn by_openssl(
    mut stream: Recording<TcpStream>,
    server: &OpensslServer,
    id: usize,
    shared: &Arc<Shared>,
    socket: OwnedFd,
) {
    /// How long `openssl` may take to send what it was given last.
    const PATIENCE: Duration = Duration::from_secs(2);
    let (child, mut inside) = match server.connect(id).await {
        Ok(connected) => connected,
        Err(error) => return shared.recorder.handshake_failed(id, error.to_string()),
    };
    let (child, conversation) = openssl_peer::watch(child);
    let conversation = async {
        match conversation.await {
            Err(error) => shared.recorder.handshake_failed(id, error.to_string()),
            Ok((stream, version)) => {
                let handshake = Handshake {
                    version,
                    ..Handshake::default()
                };
                shared.recorder.handshake_done(id, handshake);
                let recorder = Arc::clone(&shared.recorder);
                let stream = Recording::new(stream, recorder, id, Layer::Application);
                application(stream, None, id, shared, socket).await;
            }
        }
    };
    let (mut conversation, mut relayed) = (pin!(conversation), false);
    let mut relay = pin!(copy_bidirectional(&mut stream, &mut inside));
    loop {
        tokio::select! {
            _ = relay.as_mut(), if !relayed => relayed = true,
            () = conversation.as_mut() => break,
        }
    }
    if !relayed {
        let _ = tokio::time::timeout(PATIENCE, relay).await;
    }
    drop(child);
}

fn handshake_of<S>(stream: &TlsStream<S>) -> Handshake {
    let (_, connection) = stream.get_ref();
    Handshake {
        version: connection
            .protocol_version()
            .and_then(TlsVersion::from_rustls),
        sni: connection.server_name().map(ToOwned::to_owned),
        alpn: connection
            .alpn_protocol()
            .map(|name| String::from_utf8_lossy(name).into_owned()),
        resumed: connection.handshake_kind() == Some(rustls::HandshakeKind::Resumed),
        client_certificate: connection
            .peer_certificates()
            .and_then(|chain| chain.first())
            .map(|leaf| ClientCertificate::new(leaf)),
    }
}

async fn application<S>(
    mut stream: S,
    alpn: Option<&str>,
    id: usize,
    shared: &Arc<Shared>,
    socket: OwnedFd,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let framing = match &shared.protocol {
        Protocol::Http1 => Framing::Http1,
        Protocol::Http2 => Framing::Http2,
        Protocol::HttpByAlpn if alpn == Some("h2") => Framing::Http2,
        Protocol::HttpByAlpn => Framing::Http1,
        Protocol::Tcp { banner } => {
            let _ = stream.write_all(banner).await;
            let _ = stream.flush().await;
            let (mut reader, mut writer) = split(stream);
            let _ = copy(&mut reader, &mut writer).await;
            let _ = writer.shutdown().await;
            return;
        }
    };
    http::serve(stream, framing, Arc::clone(shared), id, socket).await;
}
