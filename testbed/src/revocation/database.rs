//! What a CA knows of its certificates, in the files of `openssl ca`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

use super::signing::Signing;
use crate::error::{Error, Result};
use crate::pki::{Authority, Issued, openssl};

/// What is known of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It was issued, and not revoked.
    Good,
    /// It was revoked at the beginning of 2025: keyCompromise.
    Revoked,
    /// It was put on hold then: certificateHold.
    OnHold,
}

/// A CA's own certificate and key, and its index of those that it issued.
#[derive(Debug)]
pub struct Database {
    directory: TempDir,
    known: Mutex<BTreeMap<String, Known>>,
    /// How many more are revoked, of which there are no certificates.
    others: AtomicU64,
    files: AtomicU64,
}

impl Database {
    /// Of a CA that knows nothing yet.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn new(ca: &Authority) -> Result<Self> {
        let directory = TempDir::new().map_err(Error::io("temporary directory"))?;
        ca.write_to(directory.path(), "ca")?;
        let database = Self {
            directory,
            known: Mutex::default(),
            others: AtomicU64::new(0),
            files: AtomicU64::new(0),
        };
        database.write_index(&BTreeMap::new())?;
        Ok(database)
    }

    /// What it knows of this certificate, from now on.
    ///
    /// # Panics
    ///
    /// When the index cannot be written.
    pub fn set(&self, certificate: &Issued, known: Known) {
        let serial = certificate.serial_hex().to_uppercase();
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(serial, known);
        self.write_index(&all)
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// Revokes so many that were never issued, with serial numbers of 16 octets.
    ///
    /// # Panics
    ///
    /// When the index cannot be written.
    pub fn revoke_others(&self, count: u64) {
        self.others.store(count, Ordering::Relaxed);
        let all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        self.write_index(&all)
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// The answer to an OCSP question (DER in, DER out): signed like this.
    ///
    /// # Errors
    ///
    /// When `openssl` does not give one.
    pub fn answer(&self, question: &[u8], signing: &Signing) -> Result<Vec<u8>> {
        let (asked, answered) = (self.new_file(), self.new_file());
        fs::write(&asked, question).map_err(Error::io("a question"))?;
        let mut arguments = self.responder_arguments(signing)?;
        arguments.extend(["-reqin".into(), text(&asked)]);
        arguments.extend(["-respout".into(), text(&answered)]);
        openssl::run(&arguments, b"")?;
        fs::read(&answered).map_err(Error::io("an answer"))
    }

    /// `ocsp` and its arguments for one who answers from this index and signs like this.
    pub(super) fn responder_arguments(&self, signing: &Signing) -> Result<Vec<String>> {
        let mut arguments: Vec<String> = vec!["ocsp".into(), "-index".into()];
        arguments.push(text(&self.path("index")));
        arguments.extend(["-CA".into(), text(&self.path("ca.pem"))]);
        arguments.extend(signing.arguments(self)?);
        Ok(arguments)
    }

    /// A file of the database.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The path of a file that is not there yet.
    pub(super) fn new_file(&self) -> PathBuf {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        self.path(&format!("{number}.tmp"))
    }

    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Replaced, not rewritten: a responder that reads at this moment reads the one or the other.
    fn write_index(&self, known: &BTreeMap<String, Known>) -> Result<()> {
        let mut index = String::new();
        for (serial, known) in known {
            let (status, revoked) = match known {
                Known::Good => ("V", ""),
                Known::Revoked => ("R", "250101000000Z,keyCompromise"),
                Known::OnHold => ("R", "250101000000Z,holdInstruction,holdInstructionReject"),
            };
            index +=
                &format!("{status}\t491231235959Z\t{revoked}\t{serial}\tunknown\t/CN={serial}\n");
        }
        for number in 0..self.others.load(Ordering::Relaxed) {
            // Spread over all values, and none like those that are issued.
            let serial = format!(
                "7E{:016X}{number:012X}",
                number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
            );
            index += &format!("R\t491231235959Z\t250101000000Z\t{serial}\tunknown\t/CN=other\n");
        }
        let new = self.new_file();
        fs::write(&new, index)
            .and_then(|()| fs::rename(&new, self.path("index")))
            .map_err(Error::io("the index of a CA"))
    }
}

pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
