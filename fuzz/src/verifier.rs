//! Ways to check signatures that leave the fuzzer nothing to forge, or nothing to stumble over.

use std::collections::BTreeSet;
use std::sync::Mutex;

use hopguard::trust::{NoHost, SignatureScheme, SignatureVerifier, signature};

/// Takes every signature, so that what is behind it is reached.
pub struct Gullible;

impl SignatureVerifier for Gullible {
    fn verify(&self, _: SignatureScheme, _: &[u8], _: &[u8], _: &[u8]) -> Option<bool> {
        Some(true)
    }
}

/// Takes the signatures that were right when it was taught, and no other: that nobody can make
/// another one is what signatures are for.
#[derive(Default)]
pub struct Taught(BTreeSet<[Vec<u8>; 3]>);

impl Taught {
    /// What `teach` has checked, and found right, becomes known.
    pub fn by(teach: impl FnOnce(&dyn SignatureVerifier)) -> Self {
        let teacher = Teacher(Mutex::default());
        teach(&teacher);
        Self(teacher.0.into_inner().unwrap())
    }
}

impl SignatureVerifier for Taught {
    fn verify(
        &self,
        _: SignatureScheme,
        spki: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Option<bool> {
        Some(self.0.contains(&key(spki, message, signature)))
    }
}

/// The `AlgorithmIdentifier` of what the fixtures are signed with.
const ECDSA_WITH_SHA256: [u8; 12] = [
    0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02,
];

/// Checks in process, and remembers.
struct Teacher(Mutex<BTreeSet<[Vec<u8>; 3]>>);

impl SignatureVerifier for Teacher {
    fn verify(
        &self,
        scheme: SignatureScheme,
        spki: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Option<bool> {
        let right = scheme == SignatureScheme::EcdsaP256Sha256
            && signature::check(&NoHost, spki, &ECDSA_WITH_SHA256, message, signature).is_ok();
        if right {
            let mut known = self.0.lock().unwrap();
            known.insert(key(spki, message, signature));
        }
        Some(right)
    }
}

/// Lets another check, and takes every signature all the same.
pub struct Indulgent<'v>(pub &'v dyn SignatureVerifier);

impl SignatureVerifier for Indulgent<'_> {
    fn verify(
        &self,
        scheme: SignatureScheme,
        spki: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Option<bool> {
        self.0.verify(scheme, spki, message, signature);
        Some(true)
    }
}

fn key(spki: &[u8], message: &[u8], signature: &[u8]) -> [Vec<u8>; 3] {
    [spki, message, signature].map(<[u8]>::to_vec)
}
