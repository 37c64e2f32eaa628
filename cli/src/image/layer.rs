//! The layer of the compat variant: a gzipped tar with one file.

use std::io::{self, Write};

use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

/// The fetchers look for a file of this name.
const FILE: &str = "plugin.wasm";

/// Neither Windows nor Unix: RFC 1952's number for "unknown".
const UNKNOWN_OS: u8 = 255;

/// A layer, as it lies in a registry and as it is unpacked.
pub struct Layer {
    pub gzip: Vec<u8>,
    /// Its digest is the `diff_id` of the image's configuration.
    pub tar: Vec<u8>,
}

impl Layer {
    /// Of a module, with nothing in it that depends on when, where and by whom it is made.
    ///
    /// # Errors
    /// None that is known: it is written into memory.
    pub fn of(module: &[u8]) -> io::Result<Self> {
        let mut header = Header::new_ustar();
        header.set_path(FILE)?;
        header.set_entry_type(EntryType::Regular);
        header.set_size(module.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_cksum();
        let mut archive = Builder::new(Vec::new());
        archive.append(&header, module)?;
        let tar = archive.into_inner()?;

        let mut gzip = GzBuilder::new()
            .mtime(0)
            .operating_system(UNKNOWN_OS)
            .write(Vec::new(), Compression::best());
        gzip.write_all(&tar)?;
        Ok(Self {
            gzip: gzip.finish()?,
            tar,
        })
    }
}
