//! What the filters need of a proxy. The core knows no more of Envoy than this.

use super::attributes::Path;
use crate::decision::Direction;

/// Severity of a line in the host's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For the record.
    Info,
    /// Something to look at.
    Warn,
    /// Something was denied, or does not work.
    Error,
}

/// The kinds of metric the plugin keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// A metric that the host knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricId(pub u32);

/// A call to a cluster that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallId(pub u32);

/// The answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallAnswer {
    /// Which call.
    pub id: CallId,
    /// The HTTP status; 0 where there was no answer. Envoy itself answers 503
    /// where it could not connect, and 504 after the timeout.
    pub status: u32,
    /// The content type; empty without one.
    pub content_type: String,
    /// The entity tag; empty without one.
    pub etag: String,
    /// The first bytes of the body.
    pub body: Vec<u8>,
}

impl CallAnswer {
    /// That there was none.
    pub const fn none() -> Self {
        Self {
            id: CallId(0),
            status: 0,
            content_type: String::new(),
            etag: String::new(),
            body: Vec::new(),
        }
    }
}

/// The proxy, seen from a callback. All calls concern the stream that the
/// callback is about, or the one last named to [`Host::select`]. No call can
/// fail in a way that the caller would have to handle: what cannot be had is
/// absent, and what cannot be done was not needed (a stream that is gone).
pub trait Host {
    /// Nanoseconds since the Unix epoch, by the host's clock.
    fn now_nanos(&self) -> u64;
    /// An attribute of the stream, as bytes; `None` where it is absent.
    fn property(&self, path: Path) -> Option<Vec<u8>>;
    /// The first value of a request header, as bytes.
    fn request_header(&self, name: &str) -> Option<Vec<u8>>;
    /// An attribute or other value by a path that the policy names.
    fn property_at(&self, path: &[u8]) -> Option<Vec<u8>>;
    /// A value that was put there before, by any filter of the request.
    fn filter_state(&self, name: &'static str) -> Option<Vec<u8>>;
    /// Whether the downstream role runs in this VM, too.
    fn guards_clients(&self) -> bool;
    /// Puts a value where access logs find it: `%FILTER_STATE(wasm.name)%`.
    fn set_filter_state(&self, name: &str, value: &str);
    /// Writes a line to the host's log.
    fn log(&self, level: Level, line: &str);
    /// Answers the request in place of the upstream, once; `details` becomes
    /// `%RESPONSE_CODE_DETAILS%`.
    fn respond(&self, status: u32, details: &str, content_type: &str, body: &str);
    /// Lets a paused request go on.
    fn resume(&self);
    /// The first bytes that one side of an L4 connection sent and that wait in the
    /// filter, at most so many.
    fn first_bytes(&self, from: Direction, max: usize) -> Vec<u8>;
    /// Lets a paused L4 connection go on.
    fn resume_connection(&self);
    /// Closes an L4 connection, and with it the one behind it.
    fn close_connection(&self);
    /// Sends an HTTP request to a cluster; `None` where that is impossible at
    /// once (no such cluster, no server in it). Only from callbacks of the root.
    /// Of the answer's body no more than `max_answer` bytes are read.
    fn call(
        &self,
        cluster: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        timeout_ms: u32,
        max_answer: usize,
    ) -> Option<CallId>;
    /// Makes the calls that follow concern this stream.
    fn select(&self, stream: u32);
    /// Calls the root's tick each so many milliseconds; 0 for never.
    fn set_tick(&self, millis: u32);
    /// Asks for a wake-up as soon as the worker has done what else is due.
    /// `false` where the host cannot.
    fn wake_soon(&self) -> bool;
    /// A metric of this name; `None` where the host refuses it.
    fn define_metric(&self, kind: MetricKind, name: &str) -> Option<MetricId>;
    /// Adds to a metric.
    fn add_metric(&self, id: MetricId, offset: i64);
    /// Sets a gauge.
    fn set_metric(&self, id: MetricId, value: u64);
}
