//! `hopguard-componentize MODULE COMPONENT`: makes a component of a module that carries the
//! types of one, as `wit-bindgen` leaves them in it.
//!
//! A module with imports is refused: the component promises that any host can run it.

use std::path::Path;
use std::process::ExitCode;

use wit_component::ComponentEncoder;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, component] = arguments.as_slice() else {
        eprintln!("usage: hopguard-componentize MODULE COMPONENT");
        return ExitCode::from(2);
    };
    match run(Path::new(module), Path::new(component)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("componentize: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(module: &Path, component: &Path) -> Result<(), String> {
    let bytes = std::fs::read(module).map_err(|why| format!("{}: {why}", module.display()))?;
    let encoded = encoded(&bytes).map_err(|why| format!("{}: {why:#}", module.display()))?;
    std::fs::write(component, encoded).map_err(|why| format!("{}: {why}", component.display()))
}

fn encoded(module: &[u8]) -> anyhow::Result<Vec<u8>> {
    // Without an adapter, an import of WASI has nobody who serves it, and is an error here.
    ComponentEncoder::default()
        .module(module)?
        .validate(true)
        .encode()
}
