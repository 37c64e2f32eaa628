//! Leaf certificates of every kind that a test may want to meet.

use std::net::IpAddr;
use std::time::SystemTime;

use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa};

use super::authority::Authority;
use super::issued::Issued;
use super::key::{KeyKind, KeyOwner};
use super::signature::Signature;
use super::template::{self, DAY, Signer, Template};
use crate::error::Result;

/// A leaf in the making: valid from an hour ago for 90 days, with a P-256 key.
#[derive(Clone)]
#[must_use = "nothing is made before `issue`"]
pub struct LeafBuilder {
    template: Template,
    signer: Signer,
}

impl LeafBuilder {
    pub(super) fn server(authority: &Authority, dns_name: &str) -> Self {
        Self::new(authority, dns_name)
            .dns(dns_name)
            .extended_key_usage(ExtendedKeyUsagePurpose::ServerAuth)
    }

    pub(super) fn client(authority: &Authority, common_name: &str) -> Self {
        Self::new(authority, common_name).extended_key_usage(ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn new(authority: &Authority, common_name: &str) -> Self {
        Self {
            template: Template::new(common_name, IsCa::ExplicitNoCa, KeyOwner::Leaf),
            signer: Signer::Authority(authority.clone()),
        }
    }

    /// Signed by this authority.
    pub fn issuer(mut self, authority: &Authority) -> Self {
        self.signer = Signer::Authority(authority.clone());
        self
    }

    /// Signed by its own key.
    pub fn self_signed(mut self) -> Self {
        self.signer = Signer::Itself;
        self
    }

    /// `commonName` of the subject; empty for a subject without one.
    pub fn common_name(mut self, name: &str) -> Self {
        self.template.common_name = name.to_owned();
        self
    }

    /// `organizationName` of the subject.
    pub fn organization(mut self, name: &str) -> Self {
        self.template.organization = Some(name.to_owned());
        self
    }

    /// Adds a DNS name (RFC 6125 wildcards are taken as they are).
    pub fn dns(mut self, name: &str) -> Self {
        self.template.sans.push(template::dns(name));
        self
    }

    /// Adds an IP address.
    pub fn ip(mut self, address: impl Into<IpAddr>) -> Self {
        self.template.sans.push(template::ip(address.into()));
        self
    }

    /// Adds a URI: a SPIFFE ID, for one.
    pub fn uri(mut self, uri: &str) -> Self {
        self.template.sans.push(template::uri(uri));
        self
    }

    /// Adds an e-mail address.
    pub fn email(mut self, address: &str) -> Self {
        self.template.sans.push(template::email(address));
        self
    }

    /// Adds `count` DNS names `0.many.test`, `1.many.test`, …
    pub fn many_dns(mut self, count: usize) -> Self {
        self.template
            .sans
            .extend((0..count).map(|n| template::dns(&format!("{n}.many.test"))));
        self
    }

    /// Takes all subject alternative names away, also the one that `server` gave.
    pub fn no_sans(mut self) -> Self {
        self.template.sans.clear();
        self
    }

    /// From when until when it is valid.
    pub fn validity(mut self, not_before: SystemTime, not_after: SystemTime) -> Self {
        self.template.not_before = not_before;
        self.template.not_after = not_after;
        self
    }

    /// Ended a day ago.
    pub fn expired(self) -> Self {
        let now = SystemTime::now();
        self.validity(now - 30 * DAY, now - DAY)
    }

    /// Begins tomorrow.
    pub fn not_yet_valid(self) -> Self {
        let now = SystemTime::now();
        self.validity(now + DAY, now + 30 * DAY)
    }

    /// Ends that many days from now.
    pub fn ends_in_days(mut self, days: u32) -> Self {
        self.template.not_after = SystemTime::now() + days * DAY;
        self
    }

    /// Adds a purpose.
    pub fn extended_key_usage(mut self, purpose: ExtendedKeyUsagePurpose) -> Self {
        self.template.extended_key_usages.push(purpose);
        self
    }

    /// For servers only.
    pub fn only_server_auth(self) -> Self {
        self.no_extended_key_usage()
            .extended_key_usage(ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// For clients only.
    pub fn only_client_auth(self) -> Self {
        self.no_extended_key_usage()
            .extended_key_usage(ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// For every purpose: anyExtendedKeyUsage.
    pub fn any_extended_key_usage(self) -> Self {
        self.no_extended_key_usage()
            .extended_key_usage(ExtendedKeyUsagePurpose::Any)
    }

    /// Without the extension.
    pub fn no_extended_key_usage(mut self) -> Self {
        self.template.extended_key_usages.clear();
        self
    }

    /// The `keyUsage` in full, in place of digitalSignature (and keyEncipherment with RSA).
    pub fn key_usages(mut self, usages: impl IntoIterator<Item = rcgen::KeyUsagePurpose>) -> Self {
        self.template.key_usages = Some(usages.into_iter().collect());
        self
    }

    /// The key's kind.
    pub fn key(mut self, kind: KeyKind) -> Self {
        self.template.key = kind;
        self
    }

    /// A key of its own, where RSA keys are otherwise shared within a process.
    pub fn fresh_key(mut self) -> Self {
        self.template.owner = KeyOwner::Alone;
        self
    }

    /// How the issuer signs it.
    pub fn signature(mut self, signature: Signature) -> Self {
        self.template.signature = Some(signature);
        self
    }

    /// With `cA`: an authority's certificate used as a leaf.
    pub fn ca_as_leaf(mut self) -> Self {
        self.template.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        self
    }

    /// OCSP must-staple: the TLS feature `status_request`, RFC 7633.
    pub fn must_staple(self) -> Self {
        self.extension(
            &[1, 3, 6, 1, 5, 5, 7, 1, 24],
            false,
            &[0x30, 0x03, 0x02, 0x01, 0x05],
        )
    }

    /// Authority information access: where to ask OCSP, RFC 5280 section 4.2.2.1.
    pub fn ocsp_url(self, url: &str) -> Self {
        self.extension(
            &[1, 3, 6, 1, 5, 5, 7, 1, 1],
            false,
            &super::ocsp_access(url),
        )
    }

    /// A CRL distribution point.
    pub fn crl_url(mut self, url: &str) -> Self {
        self.template.crl_urls.push(url.to_owned());
        self
    }

    /// Any other extension, `value` being its DER.
    pub fn extension(mut self, oid: &[u64], critical: bool, value: &[u8]) -> Self {
        self.template
            .extensions
            .push(super::extension(oid, critical, value));
        self
    }

    /// The serial number, big-endian; random unless told.
    pub fn serial(mut self, serial: &[u8]) -> Self {
        self.template.serial = Some(serial.to_vec());
        self
    }

    /// Makes the certificate.
    ///
    /// # Panics
    ///
    /// When it cannot be made; [`try_issue`](Self::try_issue) returns the error instead.
    pub fn issue(&self) -> Issued {
        self.try_issue().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Makes the certificate.
    ///
    /// # Errors
    ///
    /// When the key cannot sign as asked, or `openssl` is needed and missing.
    pub fn try_issue(&self) -> Result<Issued> {
        let signed = self.template.sign(&self.signer)?;
        let chain = match &self.signer {
            Signer::Authority(authority) => authority.chain(),
            Signer::Itself => Vec::new(),
        };
        Ok(Issued::new(signed.der, chain, signed.key.pem.clone()))
    }
}
