//! A certificate from a file.

use std::path::Path;

use hopguard::trust::Certificate;
use hopguard_engine::certificate::{MAX_BYTES, first};
use hopguard_engine::connection::Presented;

use crate::policy::read_bounded;
use crate::reply::Failure;

/// The first certificate of a file, which is the peer's own in a chain.
pub struct Peer {
    pub certificate: Certificate,
    /// Certificates behind it in the file.
    pub others: usize,
}

impl Peer {
    /// Reads PEM or DER.
    ///
    /// # Errors
    /// A sentence: the file cannot be read, or has no certificate that the plugin
    /// could read.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let (first, others) = of_file(path)?;
        let certificate = Certificate::parse(&first).map_err(|error| {
            Failure(format!(
                "{}: the plugin cannot read it: {error}",
                path.display()
            ))
        })?;
        Ok(Self {
            certificate,
            others,
        })
    }

    /// What a peer presents, which the plugin may not be able to read.
    ///
    /// # Errors
    /// As [`Peer::read`], of the file.
    pub fn presented(path: &Path) -> Result<Presented, Failure> {
        let (first, _) = of_file(path)?;
        Ok(Presented::certificate(&first))
    }
}

/// The first certificate of a file in PEM or DER, and how many are behind it.
fn of_file(path: &Path) -> Result<(Vec<u8>, usize), Failure> {
    let max = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    read_bounded(path, max)
        .and_then(first)
        .map_err(|reason| Failure(format!("{}: {reason}", path.display())))
}
