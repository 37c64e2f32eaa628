//! A filter that does nothing, on the SDK's defaults: of connections where its
//! `root_id` is `network`, else of requests.
//!
//! Where it is `reads_downstream` or `reads_upstream` it asks the host what no
//! verdict on a known connection can do without, by the cheapest calls there are,
//! and does nothing with it: the floor for whoever judges each request.

use proxy_wasm::traits::{Context, HttpContext, RootContext, StreamContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Trace);
    proxy_wasm::set_root_context(|_| Box::new(Root { is_network: false, reads: &[] }));
}}

/// Which connection it is.
const DOWNSTREAM: &[&[u8]] = &[b"connection_id"];
/// Whether it is TLS, whose certificate the server has, and whose server it is.
const UPSTREAM: &[&[u8]] = &[
    b"upstream\0tls_version",
    b"upstream\0sha256_peer_certificate_digest",
    b"xds\0cluster_name",
];

struct Root {
    is_network: bool,
    reads: &'static [&'static [u8]],
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let root_id = self.get_property(vec!["plugin_root_id"]);
        let root_id = root_id.unwrap_or_default();
        self.is_network = root_id == b"network";
        self.reads = match root_id.as_slice() {
            b"reads_downstream" => DOWNSTREAM,
            b"reads_upstream" => UPSTREAM,
            _ => &[],
        };
        true
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream { reads: self.reads }))
    }

    fn create_stream_context(&self, _: u32) -> Option<Box<dyn StreamContext>> {
        Some(Box::new(Stream { reads: &[] }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(if self.is_network {
            ContextType::StreamContext
        } else {
            ContextType::HttpContext
        })
    }
}

struct Stream {
    reads: &'static [&'static [u8]],
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        for path in self.reads {
            read(path);
        }
        Action::Continue
    }
}

impl StreamContext for Stream {}

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        value: *mut *mut u8,
        value_size: *mut usize,
    ) -> u32;
}

/// Asks for a property, past the SDK, which would copy the path first.
fn read(path: &[u8]) {
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the path and the out pointers are valid for the call.
    let status = unsafe { proxy_get_property(path.as_ptr(), path.len(), &mut data, &mut size) };
    if status == 0 && !data.is_null() {
        // SAFETY: the host had these allocated by the SDK's export, with this size.
        drop(unsafe { Vec::from_raw_parts(data, size, size) });
    }
}
