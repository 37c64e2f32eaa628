//! A connection that many requests go over.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::Mutex;

use super::in_time;
use super::request::{Request, Response};
use super::stream::{Connected, ServerHandshake};
use crate::error::Result;
use crate::runtime::{TaskGuard, spawn};

/// An HTTP connection. Dropping it closes it, whatever is under way.
pub struct Connection {
    sender: Sender,
    scheme: &'static str,
    handshake: Option<ServerHandshake>,
    local: SocketAddr,
    _driver: TaskGuard,
}

enum Sender {
    /// One request at a time.
    Http1(Mutex<http1::SendRequest<Full<Bytes>>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Connection {
    /// Must run on the testbed's runtime: HTTP/2 spawns tasks of its own.
    pub(super) async fn open(connected: Connected, http2: bool) -> Result<Self> {
        let scheme = if connected.handshake.is_some() {
            "https"
        } else {
            "http"
        };
        let io = TokioIo::new(connected.io);
        // The driver's error is the requests' error too, and they report it.
        let (sender, driver) = if http2 {
            let (sender, driver) = http2::handshake(TokioExecutor::new(), io).await?;
            (Sender::Http2(sender), spawn(async { drop(driver.await) }))
        } else {
            let (sender, driver) = http1::handshake(io).await?;
            (
                Sender::Http1(Mutex::new(sender)),
                spawn(async { drop(driver.await) }),
            )
        };
        Ok(Self {
            sender,
            scheme,
            handshake: connected.handshake,
            local: connected.local,
            _driver: driver,
        })
    }

    /// Sends a request and reads its response to the end. With HTTP/2, several at a time;
    /// dropping the future resets the stream.
    ///
    /// # Errors
    ///
    /// When the connection ends before the response does, or nothing comes in time.
    pub async fn send(&self, request: Request) -> Result<Response> {
        in_time("a response", self.exchange(request)).await?
    }

    async fn exchange(&self, request: Request) -> Result<Response> {
        let response = match &self.sender {
            Sender::Http1(sender) => {
                let request = request.for_http1()?;
                let mut sender = sender.lock().await;
                sender.ready().await?;
                let response = sender.send_request(request).await?;
                let (head, body) = response.into_parts();
                // Within the lock: the next request has to wait for the end of this body.
                return Ok(Response::new(
                    &head,
                    body.collect().await?.to_bytes().to_vec(),
                ));
            }
            Sender::Http2(sender) => {
                let mut sender = sender.clone();
                sender.ready().await?;
                sender.send_request(request.for_http2(self.scheme)?).await?
            }
        };
        let (head, body) = response.into_parts();
        Ok(Response::new(
            &head,
            body.collect().await?.to_bytes().to_vec(),
        ))
    }

    /// The client's own address.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The TLS handshake; `None` in plaintext.
    pub fn handshake(&self) -> Option<&ServerHandshake> {
        self.handshake.as_ref()
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}
