//! The module that is packed.

use std::path::Path;

use wasmparser::{ExternalKind, Parser, Payload};

use crate::reply::Failure;

/// Istio's fetcher takes no more (`ISTIO_WASM_MAX_BINARY_SIZE_BYTES`), nor does Envoy Gateway's.
const MAX_BYTES: u64 = 256 << 20;

/// An export that says which ABI a module of proxy-wasm speaks.
const ABI: &str = "proxy_abi_version_";

/// A module of proxy-wasm.
pub struct Module {
    pub bytes: Vec<u8>,
    /// Such as `0.2.1`, in the order of the exports.
    pub abi_versions: Vec<String>,
}

impl Module {
    /// Reads one, and looks at its exports.
    ///
    /// # Errors
    /// It cannot be read, is larger than the fetchers take, or is no module of proxy-wasm.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let failure =
            |error: &dyn std::fmt::Display| Failure(format!("{}: {error}", path.display()));
        let size = std::fs::metadata(path).map_err(|e| failure(&e))?.len();
        if size > MAX_BYTES {
            return Err(failure(&format_args!(
                "{size} bytes are more than Istio and Envoy Gateway fetch ({MAX_BYTES})"
            )));
        }
        let bytes = std::fs::read(path).map_err(|e| failure(&e))?;
        let abi_versions = abi_versions(&bytes)
            .map_err(|e| failure(&format_args!("not a WebAssembly module: {e}")))?;
        if abi_versions.is_empty() {
            return Err(failure(
                &"not a module of proxy-wasm: it exports no ABI version",
            ));
        }
        Ok(Self {
            bytes,
            abi_versions,
        })
    }
}

fn abi_versions(bytes: &[u8]) -> wasmparser::Result<Vec<String>> {
    let mut versions = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let Payload::ExportSection(exports) = payload? else {
            continue;
        };
        for export in exports {
            let export = export?;
            if export.kind == ExternalKind::Func
                && let Some(version) = export.name.strip_prefix(ABI)
            {
                versions.push(version.replace('_', "."));
            }
        }
    }
    Ok(versions)
}
