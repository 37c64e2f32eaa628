//! The extensions of a certificate that a verdict depends on (RFC 5280
//! section 4.2).

use x509_parser::extensions::X509Extension;

use crate::trust::der::{self, NotDer, Reader, tag};
use crate::trust::error::TrustError;
use crate::trust::leaf::Usage;
use crate::trust::names::presented::{self, PresentedIdentifier};

/// Extensions of one certificate. Real ones have about ten; each is compared
/// with those before it, and 64 KiB hold some 6,000.
pub const MAX_EXTENSIONS: usize = 64;

/// Purposes of one certificate that are kept; real ones name a handful.
const MAX_PURPOSES: usize = 64;

/// `BasicConstraints` (RFC 5280 section 4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicConstraints {
    /// Whether the subject is a CA.
    pub ca: bool,
    /// How many intermediates may follow.
    pub path_len: Option<u32>,
}

/// `KeyUsage` (RFC 5280 section 4.2.1.3): the first octet, bit 0 being the most
/// significant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage(u8);

impl KeyUsage {
    /// digitalSignature (0): signs handshakes.
    pub fn digital_signature(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// keyEncipherment (2): RSA key exchange.
    pub fn key_encipherment(self) -> bool {
        self.0 & 0x20 != 0
    }

    /// keyAgreement (4): static Diffie-Hellman.
    pub fn key_agreement(self) -> bool {
        self.0 & 0x08 != 0
    }

    /// keyCertSign (5): signs certificates.
    pub fn key_cert_sign(self) -> bool {
        self.0 & 0x04 != 0
    }

    /// cRLSign (6): signs revocation lists.
    pub fn crl_sign(self) -> bool {
        self.0 & 0x02 != 0
    }
}

/// `ExtKeyUsageSyntax` (RFC 5280 section 4.2.1.12).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtendedKeyUsage {
    /// anyExtendedKeyUsage.
    pub any: bool,
    /// id-kp-serverAuth.
    pub server_auth: bool,
    /// id-kp-clientAuth.
    pub client_auth: bool,
    /// id-kp-OCSPSigning.
    pub ocsp_signing: bool,
    /// Every purpose in dotted form, in order, the ones above included.
    pub purposes: Vec<String>,
}

impl ExtendedKeyUsage {
    /// Whether the purpose of such a peer is named.
    pub fn names(&self, usage: Usage) -> bool {
        match usage {
            Usage::Server => self.server_auth,
            Usage::Client => self.client_auth,
        }
    }
}

/// What the extensions of one certificate say. Absent is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// Whose certificate it is (RFC 5280 section 4.2.1.6).
    pub subject_alt_names: Vec<PresentedIdentifier>,
    /// Whether the subject alternative names are critical.
    pub subject_alt_names_critical: bool,
    /// Section 4.2.1.9.
    pub basic_constraints: Option<BasicConstraints>,
    /// Section 4.2.1.3.
    pub key_usage: Option<KeyUsage>,
    /// Section 4.2.1.12.
    pub extended_key_usage: Option<ExtendedKeyUsage>,
    /// Whether name constraints are there (section 4.2.1.10).
    pub name_constraints: bool,
    /// `status_request` in the TLS feature extension (RFC 7633): the server
    /// must staple an OCSP response.
    pub must_staple: bool,
    /// id-pkix-ocsp-nocheck (RFC 6960 section 4.2.2.2.1).
    pub ocsp_nocheck: bool,
    /// Critical extensions that nothing here processes, in dotted form.
    pub unknown_critical: Vec<String>,
}

impl Extensions {
    /// Reads what is processed here; the others are only looked at for their
    /// criticality.
    pub(crate) fn parse(extensions: &[X509Extension<'_>]) -> Result<Self, TrustError> {
        if extensions.len() > MAX_EXTENSIONS {
            return Err(TrustError::Malformed(
                format!("more than {MAX_EXTENSIONS} extensions").into(),
            ));
        }
        let mut read = Self::default();
        for (index, extension) in extensions.iter().enumerate() {
            // RFC 5280 section 4.2: "MUST NOT include more than one instance of
            // a particular extension"; x509-parser lets them through, and which
            // one counts would be a matter of taste.
            if extensions
                .iter()
                .take(index)
                .any(|earlier| earlier.oid == extension.oid)
            {
                return Err(TrustError::Malformed("an extension occurs twice".into()));
            }
            read.read(extension)?;
        }
        Ok(read)
    }

    fn read(&mut self, extension: &X509Extension<'_>) -> Result<(), TrustError> {
        let value = extension.value;
        let malformed = |name: &'static str| move |_: NotDer| TrustError::Malformed(name.into());
        match extension.oid.as_bytes() {
            // id-ce (2.5.29)
            [0x55, 0x1d, 15] => {
                self.key_usage = Some(key_usage(value).map_err(malformed("key usage"))?);
            }
            [0x55, 0x1d, 17] => {
                self.subject_alt_names = presented::subject_alt_names(value)?;
                self.subject_alt_names_critical = extension.critical;
            }
            [0x55, 0x1d, 19] => {
                self.basic_constraints =
                    Some(basic_constraints(value).map_err(malformed("basic constraints"))?);
            }
            [0x55, 0x1d, 30] => {
                name_constraints(value).map_err(malformed("name constraints"))?;
                self.name_constraints = true;
            }
            // CRL distribution points: read by the revocation layer.
            [0x55, 0x1d, 31] => {}
            [0x55, 0x1d, 37] => {
                self.extended_key_usage =
                    Some(extended_key_usage(value).map_err(malformed("extended key usage"))?);
            }
            oid => {
                match oid {
                    // id-pe-tlsfeature
                    [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x18] => {
                        self.must_staple = must_staple(value).map_err(malformed("TLS feature"))?;
                    }
                    [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x05] => {
                        self.ocsp_nocheck = true;
                    }
                    _ => {}
                }
                // The path verifier knows the extensions above and no other, so
                // that a critical one is refused there too: one answer, whether
                // a pin or a path decides.
                if extension.critical && self.unknown_critical.len() < MAX_PURPOSES {
                    self.unknown_critical.push(der::dotted(oid));
                }
            }
        }
        Ok(())
    }
}

fn key_usage(value: &[u8]) -> Result<KeyUsage, NotDer> {
    match der::single(value, tag::BIT_STRING)? {
        // decipherOnly is bit 8, in an octet of its own.
        [unused, octets @ ..] if *unused < 8 && !octets.is_empty() && octets.len() <= 2 => {
            Ok(KeyUsage(octets.first().copied().unwrap_or_default()))
        }
        // RFC 5280: at least one bit MUST be set; an empty string allows nothing.
        [0] => Ok(KeyUsage(0)),
        _ => Err(NotDer),
    }
}

fn basic_constraints(value: &[u8]) -> Result<BasicConstraints, NotDer> {
    let mut fields = Reader::new(der::single(value, tag::SEQUENCE)?);
    let ca = fields.default_false()?;
    let path_len = if fields.is_empty() {
        None
    } else {
        let magnitude = fields.unsigned()?;
        if magnitude.len() > 4 {
            return Err(NotDer);
        }
        Some(
            magnitude
                .iter()
                .fold(0, |value, octet| (value << 8) | u32::from(*octet)),
        )
    };
    fields.end()?;
    Ok(BasicConstraints { ca, path_len })
}

/// Section 4.2.1.10. The path verifier evaluates them; what it takes as "no
/// constraint" is refused here: neither kind of subtree, or one without an
/// entry, where the syntax wants at least one.
fn name_constraints(value: &[u8]) -> Result<(), NotDer> {
    let mut fields = Reader::new(der::single(value, tag::SEQUENCE)?);
    let permitted = fields.optional(tag::context_constructed(0))?;
    let excluded = fields.optional(tag::context_constructed(1))?;
    fields.end()?;
    match (permitted, excluded) {
        (None, None) | (Some([]), _) | (_, Some([])) => Err(NotDer),
        _ => Ok(()),
    }
}

fn extended_key_usage(value: &[u8]) -> Result<ExtendedKeyUsage, NotDer> {
    let mut purposes = Reader::new(der::single(value, tag::SEQUENCE)?);
    let mut read = ExtendedKeyUsage::default();
    // SEQUENCE SIZE (1..MAX)
    if purposes.is_empty() {
        return Err(NotDer);
    }
    while !purposes.is_empty() {
        let oid = purposes.expect(tag::OID)?;
        match oid {
            [0x55, 0x1d, 37, 0] => read.any = true,
            [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 1] => read.server_auth = true,
            [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 2] => read.client_auth = true,
            [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 9] => read.ocsp_signing = true,
            _ => {}
        }
        if read.purposes.len() < MAX_PURPOSES {
            read.purposes.push(der::dotted(oid));
        }
    }
    Ok(read)
}

/// RFC 7633 section 4.1: `Features ::= SEQUENCE OF INTEGER`; 5 is
/// `status_request`, 17 `status_request_v2` (RFC 6961), the same demand.
fn must_staple(value: &[u8]) -> Result<bool, NotDer> {
    let mut features = Reader::new(der::single(value, tag::SEQUENCE)?);
    let mut staple = false;
    while !features.is_empty() {
        staple |= matches!(features.unsigned()?, [5] | [17]);
    }
    Ok(staple)
}
