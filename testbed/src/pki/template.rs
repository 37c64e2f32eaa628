//! The content of a certificate and how it becomes a signed one.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, NameConstraints, SanType, SerialNumber,
};
use ring::rand::SecureRandom;

use super::authority::Authority;
use super::der::{self, Tbs};
use super::key::{Key, KeyKind, KeyOwner};
use super::sha256;
use super::signature::Signature;
use crate::error::{Error, Result};

pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Everything that leaves and authorities have in common.
#[derive(Clone)]
pub(super) struct Template {
    pub(super) common_name: String,
    pub(super) organization: Option<String>,
    pub(super) sans: Vec<SanType>,
    pub(super) not_before: SystemTime,
    pub(super) not_after: SystemTime,
    pub(super) is_ca: IsCa,
    pub(super) key_usages: Option<Vec<rcgen::KeyUsagePurpose>>,
    pub(super) extended_key_usages: Vec<ExtendedKeyUsagePurpose>,
    pub(super) name_constraints: Option<NameConstraints>,
    pub(super) extensions: Vec<CustomExtension>,
    pub(super) crl_urls: Vec<String>,
    pub(super) serial: Option<Vec<u8>>,
    pub(super) key: KeyKind,
    pub(super) owner: KeyOwner,
    pub(super) signature: Option<Signature>,
}

/// Who signs.
#[derive(Clone)]
pub(super) enum Signer {
    Authority(Authority),
    /// The certificate's own key.
    Itself,
}

/// A signed certificate with its key.
pub(super) struct Signed {
    pub(super) der: Vec<u8>,
    pub(super) key: Arc<Key>,
    pub(super) params: CertificateParams,
}

impl Template {
    pub(super) fn new(common_name: &str, is_ca: IsCa, owner: KeyOwner) -> Self {
        let now = SystemTime::now();
        Self {
            common_name: common_name.to_owned(),
            organization: None,
            sans: Vec::new(),
            // An hour back: clocks that differ a little are not what most tests are about.
            not_before: now - Duration::from_secs(60 * 60),
            not_after: now + 90 * DAY,
            is_ca,
            key_usages: None,
            extended_key_usages: Vec::new(),
            name_constraints: None,
            extensions: Vec::new(),
            crl_urls: Vec::new(),
            serial: None,
            key: KeyKind::default(),
            owner,
            signature: None,
        }
    }

    pub(super) fn sign(&self, signer: &Signer) -> Result<Signed> {
        let key = Key::generate(self.key, self.owner)?;
        let params = self.params(&key)?;
        let (issuer_params, issuer_key) = match signer {
            Signer::Authority(authority) => (authority.params(), authority.key()),
            Signer::Itself => (&params, &key),
        };
        let usual = Signature::usual_for(issuer_key.kind);
        let signature = self.signature.unwrap_or(usual);
        let der = match (&key.native, &issuer_key.native) {
            (Some(subject), Some(issuer)) if signature == usual => {
                signed(&params, subject, issuer_params, issuer)?
            }
            // What rcgen cannot do itself: its certificate for a stand-in key, with the real
            // key and signature put in.
            _ => {
                let draft = signed(&params, stand_in(), issuer_params, stand_in())?;
                let algorithm = signature.identifier(issuer_key.kind)?;
                let tbs = Tbs::of_certificate(&draft)?.with(&algorithm, &key.spki);
                der::certificate(&tbs, &algorithm, &issuer_key.sign(signature, &tbs)?)
            }
        };
        Ok(Signed { der, key, params })
    }

    fn params(&self, key: &Key) -> Result<CertificateParams> {
        use rcgen::KeyUsagePurpose::{CrlSign, DigitalSignature, KeyCertSign, KeyEncipherment};

        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        if let Some(organization) = &self.organization {
            params
                .distinguished_name
                .push(DnType::OrganizationName, organization);
        }
        if !self.common_name.is_empty() {
            params
                .distinguished_name
                .push(DnType::CommonName, &self.common_name);
        }
        params.not_before = self.not_before.into();
        params.not_after = self.not_after.into();
        params.subject_alt_names = self.sans.clone();
        params.is_ca = self.is_ca;
        params.key_usages = match (&self.key_usages, self.is_ca, self.key.is_rsa()) {
            (Some(asked), ..) => asked.clone(),
            (None, IsCa::Ca(_), _) => vec![KeyCertSign, CrlSign, DigitalSignature],
            (None, _, true) => vec![DigitalSignature, KeyEncipherment],
            (None, _, false) => vec![DigitalSignature],
        };
        params.extended_key_usages = self.extended_key_usages.clone();
        params.name_constraints = self.name_constraints.clone();
        params.custom_extensions = self.extensions.clone();
        params.crl_distribution_points = self
            .crl_urls
            .iter()
            .map(|url| rcgen::CrlDistributionPoint {
                uris: vec![url.clone()],
            })
            .collect();
        params.serial_number = Some(SerialNumber::from_slice(&match &self.serial {
            Some(serial) => serial.clone(),
            None => random_serial()?,
        }));
        params.use_authority_key_identifier_extension = true;
        // Of the real key, which need not be the one that rcgen sees.
        params.key_identifier_method = KeyIdMethod::PreSpecified(sha256(&key.spki)[..20].to_vec());
        Ok(params)
    }
}

fn signed(
    params: &CertificateParams,
    subject: &KeyPair,
    issuer_params: &CertificateParams,
    issuer: &KeyPair,
) -> Result<Vec<u8>> {
    params
        .signed_by(subject, &Issuer::from_params(issuer_params, issuer))
        .map(|certificate| certificate.der().to_vec())
        .map_err(|error| Error::Certificate(error.to_string()))
}

fn stand_in() -> &'static KeyPair {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    KEY.get_or_init(|| KeyPair::generate().expect("ring makes P-256 keys"))
}

/// 127 random bits: positive, never zero, within the 20 octets of RFC 5280 section 4.1.2.2.
fn random_serial() -> Result<Vec<u8>> {
    let mut serial = vec![0; 16];
    ring::rand::SystemRandom::new()
        .fill(&mut serial)
        .map_err(|_| Error::Certificate("no randomness for a serial number".into()))?;
    serial[0] = serial[0] & 0x7f | 0x40;
    Ok(serial)
}

pub(super) fn dns(name: &str) -> SanType {
    SanType::DnsName(ia5(name))
}

pub(super) fn uri(uri: &str) -> SanType {
    SanType::URI(ia5(uri))
}

pub(super) fn email(address: &str) -> SanType {
    SanType::Rfc822Name(ia5(address))
}

pub(super) fn ip(address: IpAddr) -> SanType {
    SanType::IpAddress(address)
}

fn ia5(text: &str) -> rcgen::string::Ia5String {
    text.try_into()
        .unwrap_or_else(|_| panic!("not ASCII, so no IA5String: {text:?}"))
}
