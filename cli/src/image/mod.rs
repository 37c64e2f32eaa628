//! The module as an OCI image, in the two variants that Istio and Envoy Gateway fetch.
//!
//! [`module`] reads what is packed, [`variants`] packs it (the one of them in a
//! [`layer`]), [`sbom`] says what is in it, [`manifest`] has what all of them are
//! made of, [`layout`] is the folder that they lie in; `registry` takes them further.
//!
//! The variants are those of the Wasm Image Specification v0.0.0 of solo-io/wasm. What the
//! fetchers demand beyond it is in Istio's `pkg/wasm/imagefetcher.go`, which Envoy Gateway's
//! `internal/wasm/imagefetcher.go` follows: one manifest, no index without linux/amd64; the
//! last layer of the compat variant counts; the artifact variant has exactly two.

mod layer;
pub mod layout;
pub mod manifest;
pub mod module;
#[cfg(feature = "push")]
pub mod registry;
pub mod sbom;
pub mod variants;

use sha2::{Digest, Sha256};

/// The digest of bytes, as OCI writes it: `sha256:` and 64 lower-case hex digits.
pub fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    format!("sha256:{}", data_encoding::HEXLOWER.encode(&hash))
}
