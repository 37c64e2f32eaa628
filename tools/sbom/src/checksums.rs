//! What `Cargo.lock` knows of crates: the SHA-256 of what was fetched.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::tree::Id;

/// By crate; in hex. Members of the workspace have none.
pub type Checksums = BTreeMap<Id, String>;

#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// Reads the file.
pub fn read(text: &str) -> Result<Checksums, String> {
    let lock: Lock = toml::from_str(text).map_err(|error| error.to_string())?;
    let with_checksum = lock.package.into_iter().filter_map(|package| {
        let id = Id {
            name: package.name,
            version: package.version,
        };
        Some((id, package.checksum?))
    });
    Ok(with_checksum.collect())
}
