//! Removes exports that the plugin does not need.
//!
//! The SDK exports every callback of proxy-wasm, and Envoy calls each exported
//! callback of a stream: body, trailers, responses, log. Each call costs a
//! request about a microsecond for nothing. The functions themselves stay in
//! the module, a few KiB that the export no longer reaches.
//!
//! Some callbacks the plugin takes itself, since the SDK's panic where Envoy
//! does the unexpected (`src/host/envoy/exports.rs`); they replace the SDK's.

use std::path::PathBuf;
use std::process::ExitCode;

use wasm_encoder::{ExportKind, ExportSection, Module, RawSection};
use wasmparser::{ExternalKind, Parser, Payload};

/// What stays: what Envoy needs to load a module, and the callbacks that the
/// plugin implements.
const KEPT: &[&str] = &[
    "memory",
    "_initialize",
    "malloc",
    "proxy_abi_version_0_2_1",
    "proxy_on_vm_start",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_tick",
    "proxy_on_queue_ready",
    "proxy_on_request_headers",
    "proxy_on_downstream_data",
    "proxy_on_downstream_connection_close",
    "proxy_on_upstream_data",
    "proxy_on_http_call_response",
    "proxy_on_log",
];

/// The plugin's own callbacks stand under this prefix, and take the place of
/// the SDK's.
const OWN: &str = "hopguard_on_";
const CALLBACK: &str = "proxy_on_";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(input), Some(output), None) = (arguments.next(), arguments.next(), arguments.next())
    else {
        eprintln!("usage: hopguard-wasm-strip INPUT.wasm OUTPUT.wasm");
        return ExitCode::from(2);
    };
    let result = std::fs::read(&input)
        .map_err(|e| format!("{}: {e}", input.display()))
        .and_then(|bytes| strip(&bytes))
        .and_then(|bytes| {
            std::fs::write(&output, bytes).map_err(|e| format!("{}: {e}", output.display()))
        });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hopguard-wasm-strip: {error}");
            ExitCode::FAILURE
        }
    }
}

fn strip(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut module = Module::new();
    let mut missing: Vec<&str> = KEPT.to_vec();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|e| e.to_string())?;
        if let Payload::ExportSection(reader) = payload {
            let all: Vec<_> = reader
                .into_iter()
                .collect::<Result<_, _>>()
                .map_err(|e| e.to_string())?;
            let own: Vec<String> = all
                .iter()
                .filter_map(|export| export.name.strip_prefix(OWN))
                .map(|name| format!("{CALLBACK}{name}"))
                .collect();
            let mut exports = ExportSection::new();
            for export in all {
                let (name, is_replaced) = match export.name.strip_prefix(OWN) {
                    Some(name) => (format!("{CALLBACK}{name}"), false),
                    None => (export.name.to_owned(), own.iter().any(|o| o == export.name)),
                };
                if KEPT.contains(&&*name) && !is_replaced {
                    missing.retain(|kept| *kept != name);
                    exports.export(&name, kind(export.kind)?, export.index);
                }
            }
            module.section(&exports);
        } else if let Some((id, range)) = payload.as_section() {
            let start = usize::try_from(range.start).map_err(|e| e.to_string())?;
            let end = usize::try_from(range.end).map_err(|e| e.to_string())?;
            let data = bytes.get(start..end).ok_or("a section is cut off")?;
            module.section(&RawSection { id, data });
        }
    }
    if missing.is_empty() {
        Ok(module.finish())
    } else {
        Err(format!("the module does not export {}", missing.join(", ")))
    }
}

fn kind(kind: ExternalKind) -> Result<ExportKind, String> {
    match kind {
        ExternalKind::Func => Ok(ExportKind::Func),
        ExternalKind::Memory => Ok(ExportKind::Memory),
        ExternalKind::Global => Ok(ExportKind::Global),
        ExternalKind::Table => Ok(ExportKind::Table),
        other => Err(format!("an export of kind {other:?} is not expected")),
    }
}
