//! A responder of which each field can be made wrong.

use std::sync::LazyLock;

use rcgen::{
    CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
    SigningKey,
};

use crate::revocation::ocsp::encoding::tag;
use crate::revocation::ocsp::{Answer, Demands, OcspError, Question, verify};
use crate::trust::Utc;
use crate::trust::der::wrap;
use crate::trust::tests::pki::{self, Authority, NOW};
use crate::trust::{Certificate, Instant, NoHost};

pub const HOUR: i64 = 3600;
pub const DAY: i64 = 86_400;
pub const NOCHECK: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 48, 1, 5];

pub const SHA1: &[u8] = &[0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00];
pub const ECDSA_SHA256: &[u8] = &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

/// A CA, a certificate of it, and the question about that.
pub struct World {
    pub ca: Authority,
    pub issuer: Certificate,
    pub leaf: Certificate,
    pub leaf_key: KeyPair,
}

pub static WORLD: LazyLock<World> = LazyLock::new(|| {
    let ca = pki::plain_authority("ca");
    let leaf_key = KeyPair::generate().unwrap();
    let leaf = ca.leaf_with(copy(&leaf_key), |params| {
        // A serial number whose first bit is set, so that a zero goes before it.
        params.serial_number = Some(vec![0xfe, 1, 2, 3].into());
    });
    World {
        issuer: Certificate::parse(&ca.der).unwrap(),
        leaf: leaf.parsed(),
        leaf_key,
        ca,
    }
});

impl World {
    pub fn question(&self) -> Question<'_> {
        Question {
            leaf: &self.leaf,
            issuer: &self.issuer,
        }
    }
}

pub fn copy(key: &KeyPair) -> KeyPair {
    KeyPair::from_pem(&key.serialize_pem()).unwrap()
}

pub fn at(now: i64) -> Instant {
    Instant { now, skew: 300 }
}

/// What an answer to the world's question is worth now, by the defaults.
pub fn judge(response: &[u8]) -> Result<Answer, OcspError> {
    judge_at(response, at(NOW))
}

pub fn judge_at(response: &[u8], at: Instant) -> Result<Answer, OcspError> {
    judge_by(response, &Demands::default(), at)
}

pub fn judge_by(response: &[u8], demands: &Demands, at: Instant) -> Result<Answer, OcspError> {
    verify(response, &WORLD.question(), demands, &NoHost, at)
}

/// One who may answer, or looks like it.
pub struct Delegate {
    pub der: Vec<u8>,
    pub key: KeyPair,
}

pub fn delegate_params(params: &mut CertificateParams) {
    *params = pki::named("responder");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
    params.custom_extensions = vec![CustomExtension::from_oid_content(NOCHECK, vec![5, 0])];
}

pub fn delegate_of(ca: &Authority, change: impl FnOnce(&mut CertificateParams)) -> Delegate {
    let key = KeyPair::generate().unwrap();
    let certificate = ca.leaf_with(copy(&key), |params| {
        delegate_params(params);
        change(params);
    });
    Delegate {
        der: certificate.der,
        key,
    }
}

pub fn delegate(change: impl FnOnce(&mut CertificateParams)) -> Delegate {
    delegate_of(&WORLD.ca, change)
}

pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    wrap(tag::SEQUENCE, &parts.concat())
}

pub fn explicit(number: u8, content: &[u8]) -> Vec<u8> {
    wrap(tag::context_constructed(number), content)
}

/// A `GeneralizedTime` of this text.
pub fn time_text(text: &str) -> Vec<u8> {
    wrap(tag::GENERALIZED_TIME, text.as_bytes())
}

pub fn time(seconds: i64) -> Vec<u8> {
    time_text(&Utc(seconds).to_string().replace(['-', ':', 'T'], ""))
}

pub fn extension(oid: &[u8], critical: Option<u8>, value: &[u8]) -> Vec<u8> {
    let critical = critical.map_or(vec![], |octet| vec![1, 1, octet]);
    sequence(&[
        &wrap(tag::OID, oid),
        &critical,
        &wrap(tag::OCTET_STRING, value),
    ])
}

/// The fields of a `SingleResponse`, each in DER.
#[derive(Clone)]
pub struct Single {
    pub cert_id: Vec<u8>,
    pub status: Vec<u8>,
    pub this_update: Vec<u8>,
    pub next_update: Option<Vec<u8>>,
    /// Extensions, and what comes after them.
    pub rest: Vec<u8>,
}

pub const GOOD: &[u8] = &[0x80, 0];
pub const UNKNOWN: &[u8] = &[0x82, 0];

pub fn revoked(reason: Option<u8>) -> Vec<u8> {
    let reason = reason.map_or(vec![], |reason| explicit(0, &[tag::ENUMERATED, 1, reason]));
    explicit(1, &[time(NOW - DAY), reason].concat())
}

/// A `CertID` of the world's question.
pub fn cert_id(algorithm: &[u8], hash: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let spki = WORLD.issuer.spki();
    // P-256: 65 octets of point at the end.
    let point = &spki[spki.len() - 65..];
    sequence(&[
        &wrap(tag::SEQUENCE, algorithm),
        &wrap(tag::OCTET_STRING, &hash(WORLD.leaf.issuer_der())),
        &wrap(tag::OCTET_STRING, &hash(point)),
        &wrap(tag::INTEGER, WORLD.leaf.serial()),
    ])
}

pub fn sha1(bytes: &[u8]) -> Vec<u8> {
    use sha1::Digest as _;
    sha1::Sha1::digest(bytes).to_vec()
}

impl Single {
    pub fn with(status: &[u8]) -> Self {
        Self {
            cert_id: cert_id(SHA1, sha1),
            status: status.to_vec(),
            this_update: time(NOW - HOUR),
            next_update: Some(time(NOW + DAY)),
            rest: vec![],
        }
    }

    pub fn good() -> Self {
        Self::with(GOOD)
    }

    pub fn der(&self) -> Vec<u8> {
        let next = self.next_update.as_ref();
        sequence(&[
            &self.cert_id,
            &self.status,
            &self.this_update,
            &next.map_or(vec![], |next| explicit(0, next)),
            &self.rest,
        ])
    }
}

/// The fields of a response, in DER where they are bytes.
#[derive(Clone)]
pub struct Response {
    pub version: Vec<u8>,
    pub responder: Vec<u8>,
    pub produced_at: Vec<u8>,
    pub singles: Vec<Vec<u8>>,
    pub extensions: Vec<Vec<u8>>,
    /// What comes at the end of the signed part.
    pub rest: Vec<u8>,
    pub algorithm: Vec<u8>,
    pub unused_bits: u8,
    pub certificates: Vec<Vec<u8>>,
}

pub fn by_name(certificate: &[u8]) -> Vec<u8> {
    explicit(1, Certificate::parse(certificate).unwrap().subject_der())
}

pub fn by_key(key: &KeyPair) -> Vec<u8> {
    let hash = sha1(rcgen::PublicKeyData::der_bytes(key));
    explicit(2, &wrap(tag::OCTET_STRING, &hash))
}

impl Response {
    /// What the CA itself says of its certificate.
    pub fn of(single: &Single) -> Self {
        Self {
            version: vec![],
            responder: by_name(&WORLD.ca.der),
            produced_at: time(NOW - HOUR),
            singles: vec![single.der()],
            extensions: vec![],
            rest: vec![],
            algorithm: wrap(tag::SEQUENCE, ECDSA_SHA256),
            unused_bits: 0,
            certificates: vec![],
        }
    }

    pub fn good() -> Self {
        Self::of(&Single::good())
    }

    /// What a delegate says.
    pub fn by(delegate: &Delegate) -> Self {
        Self {
            responder: by_name(&delegate.der),
            certificates: vec![delegate.der.clone()],
            ..Self::good()
        }
    }

    pub fn change(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub fn tbs(&self) -> Vec<u8> {
        let extensions = match self.extensions.as_slice() {
            [] => vec![],
            some => explicit(1, &wrap(tag::SEQUENCE, &some.concat())),
        };
        sequence(&[
            &self.version,
            &self.responder,
            &self.produced_at,
            &wrap(tag::SEQUENCE, &self.singles.concat()),
            &extensions,
            &self.rest,
        ])
    }

    /// The `BasicOCSPResponse`, signed by this key.
    pub fn basic(&self, key: &KeyPair) -> Vec<u8> {
        let tbs = self.tbs();
        let signature = key.sign(&tbs).unwrap();
        let certificates = match self.certificates.as_slice() {
            [] => vec![],
            some => explicit(0, &wrap(tag::SEQUENCE, &some.concat())),
        };
        sequence(&[
            &tbs,
            &self.algorithm,
            &wrap(
                tag::BIT_STRING,
                &[&[self.unused_bits], &signature[..]].concat(),
            ),
            &certificates,
        ])
    }

    pub fn signed_by(&self, key: &KeyPair) -> Vec<u8> {
        successful(ID_BASIC, &self.basic(key))
    }

    pub fn signed(&self) -> Vec<u8> {
        self.signed_by(&WORLD.ca.key)
    }
}

pub const ID_BASIC: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];

/// An `OCSPResponse` around an answer.
pub fn successful(kind: &[u8], answer: &[u8]) -> Vec<u8> {
    let bytes = sequence(&[&wrap(tag::OID, kind), &wrap(tag::OCTET_STRING, answer)]);
    sequence(&[&[tag::ENUMERATED, 1, 0], &explicit(0, &bytes)])
}
