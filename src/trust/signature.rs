//! Checking one signature, in the host where it can, in process where not.
//!
//! A host's cryptography is some thirty times faster than the same in
//! WebAssembly, but which host there is must not decide what is trusted. So the
//! form of key and signature is checked here first, strictly, and the host is
//! asked only what no two implementations disagree on.

use std::fmt;

use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

use super::certificate::algorithm::SignatureAlgorithm;
use super::der::{self, NotDer, Reader, tag};
use super::error::TrustError;

mod known_answer;
mod rustcrypto;
mod scheme;

pub use known_answer::{HostCheck, try_host};
use rustcrypto::Checkable;
pub use scheme::{COUNT, SignatureScheme};
use scheme::{ENTRIES, Entry};

/// The host's way of checking signatures: a port that an adapter implements.
pub trait SignatureVerifier: Sync {
    /// Whether `signature` over `message` was made by the key in `spki_der`.
    ///
    /// `None` when this host cannot tell: it lacks the function, refuses the
    /// scheme, or reports an error. Then the in-process way decides. A host that
    /// only knows a key and a digest (Envoy's `verify_signature`) must answer
    /// `None` for the PSS schemes: it would check them as PKCS #1 v1.5.
    ///
    /// It is never asked about [`SignatureScheme::Ed25519`].
    fn verify(
        &self,
        scheme: SignatureScheme,
        spki_der: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Option<bool>;
}

/// No host: every signature is checked in process.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHost;

impl SignatureVerifier for NoHost {
    fn verify(&self, _: SignatureScheme, _: &[u8], _: &[u8], _: &[u8]) -> Option<bool> {
        None
    }
}

/// One scheme as rustls-webpki wants it, over a host.
#[derive(Clone, Copy)]
pub struct Algorithm<'p> {
    entry: &'static Entry,
    host: &'p dyn SignatureVerifier,
}

/// Every scheme, over this host.
pub fn all(host: &dyn SignatureVerifier) -> [Algorithm<'_>; COUNT] {
    ENTRIES.each_ref().map(|entry| Algorithm { entry, host })
}

impl Algorithm<'_> {
    /// The scheme that this is.
    pub fn scheme(&self) -> SignatureScheme {
        self.entry.scheme
    }

    fn accepts(&self, key_bits: &[u8], message: &[u8], signature: &[u8]) -> bool {
        let scheme = self.entry.scheme;
        let Some(checkable) = Checkable::new(scheme, key_bits, signature) else {
            return false;
        };
        let asked = if scheme == SignatureScheme::Ed25519 {
            // Implementations differ on keys of small order and on points that
            // are not canonical, Envoy refuses the scheme, and in process it
            // takes 0.1 ms: nothing is gained by asking.
            None
        } else {
            let spki = spki(&self.entry.key, key_bits);
            self.host.verify(scheme, &spki, message, signature)
        };
        asked.unwrap_or_else(|| checkable.verify(message))
    }
}

impl fmt::Debug for Algorithm<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Algorithm({:?})", self.entry.scheme)
    }
}

impl SignatureVerificationAlgorithm for Algorithm<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        if self.accepts(public_key, message, signature) {
            Ok(())
        } else {
            Err(InvalidSignature)
        }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.entry.key
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.entry.signature
    }
}

/// rustls-webpki splits the `SubjectPublicKeyInfo` in two; hosts want it whole.
fn spki(algorithm: &AlgorithmIdentifier, key_bits: &[u8]) -> Vec<u8> {
    let mut content = der::wrap(tag::SEQUENCE, algorithm);
    let mut bits = Vec::with_capacity(key_bits.len().saturating_add(1));
    bits.push(0);
    bits.extend_from_slice(key_bits);
    content.extend(der::wrap(tag::BIT_STRING, &bits));
    der::wrap(tag::SEQUENCE, &content)
}

/// Checks a signature outside of a certificate path, such as that of an OCSP
/// response or a CRL. `algorithm` is the whole `AlgorithmIdentifier`.
///
/// # Errors
///
/// [`TrustError::SignatureAlgorithmWeak`],
/// [`TrustError::SignatureAlgorithmUnsupported`] (also when the key is of
/// another kind), [`TrustError::SignatureInvalid`], or
/// [`TrustError::Malformed`] when `algorithm` or `spki_der` is no DER.
pub fn check(
    host: &dyn SignatureVerifier,
    spki_der: &[u8],
    algorithm: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), TrustError> {
    let malformed = |_: NotDer| TrustError::Malformed("signature algorithm or key".into());
    let named = SignatureAlgorithm::from_der(algorithm).map_err(malformed)?;
    if named.broken_digest().is_some() {
        return Err(TrustError::SignatureAlgorithmWeak(named.to_string().into()));
    }
    let identifier = der::single(algorithm, tag::SEQUENCE).map_err(malformed)?;
    let (key_algorithm, key_bits) = split_spki(spki_der).map_err(malformed)?;
    let algorithm = all(host).into_iter().find(|algorithm| {
        algorithm.entry.signature.as_ref() == identifier
            && algorithm.entry.key.as_ref() == key_algorithm
    });
    match algorithm {
        None => Err(TrustError::SignatureAlgorithmUnsupported(
            named.to_string().into(),
        )),
        Some(algorithm) if algorithm.accepts(key_bits, message, signature) => Ok(()),
        Some(_) => Err(TrustError::SignatureInvalid),
    }
}

fn split_spki(spki_der: &[u8]) -> Result<(&[u8], &[u8]), NotDer> {
    let mut spki = Reader::new(der::single(spki_der, tag::SEQUENCE)?);
    let algorithm = spki.expect(tag::SEQUENCE)?;
    match spki.expect(tag::BIT_STRING)? {
        [0, bits @ ..] => spki.end().map(|()| (algorithm, bits)),
        _ => Err(NotDer),
    }
}
