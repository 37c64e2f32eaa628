//! The only caller of Envoy's host functions (proxy-wasm ABI 0.2.1).
//!
//! The SDK's getters panic on a status that they do not expect, and its
//! `String` getters on bytes that are not UTF-8, and a panic kills the VM for
//! every later request. So these calls are declared here, answer with bytes,
//! and read any status but success as "absent".

#![allow(unsafe_code, reason = "host functions are foreign, and get pointers")]

mod abi;
mod exports;
pub mod offers;
mod shared;
mod signatures;
pub mod wake;

use std::cell::{Cell, RefCell};

use hashbrown::HashMap;

use self::abi::*;
pub use self::exports::{Callbacks, take_callbacks};
pub use self::shared::{ProcessData, random};
pub use self::signatures::HostSignatures;
use self::wake::Wake;
use super::attributes::{self, Path};
use super::ports::{CallAnswer, CallId, Host, Level, MetricId, MetricKind};
use crate::decision::Direction;

/// `WasmHeaderMapType::RequestHeaders`.
const REQUEST_HEADERS: u32 = 0;
/// `WasmHeaderMapType::HttpCallResponseHeaders`.
const CALL_HEADERS: u32 = 6;
/// `WasmBufferType::HttpCallResponseBody`.
const CALL_BODY: u32 = 4;
/// `WasmStreamType::Request`.
const REQUEST_STREAM: u32 = 0;
/// `WasmStreamType::Downstream`.
const DOWNSTREAM_STREAM: u32 = 2;
/// `WasmBufferType::NetworkDownstreamData`.
const DOWNSTREAM_DATA: u32 = 2;
/// `WasmBufferType::NetworkUpstreamData`.
const UPSTREAM_DATA: u32 = 3;
/// `WasmBufferType::PluginConfiguration`.
const PLUGIN_CONFIGURATION: u32 = 7;

/// The Envoy that runs this VM, as one root context sees it.
#[derive(Debug)]
pub struct Envoy {
    root: u32,
    /// Made at the first wake-up asked for; `Some(None)` where there is none.
    wake: Cell<Option<Option<Wake>>>,
}

thread_local! {
    /// How much of the answer is read, by call; one for each that is open.
    static MAX_ANSWERS: RefCell<HashMap<u32, usize>> = RefCell::default();
    static GUARDS_CLIENTS: Cell<bool> = const { Cell::new(false) };
}

/// Notes that the downstream role runs in this VM.
pub fn note_downstream_role() {
    GUARDS_CLIENTS.set(true);
}

impl Envoy {
    /// For the root context with this id.
    pub const fn new(root: u32) -> Self {
        Self {
            root,
            wake: Cell::new(None),
        }
    }

    /// Whether a message in this queue is a wake-up that was asked for.
    pub fn is_wake(&self, queue: u32) -> bool {
        self.wake.get().flatten().is_some_and(|w| w.is_own(queue))
    }
}

fn property(path: &[u8]) -> Option<Vec<u8>> {
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: `path` and the out pointers are valid for the call.
    let status = unsafe { proxy_get_property(path.as_ptr(), path.len(), &mut data, &mut size) };
    // SAFETY: the host just returned these.
    (status == OK).then(|| unsafe { take(data, size) })
}

/// Reads the plugin's configuration.
pub fn plugin_configuration(size: usize) -> Vec<u8> {
    buffer(PLUGIN_CONFIGURATION, size)
}

/// The first bytes of a buffer.
fn buffer(kind: u32, size: usize) -> Vec<u8> {
    let (mut data, mut length) = (std::ptr::null_mut(), 0);
    // SAFETY: the out pointers are valid for the call.
    let status = unsafe { proxy_get_buffer_bytes(kind, 0, size, &mut data, &mut length) };
    if status != OK {
        return Vec::new();
    }
    // SAFETY: the host just returned these.
    unsafe { take(data, length) }
}

impl Host for Envoy {
    fn now_nanos(&self) -> u64 {
        let mut time = 0;
        // SAFETY: the out pointer is valid for the call.
        unsafe { proxy_get_current_time_nanoseconds(&mut time) };
        time
    }

    fn property(&self, path: Path) -> Option<Vec<u8>> {
        property(path)
    }

    fn property_at(&self, path: &[u8]) -> Option<Vec<u8>> {
        property(path)
    }

    fn request_header(&self, name: &str) -> Option<Vec<u8>> {
        header(REQUEST_HEADERS, name)
    }

    fn filter_state(&self, name: &'static str) -> Option<Vec<u8>> {
        // A path of one part that is no attribute names a filter state.
        self.property(name.as_bytes())
    }

    fn guards_clients(&self) -> bool {
        GUARDS_CLIENTS.get()
    }

    fn set_filter_state(&self, name: &str, value: &str) {
        // SAFETY: both texts are valid for the call.
        unsafe {
            proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len());
        }
    }

    fn log(&self, level: Level, line: &str) {
        // proxy_log_level of the ABI: info 2, warn 3, error 4.
        let level = match level {
            Level::Info => 2,
            Level::Warn => 3,
            Level::Error => 4,
        };
        // SAFETY: the text is valid for the call.
        unsafe { proxy_log(level, line.as_ptr(), line.len()) };
    }

    fn respond(&self, status: u32, details: &str, content_type: &str, body: &str) {
        let headers = serialize_headers(&[("content-type", content_type)]);
        // SAFETY: all texts are valid for the call. -1: let Envoy choose the
        // gRPC status where the request is gRPC.
        unsafe {
            proxy_send_local_response(
                status,
                details.as_ptr(),
                details.len(),
                body.as_ptr(),
                body.len(),
                headers.as_ptr(),
                headers.len(),
                -1,
            );
        }
    }

    fn resume(&self) {
        // SAFETY: takes no pointer.
        unsafe { proxy_continue_stream(REQUEST_STREAM) };
    }

    fn first_bytes(&self, from: Direction, max: usize) -> Vec<u8> {
        let kind = match from {
            Direction::Downstream => DOWNSTREAM_DATA,
            Direction::Upstream => UPSTREAM_DATA,
        };
        buffer(kind, max)
    }

    fn resume_connection(&self) {
        // SAFETY: takes no pointer.
        unsafe { proxy_continue_stream(DOWNSTREAM_STREAM) };
    }

    fn close_connection(&self) {
        // SAFETY: takes no pointer.
        unsafe { proxy_close_stream(DOWNSTREAM_STREAM) };
    }

    fn call(
        &self,
        cluster: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        timeout_ms: u32,
        max_answer: usize,
    ) -> Option<CallId> {
        let headers = serialize_headers(headers);
        // No trailers: a map of no entries.
        let trailers = 0u32.to_le_bytes();
        let mut id = 0;
        // SAFETY: the texts and the out pointer are valid for the call.
        let status = unsafe {
            proxy_http_call(
                cluster.as_ptr(),
                cluster.len(),
                headers.as_ptr(),
                headers.len(),
                body.as_ptr(),
                body.len(),
                trailers.as_ptr(),
                trailers.len(),
                timeout_ms,
                &mut id,
            )
        };
        (status == OK).then(|| {
            MAX_ANSWERS.with(|all| all.borrow_mut().insert(id, max_answer));
            CallId(id)
        })
    }

    fn select(&self, stream: u32) {
        // SAFETY: takes no pointer; a context that is gone is refused.
        unsafe { proxy_set_effective_context(stream) };
    }

    fn set_tick(&self, millis: u32) {
        // SAFETY: takes no pointer.
        unsafe { proxy_set_tick_period_milliseconds(millis) };
    }

    fn wake_soon(&self) -> bool {
        let wake = self.wake.get().unwrap_or_else(|| {
            let vm_id = self.property(attributes::PLUGIN_VM_ID).unwrap_or_default();
            let wake = Wake::new(self.root, &vm_id);
            self.wake.set(Some(wake));
            wake
        });
        wake.is_some_and(Wake::request)
    }

    fn define_metric(&self, kind: MetricKind, name: &str) -> Option<MetricId> {
        let kind = match kind {
            MetricKind::Counter => 0,
            MetricKind::Gauge => 1,
        };
        let mut id = 0;
        // SAFETY: the name and the out pointer are valid for the call.
        let status = unsafe { proxy_define_metric(kind, name.as_ptr(), name.len(), &mut id) };
        (status == OK).then_some(MetricId(id))
    }

    fn add_metric(&self, id: MetricId, offset: i64) {
        // SAFETY: takes no pointer; an unknown id is refused.
        unsafe { proxy_increment_metric(id.0, offset) };
    }

    fn set_metric(&self, id: MetricId, value: u64) {
        // SAFETY: takes no pointer; an unknown id is refused.
        unsafe { proxy_record_metric(id.0, value) };
    }
}

/// Headers in the ABI's form: count, sizes, then texts with NULs.
fn serialize_headers(headers: &[(&str, &str)]) -> Vec<u8> {
    let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = size(headers.len()).to_vec();
    for (name, value) in headers {
        out.extend_from_slice(&size(name.len()));
        out.extend_from_slice(&size(value.len()));
    }
    for (name, value) in headers {
        for text in [name, value] {
            out.extend_from_slice(text.as_bytes());
            out.push(0);
        }
    }
    out
}

/// The answer to a call, from the callback that brings it.
pub fn call_answer(id: u32, headers: usize, body: usize) -> CallAnswer {
    // An answer that came within the call is that it could not be made.
    let max = MAX_ANSWERS.with(|all| all.try_borrow_mut().ok()?.remove(&id));
    let max = max.unwrap_or(0);
    // A call that failed has no headers, and asking for one is an error.
    let status = (headers > 0)
        .then(|| header(CALL_HEADERS, ":status"))
        .flatten()
        .and_then(|status| std::str::from_utf8(&status).ok()?.parse().ok());
    let text = |name| {
        let value = (headers > 0).then(|| header(CALL_HEADERS, name)).flatten();
        value
            .map(|value| String::from_utf8_lossy(&value).into_owned())
            .unwrap_or_default()
    };
    CallAnswer {
        id: CallId(id),
        status: status.unwrap_or(0),
        content_type: text("content-type"),
        etag: text("etag"),
        body: if body > 0 {
            buffer(CALL_BODY, body.min(max))
        } else {
            Vec::new()
        },
    }
}

/// The first value of a header.
fn header(map: u32, name: &str) -> Option<Vec<u8>> {
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: `name` and the out pointers are valid for the call.
    let status =
        unsafe { proxy_get_header_map_value(map, name.as_ptr(), name.len(), &mut data, &mut size) };
    // SAFETY: the host just returned these.
    (status == OK && !data.is_null()).then(|| unsafe { take(data, size) })
}
