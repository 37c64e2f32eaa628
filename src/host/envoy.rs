//! The only caller of Envoy's host functions (proxy-wasm ABI 0.2.1).
//!
//! The SDK's getters panic on a status that they do not expect, and its
//! `String` getters on bytes that are not UTF-8, and a panic kills the VM for
//! every later request. So these calls are declared here, answer with bytes,
//! and read any status but success as "absent".

use std::cell::Cell;

use super::attributes::Path;
use super::ports::{Host, Level, MetricId, MetricKind};
use crate::trust::{Digest, SignatureScheme, SignatureVerifier};

const OK: u32 = 0;

/// `WasmHeaderMapType::RequestHeaders`.
const REQUEST_HEADERS: u32 = 0;
/// `WasmStreamType::Request`.
const REQUEST_STREAM: u32 = 0;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, text: *const u8, size: usize) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        value: *mut *mut u8,
        value_size: *mut usize,
    ) -> u32;
    fn proxy_set_property(
        path: *const u8,
        path_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_get_header_map_value(
        map: u32,
        key: *const u8,
        key_size: usize,
        value: *mut *mut u8,
        value_size: *mut usize,
    ) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_continue_stream(stream: u32) -> u32;
    fn proxy_set_effective_context(context: u32) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    fn proxy_register_shared_queue(name: *const u8, size: usize, id: *mut u32) -> u32;
    fn proxy_enqueue_shared_queue(id: u32, value: *const u8, size: usize) -> u32;
    fn proxy_dequeue_shared_queue(id: u32, value: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        value: *mut *mut u8,
        value_size: *mut usize,
        cas: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
        cas: u32,
    ) -> u32;
    fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        length: usize,
        value: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        argument: *const u8,
        argument_size: usize,
        result: *mut *mut u8,
        result_size: *mut usize,
    ) -> u32;
}

/// Takes over bytes that the host placed in our memory.
///
/// # Safety
/// `data` and `size` must be what the host returned for one call.
unsafe fn take(data: *mut u8, size: usize) -> Vec<u8> {
    if data.is_null() || size == 0 {
        return Vec::new();
    }
    // SAFETY: the host got `data` from the module's allocation export, which
    // allocates exactly `size` bytes with alignment 1, and forgets it.
    unsafe { Vec::from_raw_parts(data, size, size) }
}

/// The Envoy that runs this VM, as one root context sees it.
#[derive(Debug)]
pub struct Envoy {
    root: u32,
    /// Registered at the first wake-up asked for; `Some(None)` where refused.
    wake_queue: Cell<Option<Option<u32>>>,
}

thread_local! {
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
            wake_queue: Cell::new(None),
        }
    }
}

/// Reads the plugin's configuration (`WasmBufferType::PluginConfiguration`).
pub fn plugin_configuration(size: usize) -> Vec<u8> {
    const PLUGIN_CONFIGURATION: u32 = 7;
    let (mut data, mut length) = (std::ptr::null_mut(), 0);
    // SAFETY: the out pointers are valid for the call.
    let status =
        unsafe { proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, size, &mut data, &mut length) };
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
        let (mut data, mut size) = (std::ptr::null_mut(), 0);
        // SAFETY: `path` and the out pointers are valid for the call.
        let status = unsafe { proxy_get_property(path.as_ptr(), path.len(), &mut data, &mut size) };
        // SAFETY: the host just returned these.
        (status == OK).then(|| unsafe { take(data, size) })
    }

    fn request_header(&self, name: &str) -> Option<Vec<u8>> {
        let (mut data, mut size) = (std::ptr::null_mut(), 0);
        // SAFETY: `name` and the out pointers are valid for the call.
        let status = unsafe {
            proxy_get_header_map_value(
                REQUEST_HEADERS,
                name.as_ptr(),
                name.len(),
                &mut data,
                &mut size,
            )
        };
        // SAFETY: the host just returned these.
        (status == OK && !data.is_null()).then(|| unsafe { take(data, size) })
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
        let headers = serialize_header("content-type", content_type);
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

    fn select(&self, stream: u32) {
        // SAFETY: takes no pointer; a context that is gone is refused.
        unsafe { proxy_set_effective_context(stream) };
    }

    fn set_tick(&self, millis: u32) {
        // SAFETY: takes no pointer.
        unsafe { proxy_set_tick_period_milliseconds(millis) };
    }

    fn wake_soon(&self) -> bool {
        let queue = match self.wake_queue.get() {
            Some(queue) => queue,
            None => {
                let queue = register_wake_queue(self.root);
                self.wake_queue.set(Some(queue));
                queue
            }
        };
        queue.is_some_and(|queue| {
            // SAFETY: the message is valid for the call.
            let status = unsafe { proxy_enqueue_shared_queue(queue, b"w".as_ptr(), 1) };
            status == OK
        })
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
}

/// One header in the ABI's form: count, sizes, then texts with NULs.
fn serialize_header(name: &str, value: &str) -> Vec<u8> {
    let size = |text: &str| u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = Vec::with_capacity(16 + name.len() + value.len());
    out.extend_from_slice(&1u32.to_le_bytes());
    out.extend_from_slice(&size(name));
    out.extend_from_slice(&size(value));
    for text in [name, value] {
        out.extend_from_slice(text.as_bytes());
        out.push(0);
    }
    out
}

/// Wake-ups through a shared queue that one root of this worker listens to.
///
/// Envoy posts `on_queue_ready` to the event loop of the VM that registered
/// the queue (proxy-wasm-cpp-host, `SharedQueue::enqueue`), so that a message
/// to ourselves comes back once the loop has done what else is due. A queue
/// belongs to whoever registered its name last, in any worker; so each VM
/// takes a number of its own first.
fn register_wake_queue(root: u32) -> Option<u32> {
    thread_local! {
        static VM_NUMBER: Cell<Option<u32>> = const { Cell::new(None) };
    }
    let number = VM_NUMBER.get().or_else(take_vm_number)?;
    VM_NUMBER.set(Some(number));
    let name = format!("hopguard.wake.{number}.{root}");
    let mut id = 0;
    // SAFETY: the name and the out pointer are valid for the call.
    let status = unsafe { proxy_register_shared_queue(name.as_ptr(), name.len(), &mut id) };
    (status == OK).then_some(id)
}

/// Takes the message of a wake-up out of its queue.
pub fn acknowledge_wake(queue: u32) {
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the out pointers are valid for the call.
    let status = unsafe { proxy_dequeue_shared_queue(queue, &mut data, &mut size) };
    if status == OK {
        // SAFETY: the host just returned these.
        drop(unsafe { take(data, size) });
    }
}

/// A number that no other VM of the process has, from a shared counter.
fn take_vm_number() -> Option<u32> {
    const COUNTER: &str = "hopguard.vm_count";
    // Lost races before we do without. Workers race only while they start,
    // and one of the racers always wins.
    const TRIES: u32 = 64;
    (0..TRIES).find_map(|_| {
        let (mut data, mut size, mut cas) = (std::ptr::null_mut(), 0, 0);
        // SAFETY: the key and the out pointers are valid for the call.
        let status = unsafe {
            proxy_get_shared_data(
                COUNTER.as_ptr(),
                COUNTER.len(),
                &mut data,
                &mut size,
                &mut cas,
            )
        };
        let last = if status == OK {
            // SAFETY: the host just returned these.
            let bytes = unsafe { take(data, size) };
            <[u8; 4]>::try_from(bytes).map_or(0, u32::from_le_bytes)
        } else {
            0
        };
        let next = last.wrapping_add(1);
        let value = next.to_le_bytes();
        // SAFETY: the key and the value are valid for the call.
        let status = unsafe {
            proxy_set_shared_data(
                COUNTER.as_ptr(),
                COUNTER.len(),
                value.as_ptr(),
                value.len(),
                cas,
            )
        };
        (status == OK).then_some(next)
    })
}

/// Signature checks by the host's BoringSSL, through Envoy's foreign function
/// `verify_signature` (source/extensions/common/wasm/foreign.cc).
#[derive(Clone, Copy, Debug, Default)]
pub struct HostSignatures;

impl SignatureVerifier for HostSignatures {
    fn verify(
        &self,
        scheme: SignatureScheme,
        spki_der: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Option<bool> {
        // The function knows a key and a hash, and would check PSS as PKCS #1
        // v1.5; Ed25519 it refuses.
        if scheme.is_pss() {
            return None;
        }
        let hash = match scheme.digest()? {
            Digest::Sha256 => "SHA256",
            Digest::Sha384 => "SHA384",
            Digest::Sha512 => "SHA512",
            Digest::Md5 | Digest::Sha1 => return None,
        };
        let mut argument =
            Vec::with_capacity(64 + spki_der.len() + message.len() + signature.len());
        for (field, bytes) in [
            (1u8, hash.as_bytes()),
            (2, spki_der),
            (3, signature),
            (4, message),
        ] {
            argument.push(field << 3 | 2);
            push_varint(&mut argument, bytes.len());
            argument.extend_from_slice(bytes);
        }
        const NAME: &str = "verify_signature";
        let (mut data, mut size) = (std::ptr::null_mut(), 0);
        // SAFETY: the name, the argument and the out pointers are valid for
        // the call.
        let status = unsafe {
            proxy_call_foreign_function(
                NAME.as_ptr(),
                NAME.len(),
                argument.as_ptr(),
                argument.len(),
                &mut data,
                &mut size,
            )
        };
        if status != OK {
            return None;
        }
        // SAFETY: the host just returned these.
        let answer = unsafe { take(data, size) };
        // VerifySignatureResult { bool result = 1; string error = 2; }: yes is
        // exactly field 1 with 1; no is this error (Envoy 1.39 and 1.40), which
        // is final, or a peer's false signatures would be checked twice. Any
        // other answer means that the host cannot tell (a key or hash that it
        // does not take): then the in-wasm way decides.
        const NO: &[u8] = b"\x12\x26Failed to verify digest. Error code: 0";
        match answer.as_slice() {
            [0x08, 0x01] => Some(true),
            NO => Some(false),
            _ => None,
        }
    }
}

fn push_varint(out: &mut Vec<u8>, mut n: usize) {
    while n >= 0x80 {
        out.push(u8::try_from(n & 0x7f).unwrap_or(0) | 0x80);
        n >>= 7;
    }
    out.push(u8::try_from(n).unwrap_or(0));
}
