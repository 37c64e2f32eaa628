//! Judges the cases of conformance suites inside of a real Envoy: the body of a
//! request is a task, the answer its report. `/host` checks signatures through
//! Envoy's `verify_signature` as the plugin does, `/in-process` without it.
#![cfg(target_arch = "wasm32")]

use hopguard::host::envoy::HostSignatures;
use hopguard_conformance::{Way, judge};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

#[allow(missing_docs, reason = "the SDK's own")]
mod entry {
    proxy_wasm::main! {{
        proxy_wasm::set_root_context(|_| Box::new(crate::Root));
    }}
}

struct Root;

impl Context for Root {}

impl RootContext for Root {
    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Request {
            way: Way::in_process(),
        }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Request {
    way: Way,
}

impl Context for Request {}

impl HttpContext for Request {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        if self.get_http_request_header(":path").as_deref() == Some("/host") {
            self.way = Way::host(HostSignatures);
        }
        // With `allow_on_headers_stop_iteration`, the body comes all the same.
        Action::Pause
    }

    fn on_http_request_body(&mut self, size: usize, is_last: bool) -> Action {
        if is_last {
            let body = self.get_http_request_body(0, size).unwrap_or_default();
            let answer = serde_json::from_slice(&body)
                .and_then(|task| serde_json::to_vec(&judge(&task, &self.way)));
            match answer {
                Ok(report) => self.send_http_response(200, Vec::new(), Some(&report)),
                Err(error) => {
                    let error = error.to_string();
                    self.send_http_response(400, Vec::new(), Some(error.as_bytes()));
                }
            }
        }
        Action::Pause
    }
}
