//! `make fuzz-seeds`: the world that the fuzz targets judge by (`fuzz/fixtures`), and inputs to
//! start from (`fuzz/corpus`), made by the testbed's PKI, by OpenSSL and by rustls.
//!
//! The keys of a world are thrown away once it is signed, so all of it is made anew or nothing.
//! What else is in the corpus stays: it is of use in any world.

mod certificates;
mod crls;
mod hellos;
mod ocsp;
mod openssl;
mod policies;
mod texts;
mod world;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use self::world::World;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Where the files go.
struct Output {
    root: PathBuf,
}

impl Output {
    /// Something that the targets include.
    fn fixture(&self, name: &str, content: &[u8]) -> Result<()> {
        self.write(&["fixtures", name], content)
    }

    /// An input to start from.
    fn seed(&self, target: &str, name: &str, content: &[u8]) -> Result<()> {
        self.write(&["corpus", target, name], content)
    }

    fn write(&self, path: &[&str], content: &[u8]) -> Result<()> {
        let path = path
            .iter()
            .fold(self.root.clone(), |all, part| all.join(part));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(path, content)?)
    }
}

fn main() -> Result<()> {
    let output = Output {
        root: concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz").into(),
    };
    let world = World::new()?;
    world.write(&output)?;
    ocsp::write(&world, &output)?;
    crls::write(&world, &output)?;
    certificates::write(&world, &output)?;
    policies::write(&world, &output)?;
    texts::write(&world, &output)?;
    hellos::write(&output)
}
