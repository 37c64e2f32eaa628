//! hopguard judges every TLS hop of a proxy by the connection's own evidence,
//! against OWASP ASVS 4.0 V9.2, before an application byte leaves.
//!
//! The layers, each of which knows only those below it:
//!
//! | layer | concern |
//! |---|---|
//! | [`filter`] | when to look at which stream, and what to do with the verdict |
//! | [`config`] | from JSON to a validated policy |
//! | [`telemetry`] | events, metrics, filter state |
//! | [`host`] | the proxy as a set of ports; the only caller of Envoy |
//! | [`posture`] | the proxy's own certificates and staples, and what changed: pure |
//! | [`decision`] | facts, policy, and the decision between them: pure |
//! | [`revocation`] | OCSP, CRLs, and what is known of certificates by them: pure |
//! | [`trust`] | certificates, names, paths, signatures: pure |
//!
//! The pure ones get bytes and a time, do no I/O, and build and
//! test natively. As a WebAssembly module with the feature `plugin` the crate is a
//! proxy-wasm plugin (ABI 0.2.1) for Envoy.

// What talks to the host allows it for itself.
#![deny(unsafe_code)]

pub mod config;
pub mod decision;
pub mod filter;
pub mod host;
pub mod posture;
pub mod revocation;
pub mod telemetry;
pub mod trust;

#[cfg(all(target_arch = "wasm32", feature = "plugin"))]
mod entry {
    proxy_wasm::main! {{
        crate::filter::root::register();
    }}
}
