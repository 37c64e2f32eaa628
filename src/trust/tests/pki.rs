//! Certificates for the tests, made by rcgen.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};

use crate::trust::{
    Certificate, Instant, KeyRequirements, NoHost, TrustError, TrustStore, Usage, VerifiedChain,
    verify,
};

/// 2026-06-01T00:00:00Z, the time of the tests.
pub const NOW: i64 = 1_780_272_000;
pub const DAY: i64 = 86_400;

pub fn at(now: i64) -> Instant {
    Instant { now, skew: 0 }
}

pub fn lenient(now: i64, skew: u32) -> Instant {
    Instant { now, skew }
}

/// A CA and what it needs to sign.
pub struct Authority {
    pub der: Vec<u8>,
    pub params: CertificateParams,
    pub key: KeyPair,
}

/// A leaf.
pub struct Leaf {
    pub der: Vec<u8>,
}

impl Leaf {
    pub fn parsed(&self) -> Certificate {
        Certificate::parse(&self.der).expect("a leaf of the tests is well formed")
    }
}

/// Sets the validity in seconds since the epoch.
pub fn valid(params: &mut CertificateParams, not_before: i64, not_after: i64) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(u64::try_from(not_before).unwrap());
    params.not_after = epoch + Duration::from_secs(u64::try_from(not_after).unwrap());
}

pub fn named(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    valid(&mut params, NOW - 30 * DAY, NOW + 300 * DAY);
    params.use_authority_key_identifier_extension = true;
    params
}

pub fn ca_params(common_name: &str) -> CertificateParams {
    let mut params = named(common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut params, NOW - 365 * DAY, NOW + 3650 * DAY);
    params
}

/// A self-signed CA, changed by `change`.
pub fn authority(common_name: &str, change: impl FnOnce(&mut CertificateParams)) -> Authority {
    let mut params = ca_params(common_name);
    change(&mut params);
    authority_of(params, KeyPair::generate().unwrap())
}

pub fn authority_of(params: CertificateParams, key: KeyPair) -> Authority {
    let der = params.self_signed(&key).unwrap().der().to_vec();
    Authority { der, params, key }
}

pub fn plain_authority(common_name: &str) -> Authority {
    authority(common_name, |_| {})
}

impl Authority {
    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }

    /// A CA below this one.
    pub fn sub(&self, common_name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = ca_params(common_name);
        change(&mut params);
        self.sub_of(params, KeyPair::generate().unwrap())
    }

    pub fn sub_of(&self, params: CertificateParams, key: KeyPair) -> Self {
        let der = params.signed_by(&key, &self.issuer()).unwrap();
        let der = der.der().to_vec();
        Self { der, params, key }
    }

    /// A server's certificate for `peer.example.com`, changed by `change`.
    pub fn leaf(&self, change: impl FnOnce(&mut CertificateParams)) -> Leaf {
        self.leaf_with(KeyPair::generate().unwrap(), change)
    }

    pub fn leaf_with(&self, key: KeyPair, change: impl FnOnce(&mut CertificateParams)) -> Leaf {
        let mut params = leaf_params();
        change(&mut params);
        let der = params.signed_by(&key, &self.issuer()).unwrap();
        let der = der.der().to_vec();
        Leaf { der }
    }
}

pub fn leaf_params() -> CertificateParams {
    let mut params = named("peer");
    params.subject_alt_names = vec![SanType::DnsName("peer.example.com".try_into().unwrap())];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

/// A leaf that signed itself.
pub fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> Leaf {
    let key = KeyPair::generate().unwrap();
    let mut params = leaf_params();
    change(&mut params);
    let der = params.self_signed(&key).unwrap().der().to_vec();
    Leaf { der }
}

/// A store of these CA certificates and intermediates.
pub fn store(anchors: &[&Authority], intermediates: &[&Authority]) -> TrustStore {
    let mut builder = TrustStore::builder(NOW);
    for anchor in anchors {
        builder = builder.ca_certificate(anchor.der.clone());
    }
    for intermediate in intermediates {
        builder = builder.intermediate(intermediate.der.clone());
    }
    builder
        .build()
        .expect("a store of the tests is trustworthy")
}

/// A server, now, by the default requirements.
pub fn judge(leaf: &Leaf, store: &TrustStore) -> Result<VerifiedChain, TrustError> {
    judge_at(leaf, store, at(NOW))
}

pub fn judge_at(leaf: &Leaf, store: &TrustStore, at: Instant) -> Result<VerifiedChain, TrustError> {
    judge_as(leaf, store, Usage::Server, at, &KeyRequirements::default())
}

pub fn judge_as(
    leaf: &Leaf,
    store: &TrustStore,
    usage: Usage,
    at: Instant,
    requirements: &KeyRequirements,
) -> Result<VerifiedChain, TrustError> {
    verify(&leaf.parsed(), store, usage, at, requirements, &NoHost)
}

/// A certificate as PEM.
pub fn pem(der: &[u8]) -> String {
    // One line of base64 is what PEM readers must take; `openssl` wraps it.
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for (index, three) in der.chunks(3).enumerate() {
        if index % 16 == 0 {
            text.push('\n');
        }
        let n = three.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        for i in 0..4 {
            text.push(if i <= three.len() {
                char::from(DIGITS[(n >> (18 - 6 * i) & 63) as usize])
            } else {
                '='
            });
        }
    }
    format!("-----BEGIN CERTIFICATE-----{text}\n-----END CERTIFICATE-----\n")
}
