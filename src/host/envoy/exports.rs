//! The callbacks that the plugin takes from Envoy itself, past the SDK.
//!
//! The SDK meets a call that it did not register, a context of another kind than
//! the root's, or a callback within another with a panic, and a panic kills the
//! VM. Envoy does all of that: it brings the answer of a call that it refused at
//! once (no server in the cluster) all the same; it creates whatever context
//! belongs to the place that a filter was put in, be it the wrong one; and where
//! the cluster of a call carries a filter of this plugin, it calls that from
//! within the call. So the SDK keeps the root contexts (VM start, configuration,
//! queues), and all else comes here. The build (`tools/wasm-strip`) puts these
//! exports in the place of the SDK's.

use std::cell::Cell;

use super::call_answer;
use crate::host::CallAnswer;

/// Who takes the callbacks. `context` is the id of the context they are about.
#[derive(Clone, Copy, Debug)]
pub struct Callbacks {
    /// A stream of this root began.
    pub on_stream: fn(context: u32, root: u32),
    /// A context is gone; `false` where it is none of the streams that began.
    pub on_delete: fn(context: u32) -> bool,
    /// A request's headers came. Whether it may go on.
    pub on_request: fn(context: u32) -> bool,
    /// The client of a connection sent something, or will send no more (`end`).
    /// Whether that may go on.
    pub on_client_data: fn(context: u32, end: bool) -> bool,
    /// The same of the server, of which so many bytes wait.
    pub on_server_data: fn(context: u32, size: usize, end: bool) -> bool,
    /// A connection ended.
    pub on_close: fn(context: u32),
    /// The timer of a root.
    pub on_tick: fn(context: u32),
    /// The answer to a call of this context.
    pub on_answer: fn(context: u32, answer: &mut CallAnswer),
    /// A record of an access log; or the end of a stream.
    pub on_log: fn(context: u32),
}

thread_local! {
    static CALLBACKS: Cell<Option<Callbacks>> = const { Cell::new(None) };
}

/// Takes the callbacks.
pub fn take_callbacks(callbacks: Callbacks) {
    CALLBACKS.set(Some(callbacks));
}

mod sdk {
    // The SDK's own exports, for the contexts that it keeps.
    unsafe extern "C" {
        pub fn proxy_on_context_create(context: u32, root: u32);
        pub fn proxy_on_delete(context: u32);
    }
}

/// `FilterStatus` of the ABI: 0 is continue, 1 is stop.
fn action(may_go_on: Option<bool>) -> u32 {
    u32::from(may_go_on != Some(true))
}

/// `FilterHeadersStatus` of the ABI: 0 is continue, 4 is to stop all of the
/// request. With 1 the body would still come, and where the configuration of the
/// plugin says `allow_on_headers_stop_iteration` it would take the headers along.
fn headers_action(may_go_on: Option<bool>) -> u32 {
    if may_go_on == Some(true) { 0 } else { 4 }
}

#[unsafe(export_name = "hopguard_on_context_create")]
extern "C" fn on_context_create(context: u32, root: u32) {
    match CALLBACKS.get() {
        Some(callbacks) if root != 0 => (callbacks.on_stream)(context, root),
        // SAFETY: takes no pointer.
        _ => unsafe { sdk::proxy_on_context_create(context, root) },
    }
}

#[unsafe(export_name = "hopguard_on_delete")]
extern "C" fn on_delete(context: u32) {
    let was_stream = CALLBACKS.get().is_some_and(|c| (c.on_delete)(context));
    if !was_stream {
        // SAFETY: takes no pointer.
        unsafe { sdk::proxy_on_delete(context) };
    }
}

#[unsafe(export_name = "hopguard_on_request_headers")]
extern "C" fn on_request_headers(context: u32, _headers: usize, _end: u32) -> u32 {
    headers_action(CALLBACKS.get().map(|c| (c.on_request)(context)))
}

#[unsafe(export_name = "hopguard_on_downstream_data")]
extern "C" fn on_downstream_data(context: u32, _size: usize, end: u32) -> u32 {
    action(
        CALLBACKS
            .get()
            .map(|c| (c.on_client_data)(context, end != 0)),
    )
}

#[unsafe(export_name = "hopguard_on_upstream_data")]
extern "C" fn on_upstream_data(context: u32, size: usize, end: u32) -> u32 {
    action(
        CALLBACKS
            .get()
            .map(|c| (c.on_server_data)(context, size, end != 0)),
    )
}

#[unsafe(export_name = "hopguard_on_downstream_connection_close")]
extern "C" fn on_downstream_connection_close(context: u32, _peer: u32) {
    if let Some(callbacks) = CALLBACKS.get() {
        (callbacks.on_close)(context);
    }
}

#[unsafe(export_name = "hopguard_on_tick")]
extern "C" fn on_tick(context: u32) {
    if let Some(callbacks) = CALLBACKS.get() {
        (callbacks.on_tick)(context);
    }
}

#[unsafe(export_name = "hopguard_on_http_call_response")]
extern "C" fn on_http_call_response(
    context: u32,
    call: u32,
    headers: usize,
    body: usize,
    _trailers: usize,
) {
    if let Some(callbacks) = CALLBACKS.get() {
        (callbacks.on_answer)(context, &mut call_answer(call, headers, body));
    }
}

#[unsafe(export_name = "hopguard_on_log")]
extern "C" fn on_log(context: u32) {
    if let Some(callbacks) = CALLBACKS.get() {
        (callbacks.on_log)(context);
    }
}
