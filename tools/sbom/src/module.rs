//! What the module says of itself.

use sha2::{Digest, Sha256};
use wasmparser::{KnownCustom, Parser, Payload};

pub struct Module {
    /// In lower-case hex.
    pub sha256: String,
    /// The version of the compiler, and so of the standard library, such as `1.95.0`.
    pub rustc: String,
}

impl Module {
    /// # Errors
    /// It is no WebAssembly module, or names no Rust compiler.
    pub fn of(bytes: &[u8]) -> Result<Self, String> {
        let rustc = rustc(bytes).map_err(|error| error.to_string())?;
        Ok(Self {
            sha256: data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)),
            rustc: rustc.ok_or("its section `producers` names no rustc")?,
        })
    }
}

fn rustc(bytes: &[u8]) -> wasmparser::Result<Option<String>> {
    for payload in Parser::new(0).parse_all(bytes) {
        let Payload::CustomSection(section) = payload? else {
            continue;
        };
        let KnownCustom::Producers(fields) = section.as_known() else {
            continue;
        };
        for field in fields {
            for value in field?.values {
                let value = value?;
                if value.name == "rustc" {
                    // The version, and the commit and day in brackets behind it.
                    return Ok(value.version.split(' ').next().map(str::to_owned));
                }
            }
        }
    }
    Ok(None)
}
