//! Which keys and signature algorithms are good enough.

use super::certificate::Certificate;
use super::certificate::key::{Curve, PublicKey};
use super::certificate::rsa_key::{EXPONENT, MODULUS_BITS};
use super::error::TrustError;

/// A set of curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Curves(u8);

impl Curves {
    /// No curve.
    pub const NONE: Self = Self(0);

    /// This set and one more curve.
    #[must_use]
    pub const fn with(self, curve: Curve) -> Self {
        Self(self.0 | Self::bit(curve))
    }

    /// Whether the curve is in it.
    pub const fn contains(self, curve: Curve) -> bool {
        self.0 & Self::bit(curve) != 0
    }

    const fn bit(curve: Curve) -> u8 {
        match curve {
            Curve::P256 => 1,
            Curve::P384 => 2,
            Curve::P521 => 4,
        }
    }
}

/// Whether a certificate must say what it is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExtendedKeyUsageDemand {
    /// serverAuth or clientAuth must be named. A certificate without the
    /// extension is good for anything its key can do, which for a private CA
    /// often means more than its owner thought of.
    #[default]
    Required,
    /// As RFC 5280 section 4.2.1.12 has it: when the extension is there it
    /// binds. For private PKIs that leave it out (cert-manager's default).
    IfPresent,
}

/// What a key, its signature and its purposes must be like.
///
/// ```
/// use hopguard::trust::{Curve, Curves, KeyRequirements};
///
/// let requirements = KeyRequirements::default()
///     .with_min_rsa_bits(3072)
///     .expect("between 1,024 and 8,192")
///     .with_curves(Curves::NONE.with(Curve::P384));
/// # let _ = requirements;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRequirements {
    min_rsa_bits: u16,
    curves: Curves,
    extended_key_usage: ExtendedKeyUsageDemand,
}

impl Default for KeyRequirements {
    /// RSA from 2,048 bits (NIST SP 800-131A section 3, CA/B Forum Baseline
    /// Requirements section 6.1.5), P-256 and P-384, a named purpose.
    fn default() -> Self {
        Self {
            min_rsa_bits: 2048,
            curves: Curves::NONE.with(Curve::P256).with(Curve::P384),
            extended_key_usage: ExtendedKeyUsageDemand::Required,
        }
    }
}

impl KeyRequirements {
    /// The shortest RSA key, in bits. `None` outside of 1,024 to 8,192: below,
    /// no signature would be checked, above, no key would be accepted.
    #[must_use]
    pub fn with_min_rsa_bits(self, bits: u16) -> Option<Self> {
        MODULUS_BITS.contains(&u32::from(bits)).then_some(Self {
            min_rsa_bits: bits,
            ..self
        })
    }

    /// The curves of peers' keys. P-521 concerns peers only: no signature of
    /// such a key can be checked, so no CA can have one.
    #[must_use]
    pub fn with_curves(self, curves: Curves) -> Self {
        Self { curves, ..self }
    }

    /// Whether a purpose must be named.
    #[must_use]
    pub fn with_extended_key_usage(self, demand: ExtendedKeyUsageDemand) -> Self {
        Self {
            extended_key_usage: demand,
            ..self
        }
    }

    /// Whether a purpose must be named.
    pub fn extended_key_usage(&self) -> ExtendedKeyUsageDemand {
        self.extended_key_usage
    }

    /// Key and signature of a certificate that a path trusts.
    ///
    /// # Errors
    ///
    /// The first demand that is not met.
    pub fn check(&self, certificate: &Certificate) -> Result<(), TrustError> {
        self.check_key(certificate.key())?;
        check_signature_algorithm(certificate)
    }

    /// The key alone: of a certificate that is trusted for itself, an anchor or
    /// a pin. Its own signature proves nothing that the policy did not say
    /// already, so its algorithm does not matter: many roots are still signed
    /// with SHA-1, and harmlessly.
    ///
    /// # Errors
    ///
    /// The first demand that is not met.
    pub fn check_key(&self, key: &PublicKey) -> Result<(), TrustError> {
        match key {
            PublicKey::Rsa {
                bits,
                exponent,
                odd,
            } => self.check_rsa(*bits, *exponent, *odd),
            PublicKey::Ec(curve) if self.curves.contains(*curve) => Ok(()),
            PublicKey::Ec(curve) => Err(TrustError::CurveNotAllowed(*curve)),
            PublicKey::Ed25519 => Ok(()),
            PublicKey::Other(name) => Err(TrustError::KeyUnsupported(name.clone().into())),
        }
    }

    fn check_rsa(&self, bits: u32, exponent: u64, odd: bool) -> Result<(), TrustError> {
        let min = u32::from(self.min_rsa_bits);
        if bits < min {
            return Err(TrustError::KeyTooWeak { bits, min });
        }
        if bits > *MODULUS_BITS.end() {
            return Err(TrustError::KeyUnsupported(format!("RSA {bits}").into()));
        }
        // CA/B Forum Baseline Requirements section 6.1.5: "evenly divisible by
        // 8". Other sizes come from broken generators.
        if !bits.is_multiple_of(8) {
            return Err(TrustError::KeyUnsupported(
                format!("RSA {bits}, which is not a multiple of 8 bits").into(),
            ));
        }
        if !odd || !EXPONENT.contains(&exponent) {
            return Err(TrustError::KeyUnsupported(
                format!("RSA {bits} with exponent {exponent}").into(),
            ));
        }
        Ok(())
    }

    /// The key of an issuer: one whose signatures can be checked here. The
    /// list of curves is about peers; an issuer's curve is its own affair.
    ///
    /// # Errors
    ///
    /// The first demand that is not met.
    pub(crate) fn check_issuer_key(&self, key: &PublicKey) -> Result<(), TrustError> {
        match key {
            PublicKey::Ec(Curve::P256 | Curve::P384) => Ok(()),
            PublicKey::Ec(Curve::P521) => Err(TrustError::KeyUnsupported(
                "P-521, whose signatures cannot be checked".into(),
            )),
            _ => self.check_key(key),
        }
    }
}

/// A collision in MD5 or SHA-1 turns a CA's signature on one certificate into
/// one on another (2008 for MD5, 2020 for SHA-1). What cannot be checked is
/// named here, where it is known whose it is.
pub(crate) fn check_signature_algorithm(certificate: &Certificate) -> Result<(), TrustError> {
    let algorithm = certificate.signature_algorithm();
    let name = || algorithm.to_string().into();
    if algorithm.broken_digest().is_some() {
        Err(TrustError::SignatureAlgorithmWeak(name()))
    } else if !algorithm.is_supported() {
        Err(TrustError::SignatureAlgorithmUnsupported(name()))
    } else {
        Ok(())
    }
}
