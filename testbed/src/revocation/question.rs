//! A question of OCSP, as it comes to a responder.

use super::database::{Database, text};
use crate::error::{Error, Result};
use crate::pki::{Issued, der, hex, openssl};
use crate::upstream::SeenRequest;

/// An `OCSPRequest` (RFC 6960 section 4.1), and whom it asks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The request.
    pub der: Vec<u8>,
    /// The serial number of the first certificate that it asks about, in lower-case hex.
    pub serial_hex: String,
}

impl Question {
    /// The question that `openssl` asks about these certificates, of the issuer in this file.
    ///
    /// # Errors
    ///
    /// When `openssl` makes none.
    pub fn about(database: &Database, issuer_pem: &str, asked: &[&Issued]) -> Result<Self> {
        let (issuer, question) = (database.new_file(), database.new_file());
        std::fs::write(&issuer, issuer_pem).map_err(Error::io("an issuer"))?;
        let mut arguments = vec!["ocsp".into(), "-no_nonce".into()];
        arguments.extend(["-issuer".into(), text(&issuer)]);
        for certificate in asked {
            let file = database.new_file();
            std::fs::write(&file, certificate.pem()).map_err(Error::io("a certificate"))?;
            arguments.extend(["-cert".into(), text(&file)]);
        }
        arguments.extend(["-reqout".into(), text(&question)]);
        openssl::run(&arguments, b"")?;
        Self::parse(std::fs::read(&question).map_err(Error::io("a question"))?)
    }

    /// About a certificate that nobody issued.
    pub(super) fn about_nothing() -> Self {
        const NOBODY: [u8; 20] = [0; 20];
        let cert_id = cert_id(&NOBODY, &NOBODY, &[1]);
        let request = (0..4).fold(cert_id, |inner, _| der::encode(der::SEQUENCE, &[&inner]));
        Self {
            der: request,
            serial_hex: "01".into(),
        }
    }

    /// The question in an HTTP request: in the path of a GET (RFC 6960 appendix A.1), or the
    /// body of a POST.
    pub(super) fn of(request: &SeenRequest) -> Result<Self> {
        if request.method != "GET" {
            return Self::parse(request.body.clone());
        }
        let last = request.path.rsplit('/').next().unwrap_or_default();
        let base64 = last
            .replace("%2B", "+")
            .replace("%2F", "/")
            .replace("%3D", "=");
        Self::parse(openssl::run(&["base64", "-d", "-A"], base64.as_bytes())?)
    }

    fn parse(bytes: Vec<u8>) -> Result<Self> {
        let serial_hex = hex(serial(&bytes)?);
        Ok(Self {
            der: bytes,
            serial_hex,
        })
    }
}

/// `CertID`, RFC 6960 section 4.1.1: with SHA-1 of the issuer's name and key, as RFC 5019 has it.
pub(super) fn cert_id(name_hash: &[u8], key_hash: &[u8], serial: &[u8]) -> Vec<u8> {
    const INTEGER: u8 = 0x02;
    const OCTET_STRING: u8 = 0x04;
    /// AlgorithmIdentifier of SHA-1.
    const SHA1: &[u8] = &[0x30, 7, 0x06, 5, 0x2b, 0x0e, 0x03, 0x02, 0x1a];
    der::encode(
        der::SEQUENCE,
        &[
            SHA1,
            &der::encode(OCTET_STRING, &[name_hash]),
            &der::encode(OCTET_STRING, &[key_hash]),
            &der::encode(INTEGER, &[serial]),
        ],
    )
}

/// OCSPRequest, TBSRequest, requestList, Request, CertID: the last field of the latter. Of a
/// TBSRequest, `version` and `requestorName` are left out by default.
fn serial(request: &[u8]) -> Result<&[u8]> {
    let mut content = request;
    for _ in 0..5 {
        content = der::elements(content)?
            .first()
            .ok_or_else(|| Error::Certificate("a question about nothing".into()))?
            .content;
    }
    let fields = der::elements(content)?;
    let serial = fields
        .last()
        .ok_or_else(|| Error::Certificate("a CertID without fields".into()))?;
    Ok(serial.content)
}
