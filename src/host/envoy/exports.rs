//! Callbacks that the plugin takes from Envoy itself, past the SDK.
//!
//! The SDK meets a call that it did not register, an unknown context, or a
//! callback within another with a panic, and a panic kills the VM. Envoy brings
//! the answer of a call that it refused at once (no server in the cluster) all the
//! same; and where the cluster of a call carries a filter of this plugin, Envoy
//! calls that from within the call, which is made in the timer. And the SDK would
//! look up a request's context for a log record that only roots care for. The
//! build (`tools/wasm-strip`) puts these exports in the place of the SDK's.

use std::cell::Cell;

use super::call_answer;
use crate::host::CallAnswer;
use crate::telemetry::MAX_ANSWER;

/// Who takes the callbacks.
#[derive(Clone, Copy, Debug)]
pub struct Callbacks {
    /// The timer of this context.
    pub on_tick: fn(context: u32),
    /// The answer to a call of this context.
    pub on_answer: fn(context: u32, answer: &CallAnswer),
    /// A record of an access log, or the end of a request or connection, of
    /// this context.
    pub on_log: fn(context: u32),
}

thread_local! {
    static CALLBACKS: Cell<Option<Callbacks>> = const { Cell::new(None) };
}

/// Takes the callbacks.
pub fn take_callbacks(callbacks: Callbacks) {
    CALLBACKS.set(Some(callbacks));
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
        (callbacks.on_answer)(context, &call_answer(call, headers, body, MAX_ANSWER));
    }
}

#[unsafe(export_name = "hopguard_on_tick")]
extern "C" fn on_tick(context: u32) {
    if let Some(callbacks) = CALLBACKS.get() {
        (callbacks.on_tick)(context);
    }
}

#[unsafe(export_name = "hopguard_on_log")]
extern "C" fn on_log(context: u32) {
    if let Some(callbacks) = CALLBACKS.get() {
        (callbacks.on_log)(context);
    }
}
