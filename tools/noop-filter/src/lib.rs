//! A filter that does nothing, on the SDK's defaults: of connections where its
//! `root_id` is `network`, else of requests.

use proxy_wasm::traits::{Context, HttpContext, RootContext, StreamContext};
use proxy_wasm::types::{ContextType, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Trace);
    proxy_wasm::set_root_context(|_| Box::new(Root { is_network: false }));
}}

struct Root {
    is_network: bool,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let root_id = self.get_property(vec!["plugin_root_id"]);
        self.is_network = root_id.is_some_and(|id| id == b"network");
        true
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream))
    }

    fn create_stream_context(&self, _: u32) -> Option<Box<dyn StreamContext>> {
        Some(Box::new(Stream))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(if self.is_network {
            ContextType::StreamContext
        } else {
            ContextType::HttpContext
        })
    }
}

struct Stream;

impl Context for Stream {}

impl HttpContext for Stream {}

impl StreamContext for Stream {}
