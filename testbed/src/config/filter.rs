//! Filters that Envoy brings along, for comparison, and its access log to stdout.

use serde_json::{Value, json};

use super::type_url;

/// A native HTTP filter that does nothing: header mutation without mutations.
pub fn native_no_op() -> Value {
    json!({
        "name": "envoy.filters.http.header_mutation",
        "typed_config": {
            "@type": type_url("extensions.filters.http.header_mutation.v3.HeaderMutation"),
            "mutations": {},
        },
    })
}

/// An HTTP filter in Lua.
pub fn lua(source: &str) -> Value {
    json!({
        "name": "envoy.filters.http.lua",
        "typed_config": {
            "@type": type_url("extensions.filters.http.lua.v3.Lua"),
            "default_source_code": { "inline_string": source },
        },
    })
}

/// An access logger that writes lines of this format to stdout.
pub fn stdout_log(format: &str) -> Value {
    json!({
        "name": "envoy.access_loggers.stdout",
        "typed_config": {
            "@type": type_url("extensions.access_loggers.stream.v3.StdoutAccessLog"),
            "log_format": { "text_format_source": { "inline_string": format!("{format}\n") } },
        },
    })
}
