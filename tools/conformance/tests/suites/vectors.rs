//! Where the suites are.

use std::path::{Path, PathBuf};

use hopguard_conformance::{certificate, ocsp};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct Suite {
    testcases: Vec<certificate::Case>,
}

/// x509-limbo's core cases; none without the data.
pub fn limbo() -> Option<Vec<certificate::Case>> {
    read::<Suite>("limbo-core.json").map(|suite| suite.testcases)
}

/// NIST PKITS; none without the data.
pub fn pkits() -> Option<Vec<certificate::Case>> {
    read::<Suite>("pkits.json").map(|suite| suite.testcases)
}

/// BoringSSL's OCSP responses; none without the data.
pub fn boringssl_ocsp() -> Option<Vec<ocsp::Case>> {
    read("ocsp_boringssl.json")
}

/// `HOPGUARD_VECTORS`, else beside the repository.
fn directory() -> PathBuf {
    match std::env::var_os("HOPGUARD_VECTORS") {
        Some(told) => told.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"),
    }
}

fn read<T: DeserializeOwned>(name: &str) -> Option<T> {
    let path = directory().join(name);
    match std::fs::read(&path) {
        Ok(text) => Some(serde_json::from_slice(&text).expect("the vectors are JSON")),
        Err(error) => {
            // What was told and is not there is a mistake, not a reason to skip.
            assert!(
                std::env::var_os("HOPGUARD_VECTORS").is_none(),
                "{}: {error}",
                path.display()
            );
            println!(
                "skipped: {} is not there; HOPGUARD_VECTORS names another directory",
                path.display()
            );
            None
        }
    }
}
