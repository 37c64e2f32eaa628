//! Writes the SBOM of a built module, CycloneDX 1.6 in JSON: the crates that are linked into
//! it and how they depend on each other ([`tree`]), with the checksums of what cargo fetched
//! ([`checksums`]), the standard library of the compiler that the module names, and the
//! module's own digest ([`module`]).
//!
//! Macros and build scripts are left out: they run while it is built. The same module of the
//! same tree gives the same bytes: there is no time and no random number in it.

mod bom;
mod checksums;
mod module;
mod tree;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const TARGET: &str = "wasm32-unknown-unknown";
const PACKAGE: &str = "hopguard";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(module), Some(output), None) = (arguments.next(), arguments.next(), arguments.next())
    else {
        eprintln!(
            "usage: hopguard-sbom MODULE.wasm OUTPUT.cdx.json, at the root of the repository"
        );
        return ExitCode::from(2);
    };
    match write(&module, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hopguard-sbom: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(module: &Path, output: &Path) -> Result<(), String> {
    let name = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let bytes = std::fs::read(module).map_err(|e| name(module, &e))?;
    let module = module::Module::of(&bytes).map_err(|e| name(module, &e))?;
    let tree = tree::Tree::parse(&cargo_tree()?)?;
    let lock = Path::new("Cargo.lock");
    let text = std::fs::read_to_string(lock).map_err(|e| name(lock, &e))?;
    let checksums = checksums::read(&text).map_err(|e| name(lock, &e))?;
    let bom = bom::of(&module, &tree, &checksums)?;
    let mut text = serde_json::to_string_pretty(&bom).map_err(|e| e.to_string())?;
    text.push('\n');
    std::fs::write(output, text).map_err(|e| name(output, &e))
}

/// What is linked into the module, with the features that it is built with: resolver 3 unifies
/// none with those of other members of the workspace.
fn cargo_tree() -> Result<String, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--locked", "--package", PACKAGE, "--target", TARGET])
        .args(["--edges", "normal,no-proc-macro", "--prefix", "depth"])
        .args(["--format", tree::FORMAT])
        .output()
        .map_err(|error| format!("cargo tree: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo tree: {}", said.trim_end()));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("cargo tree: {error}"))
}
