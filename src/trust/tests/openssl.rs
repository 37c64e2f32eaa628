//! What rcgen does not make (RSA keys, SHA-1, PSS, DSA, odd curves) comes from
//! the `openssl` command.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A directory of its own that goes when the test does.
pub struct Workshop {
    dir: PathBuf,
}

impl Workshop {
    pub fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let dir = std::env::temp_dir().join(format!(
            "hopguard-trust-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        ));
        std::fs::create_dir_all(&dir).unwrap();
        Self { dir }
    }

    /// Runs `openssl` there; the arguments are separated by spaces.
    pub fn run(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(&self.dir)
            .output()
            .expect("these tests need the openssl command: install the openssl package");
        assert!(
            output.status.success(),
            "openssl {arguments} failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// A certificate that signed itself, in DER. `key` are the arguments of
    /// `-newkey`, `more` any others.
    pub fn self_signed(&self, key: &str, more: &str) -> Vec<u8> {
        self.run(&format!(
            "req -x509 -newkey {key} -nodes -keyout key.pem -outform DER -out cert.der \
             -subj /CN=peer -days 3650 {more}"
        ));
        self.read("cert.der")
    }

    /// An RSA key of rcgen's kind.
    pub fn rsa_key(&self, bits: u32) -> rcgen::KeyPair {
        self.run(&format!(
            "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{bits} -out rsa.pem"
        ));
        rcgen::KeyPair::from_pem(&self.text("rsa.pem")).unwrap()
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        remove(&self.dir);
    }
}

fn remove(dir: &Path) {
    // Nothing depends on it: the directory is under the system's temporary one.
    let _ = std::fs::remove_dir_all(dir);
}
