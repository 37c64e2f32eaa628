//! HTTP/1.1 and HTTP/2 on one connection of an upstream.

use std::fmt;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HOST, HeaderName, HeaderValue, UPGRADE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite, copy, split};
use tokio::sync::Notify;

use super::Shared;
use super::fault::reset_on_close;
use super::reply::{Fate, Reply};
use super::seen::SeenRequest;
use crate::runtime::runtime;

/// How the requests of a connection are framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Http1,
    Http2,
}

/// What the requests of one connection share.
struct Exchange {
    shared: Arc<Shared>,
    connection: usize,
    /// Another handle of the socket, to reset it.
    socket: OwnedFd,
    answered: AtomicU64,
    /// No further requests on this connection.
    enough: Notify,
    /// Nothing further at all on this connection.
    reset: Notify,
}

/// Serves a connection to its end.
pub(super) async fn serve<S>(
    stream: S,
    framing: Framing,
    shared: Arc<Shared>,
    connection: usize,
    socket: OwnedFd,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let exchange = Arc::new(Exchange {
        shared,
        connection,
        socket,
        answered: AtomicU64::new(0),
        enough: Notify::new(),
        reset: Notify::new(),
    });
    let service = {
        let exchange = Arc::clone(&exchange);
        service_fn(move |request| answer(request, Arc::clone(&exchange)))
    };
    let io = TokioIo::new(stream);
    // A failed connection is what some tests ask for; what was seen of it is recorded.
    match framing {
        Framing::Http1 => {
            let builder = hyper::server::conn::http1::Builder::new();
            let mut serving = pin!(builder.serve_connection(io, service).with_upgrades());
            tokio::select! {
                _ = serving.as_mut() => return,
                () = exchange.reset.notified() => return,
                () = exchange.enough.notified() => serving.as_mut().graceful_shutdown(),
            }
            tokio::select! {
                _ = serving => (),
                () = exchange.reset.notified() => (),
            }
        }
        Framing::Http2 => {
            let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            builder.enable_connect_protocol();
            let mut serving = pin!(builder.serve_connection(io, service));
            tokio::select! {
                _ = serving.as_mut() => return,
                () = exchange.reset.notified() => return,
                () = exchange.enough.notified() => serving.as_mut().graceful_shutdown(),
            }
            tokio::select! {
                _ = serving => (),
                () = exchange.reset.notified() => (),
            }
        }
    }
}

/// Tells hyper to break off: it closes the connection (HTTP/1.1) or resets the stream (HTTP/2).
#[derive(Debug)]
struct BreakOff;

impl fmt::Display for BreakOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the upstream was told to break off")
    }
}

impl std::error::Error for BreakOff {}

async fn answer(
    mut request: Request<Incoming>,
    exchange: Arc<Exchange>,
) -> Result<Response<Full<Bytes>>, BreakOff> {
    let shared = &exchange.shared;
    let upgrade = upgrade_of(&mut request);
    let seen = match upgrade {
        // The body of an upgrade is the conversation that follows.
        Some(_) => seen_of(&request, exchange.connection, Vec::new()),
        None => {
            let body = request.body_mut().collect().await.map_err(|_| BreakOff)?;
            seen_of(&request, exchange.connection, body.to_bytes().to_vec())
        }
    };
    shared.recorder.request(&seen);
    shared.response_gate.pass().await;

    if let Some(upgrade) = upgrade {
        runtime().spawn(echo(upgrade.conversation));
        let mut response = Response::new(Full::default());
        *response.status_mut() = upgrade.status;
        if upgrade.status == StatusCode::SWITCHING_PROTOCOLS {
            let headers = response.headers_mut();
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, upgrade.protocol);
        }
        return Ok(response);
    }

    let reply = (shared.handler)(&seen);
    match reply.fate {
        Fate::Answer => (),
        Fate::Close => return Err(BreakOff),
        Fate::Reset => {
            reset_on_close(&exchange.socket);
            exchange.reset.notify_one();
            return Err(BreakOff);
        }
    }
    let answered = exchange.answered.fetch_add(1, Ordering::Relaxed) + 1;
    if shared.close_after.is_some_and(|limit| answered >= limit) {
        exchange.enough.notify_one();
    }
    Ok(response_of(reply))
}

struct Upgrade {
    conversation: hyper::upgrade::OnUpgrade,
    protocol: HeaderValue,
    status: StatusCode,
}

/// WebSocket and the like: `Upgrade` in HTTP/1.1, extended CONNECT (RFC 8441) in HTTP/2.
fn upgrade_of(request: &mut Request<Incoming>) -> Option<Upgrade> {
    let http1 = request.headers().get(UPGRADE).cloned();
    let http2 = request.extensions().get::<hyper::ext::Protocol>().is_some();
    let (protocol, status) = match http1 {
        Some(protocol) => (protocol, StatusCode::SWITCHING_PROTOCOLS),
        None if http2 => (HeaderValue::from_static("websocket"), StatusCode::OK),
        None => return None,
    };
    Some(Upgrade {
        conversation: hyper::upgrade::on(request),
        protocol,
        status,
    })
}

/// Sends back whatever comes; the bytes are recorded by the connection.
async fn echo(conversation: hyper::upgrade::OnUpgrade) {
    if let Ok(upgraded) = conversation.await {
        let (mut reader, mut writer) = split(TokioIo::new(upgraded));
        let _ = copy(&mut reader, &mut writer).await;
        let _ = tokio::io::AsyncWriteExt::shutdown(&mut writer).await;
    }
}

fn seen_of(request: &Request<Incoming>, connection: usize, body: Vec<u8>) -> SeenRequest {
    let uri = request.uri();
    let authority = match uri.authority() {
        Some(authority) => authority.to_string(),
        None => request
            .headers()
            .get(HOST)
            .map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned())
            .unwrap_or_default(),
    };
    SeenRequest {
        connection,
        method: request.method().to_string(),
        path: uri
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default(),
        authority,
        headers: request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect(),
        body,
    }
}

fn response_of(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status)
        .unwrap_or_else(|_| panic!("not an HTTP status: {}", reply.status));
    for (name, value) in reply.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_bytes(&value);
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
