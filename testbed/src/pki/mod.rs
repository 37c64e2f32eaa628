//! A PKI whose certificates can be good, or wrong in one chosen way.
//!
//! ```
//! use hopguard_testbed::pki::{KeyKind, Pki, Signature};
//!
//! let pki = Pki::new();
//! let good = pki.server("api.test").issue();
//! let expired = pki.server("api.test").expired().issue();
//! let untrusted = pki.server("api.test").issuer(&pki.other).issue();
//! let spiffe = pki.client("web").uri("spiffe://prod.test/ns/web/sa/web").issue();
//! assert_ne!(good.sha256_hex(), expired.sha256_hex());
//! # let _ = (untrusted, spiffe, KeyKind::P384, Signature::Sha1);
//! ```

mod authority;
mod authority_builder;
pub(crate) mod der;
mod issued;
mod key;
mod leaf;
pub mod openssl;
mod signature;
mod template;

use rcgen::CustomExtension;

pub use self::authority::Authority;
pub use self::authority_builder::AuthorityBuilder;
pub use self::issued::{CertificateFiles, Issued};
pub use self::key::KeyKind;
pub use self::leaf::LeafBuilder;
pub use self::signature::Signature;
pub use rcgen::{ExtendedKeyUsagePurpose, GeneralSubtree, KeyUsagePurpose};

/// Three authorities: a root, an intermediate below it that issues the leaves, and one
/// that nobody trusts.
#[derive(Clone, Debug)]
pub struct Pki {
    /// The trust anchor.
    pub root: Authority,
    /// Signed by the root; signs the leaves.
    pub intermediate: Authority,
    /// A root of its own.
    pub other: Authority,
}

impl Pki {
    /// Makes the three authorities, with P-256 keys.
    ///
    /// # Panics
    ///
    /// When the system gives no randomness.
    #[allow(clippy::new_without_default)] // Two calls give two different PKIs.
    pub fn new() -> Self {
        Self::with_keys(KeyKind::P256)
    }

    /// Makes the three authorities with keys of another kind.
    ///
    /// # Panics
    ///
    /// When such a key cannot be made.
    pub fn with_keys(kind: KeyKind) -> Self {
        let root = Authority::root("Testbed Root CA").key(kind).issue();
        let intermediate = root
            .intermediate("Testbed Intermediate CA")
            .key(kind)
            .issue();
        let other = Authority::root("Testbed Other CA").key(kind).issue();
        Self {
            root,
            intermediate,
            other,
        }
    }

    /// Starts a server's leaf: common name and DNS name as given, for serverAuth.
    pub fn server(&self, dns_name: &str) -> LeafBuilder {
        self.intermediate.server(dns_name)
    }

    /// Starts a client's leaf: common name as given, for clientAuth.
    pub fn client(&self, common_name: &str) -> LeafBuilder {
        self.intermediate.client(common_name)
    }
}

/// The first common name in the subject of a certificate.
pub(crate) fn subject_common_name(certificate: &[u8]) -> Option<String> {
    der::common_name(der::Tbs::of_certificate(certificate).ok()?.subject())
}

/// SHA-256.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, data).as_ref());
    out
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn extension(oid: &[u64], critical: bool, value: &[u8]) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(oid, value.to_vec());
    extension.set_criticality(critical);
    extension
}

/// AuthorityInfoAccessSyntax with one id-ad-ocsp entry, RFC 5280 section 4.2.2.1.
fn ocsp_access(url: &str) -> Vec<u8> {
    const ID_AD_OCSP: [u8; 10] = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01];
    const URI: u8 = 0x86;
    let location = der::encode(URI, &[url.as_bytes()]);
    let description = der::encode(der::SEQUENCE, &[&ID_AD_OCSP, &location]);
    der::encode(der::SEQUENCE, &[&description])
}
