//! What hopguard's tests, demo and benchmark stand on: a real Envoy, a PKI, upstreams
//! that record every byte, a client, OCSP responders, a real Redis, a real container registry,
//! a receiver of OTLP logs, Prometheus and a host of WebAssembly components.

#![warn(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks)]

pub mod client;
pub mod config;
pub mod envoy;
pub mod error;
mod first_message;
mod openssl_peer;
pub mod otlp;
mod parent_death;
pub mod pki;
pub mod policy;
mod port;
mod process;
pub mod prometheus;
pub mod redis;
pub mod registry;
pub mod revocation;
mod runtime;
mod target;
mod tls;
pub mod upstream;
pub mod wasm;
pub mod wasmtime;

pub use error::{Error, Result};
pub use port::free_port;
pub use tls::{TlsVersion, TlsVersions};
