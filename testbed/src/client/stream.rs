//! A connected socket, with or without TLS.

use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::openssl;
use super::tls::ClientTls;
use crate::error::{Error, Result};
use crate::tls::TlsVersion;

pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// What the client learnt of a server in the TLS handshake.
#[derive(Clone, Debug)]
pub struct ServerHandshake {
    /// The version agreed upon.
    pub version: Option<TlsVersion>,
    /// The protocol agreed upon by ALPN.
    pub alpn: Option<String>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// What the server presented, leaf first, as DER.
    pub chain: Vec<Vec<u8>>,
}

pub(crate) struct Connected {
    pub(crate) io: Box<dyn Io>,
    pub(crate) handshake: Option<ServerHandshake>,
    pub(crate) local: SocketAddr,
    /// Another handle of the socket, to reset it.
    pub(crate) socket: OwnedFd,
}

/// Who does the TLS, if anybody.
pub(super) enum Security {
    Plaintext,
    Rustls {
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    },
    Openssl {
        tls: ClientTls,
        http2: bool,
    },
}

pub(super) async fn connect(addr: SocketAddr, security: Security) -> Result<Connected> {
    let tcp = TcpStream::connect(addr)
        .await
        .map_err(Error::io(format!("connecting to {addr}")))?;
    let _ = tcp.set_nodelay(true);
    let local = tcp.local_addr().map_err(Error::io("own address"))?;
    let socket = tcp
        .as_fd()
        .try_clone_to_owned()
        .map_err(Error::io("own socket"))?;
    let (io, handshake): (Box<dyn Io>, _) = match security {
        Security::Plaintext => (Box::new(tcp), None),
        Security::Rustls { config, name } => {
            let stream = TlsConnector::from(config)
                .connect(name, tcp)
                .await
                .map_err(|error| Error::Tls(format!("handshake with {addr}: {error}")))?;
            let handshake = handshake_of(stream.get_ref().1);
            (Box::new(stream), Some(handshake))
        }
        Security::Openssl { tls, http2 } => {
            let (stream, version) = openssl::connect(tcp, &tls, http2).await?;
            let handshake = ServerHandshake {
                version,
                alpn: None,
                resumed: false,
                chain: Vec::new(),
            };
            (Box::new(stream), Some(handshake))
        }
    };
    Ok(Connected {
        io,
        handshake,
        local,
        socket,
    })
}

fn handshake_of(connection: &ClientConnection) -> ServerHandshake {
    ServerHandshake {
        version: connection
            .protocol_version()
            .and_then(TlsVersion::from_rustls),
        alpn: connection
            .alpn_protocol()
            .map(|name| String::from_utf8_lossy(name).into_owned()),
        resumed: connection.handshake_kind() == Some(rustls::HandshakeKind::Resumed),
        chain: connection
            .peer_certificates()
            .unwrap_or_default()
            .iter()
            .map(|der| der.to_vec())
            .collect(),
    }
}
