//! The proxy that hosts the plugin: the ports that the filters use, and the
//! only code that calls Envoy.

pub mod attributes;
#[cfg(all(target_arch = "wasm32", feature = "envoy"))]
pub mod envoy;
#[cfg(test)]
pub mod fake;
pub mod forwarded;
pub mod ports;

pub use ports::{CallAnswer, CallId, Host, Level, MetricId, MetricKind};
