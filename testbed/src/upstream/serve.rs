//! Accepts connections and takes each to its end.

use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::fault::{Fault, close, reset_on_close};
use super::http::{self, Framing};
use super::openssl::OpensslServer;
use super::recording::{Layer, Recording};
use super::seen::{ClientCertificate, Handshake};
use super::termination::Serving;
use super::{Protocol, Shared};
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
                connections.spawn(serve(tcp, id, Arc::clone(&shared)));
            }
            Some(_) = connections.join_next() => (),
        }
    }
}

/// A connection, apart from its stream.
pub(super) struct Connection {
    /// Its index in the record.
    pub(super) id: usize,
    pub(super) shared: Arc<Shared>,
    /// Another handle of the socket, to reset it.
    pub(super) socket: OwnedFd,
    /// The upstream's own address.
    pub(super) local: SocketAddr,
    /// How it fails, if it does.
    fault: Option<Fault>,
}

async fn serve(tcp: TcpStream, id: usize, shared: Arc<Shared>) {
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
    let (Ok(socket), Ok(local)) = (tcp.as_fd().try_clone_to_owned(), tcp.local_addr()) else {
        return;
    };
    shared.gate.pass().await;

    let layer = if shared.tls.is_some() {
        Layer::Raw
    } else {
        Layer::Both
    };
    let stream = Recording::new(tcp, Arc::clone(&shared.recorder), id, layer);
    let fault = *shared.fault.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(fault) = fault
        && !(fault.is_after_handshake() && shared.tls.is_some())
    {
        return fault.in_place_of_handshake(stream, &socket).await;
    }

    let connection = Connection {
        id,
        shared: Arc::clone(shared),
        socket,
        local,
        fault,
    };
    let Some(tls) = &shared.tls else {
        return connection.application(stream, None).await;
    };
    match tls.serving() {
        Serving::Rustls { acceptor, .. } => connection.by_rustls(stream, acceptor).await,
        Serving::Openssl(server) => connection.by_openssl(stream, &server).await,
    }
}

impl Connection {
    async fn by_rustls(self, stream: Recording<TcpStream>, acceptor: TlsAcceptor) {
        let recorder = Arc::clone(&self.shared.recorder);
        match acceptor.accept(stream).into_fallible().await {
            Err((error, stream)) => {
                recorder.handshake_failed(self.id, error.to_string());
                // Its alert is written.
                close(stream).await;
            }
            Ok(stream) => {
                let handshake = handshake_of(&stream);
                let alpn = handshake.alpn.clone();
                recorder.handshake_done(self.id, handshake);
                let stream = Recording::new(stream, recorder, self.id, Layer::Application);
                match self.fault {
                    None => self.application(stream, alpn.as_deref()).await,
                    Some(fault) if fault.is_reset() => reset_on_close(&self.socket),
                    Some(_) => close(stream).await,
                }
            }
        }
    }

    async fn by_openssl(self, mut stream: Recording<TcpStream>, server: &OpensslServer) {
        /// How long `openssl` may take to send what it was given last.
        const PATIENCE: Duration = Duration::from_secs(2);
        let recorder = Arc::clone(&self.shared.recorder);
        let id = self.id;
        let (child, mut inside) = match server.connect(id).await {
            Ok(connected) => connected,
            Err(error) => return recorder.handshake_failed(id, error.to_string()),
        };
        let reset = self.fault.is_some_and(Fault::is_reset);
        let (child, conversation) = openssl_peer::watch(child);
        let conversation = async {
            match conversation.await {
                Err(error) => recorder.handshake_failed(id, error.to_string()),
                Ok((stream, version)) => {
                    let handshake = Handshake {
                        version,
                        ..Handshake::default()
                    };
                    recorder.handshake_done(id, handshake);
                    let stream =
                        Recording::new(stream, Arc::clone(&recorder), id, Layer::Application);
                    match self.fault {
                        None => self.application(stream, None).await,
                        Some(fault) if fault.is_reset() => reset_on_close(&self.socket),
                        // It closes when nobody talks to it any more.
                        Some(_) => (),
                    }
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
        if !relayed && !reset {
            let _ = tokio::time::timeout(PATIENCE, relay).await;
        }
        drop(child);
    }

    async fn application<S>(self, stream: S, alpn: Option<&str>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        let framing = match &shared.protocol {
            Protocol::Http1 => Framing::Http1,
            Protocol::Http2 => Framing::Http2,
            Protocol::HttpByAlpn if alpn == Some("h2") => Framing::Http2,
            Protocol::HttpByAlpn => Framing::Http1,
            Protocol::Tcp(tcp) => return tcp.serve(stream, self).await,
        };
        http::serve(stream, framing, shared, self.id, self.socket).await;
    }
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
