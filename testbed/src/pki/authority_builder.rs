//! How an authority is described and made.

use std::net::IpAddr;
use std::time::SystemTime;

use rcgen::{
    BasicConstraints, CidrSubnet, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, NameConstraints,
};

use super::authority::Authority;
use super::key::{KeyKind, KeyOwner};
use super::signature::Signature;
use super::template::{DAY, Signer, Template};
use crate::error::Result;

/// An authority in the making.
#[derive(Clone)]
#[must_use = "nothing is made before `issue`"]
pub struct AuthorityBuilder {
    template: Template,
    signer: Signer,
}

impl AuthorityBuilder {
    pub(super) fn new(common_name: &str, signer: Signer) -> Self {
        let is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let mut template = Template::new(common_name, is_ca, KeyOwner::Authority);
        template.not_after = SystemTime::now() + 3650 * DAY;
        Self { template, signer }
    }

    /// The key's kind; P-256 unless told.
    pub fn key(mut self, kind: KeyKind) -> Self {
        self.template.key = kind;
        self
    }

    /// A key of its own, where RSA keys are otherwise shared within a process.
    pub fn fresh_key(mut self) -> Self {
        self.template.owner = KeyOwner::Alone;
        self
    }

    /// How this certificate is signed.
    pub fn signature(mut self, signature: Signature) -> Self {
        self.template.signature = Some(signature);
        self
    }

    /// `organizationName` of the subject.
    pub fn organization(mut self, name: &str) -> Self {
        self.template.organization = Some(name.to_owned());
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

    /// `pathLenConstraint`: how many authorities may follow below this one.
    pub fn path_len(mut self, length: u8) -> Self {
        self.template.is_ca = IsCa::Ca(BasicConstraints::Constrained(length));
        self
    }

    /// Without `cA`: a certificate that signs others though it must not.
    pub fn not_a_ca(mut self) -> Self {
        self.template.is_ca = IsCa::ExplicitNoCa;
        self
    }

    /// The `keyUsage` in full, in place of keyCertSign, cRLSign and digitalSignature.
    pub fn key_usages(mut self, usages: impl IntoIterator<Item = rcgen::KeyUsagePurpose>) -> Self {
        self.template.key_usages = Some(usages.into_iter().collect());
        self
    }

    /// `extendedKeyUsage`; authorities have none unless told.
    pub fn extended_key_usage(mut self, purpose: ExtendedKeyUsagePurpose) -> Self {
        self.template.extended_key_usages.push(purpose);
        self
    }

    /// Name constraint: only DNS names in this domain.
    pub fn permit_dns(self, domain: &str) -> Self {
        self.permit(GeneralSubtree::DnsName(domain.to_owned()))
    }

    /// Name constraint: no DNS name in this domain.
    pub fn exclude_dns(mut self, domain: &str) -> Self {
        self.constraints()
            .excluded_subtrees
            .push(GeneralSubtree::DnsName(domain.to_owned()));
        self
    }

    /// Name constraint: only addresses in this network.
    pub fn permit_ip(self, network: IpAddr, prefix: u8) -> Self {
        self.permit(GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(
            network, prefix,
        )))
    }

    /// A name constraint of any kind.
    pub fn permit(mut self, subtree: GeneralSubtree) -> Self {
        self.constraints().permitted_subtrees.push(subtree);
        self
    }

    /// Any other extension, `value` being its DER.
    pub fn extension(mut self, oid: &[u64], critical: bool, value: &[u8]) -> Self {
        self.template
            .extensions
            .push(super::extension(oid, critical, value));
        self
    }

    fn constraints(&mut self) -> &mut NameConstraints {
        self.template
            .name_constraints
            .get_or_insert(NameConstraints {
                permitted_subtrees: Vec::new(),
                excluded_subtrees: Vec::new(),
            })
    }

    /// Makes the authority.
    ///
    /// # Panics
    ///
    /// When it cannot be made; [`try_issue`](Self::try_issue) returns the error instead.
    pub fn issue(&self) -> Authority {
        self.try_issue().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Makes the authority.
    ///
    /// # Errors
    ///
    /// When the key cannot sign as asked, or `openssl` is needed and missing.
    pub fn try_issue(&self) -> Result<Authority> {
        let signed = self.template.sign(&self.signer)?;
        let issuer = match &self.signer {
            Signer::Authority(authority) => Some(authority.clone()),
            Signer::Itself => None,
        };
        Ok(Authority::new(signed, issuer))
    }
}
