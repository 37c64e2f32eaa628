//! The certificates of the table: good ones, and ones that are wrong in one way.

use std::error::Error;

use data_encoding::BASE64;
use hopguard_testbed::pki::{Authority, Issued, KeyKind, Pki, Signature};
use hopguard_testbed::revocation::{Answer, Status};
use serde_json::{Map, Value};

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The name that all servers have.
pub const NAME: &str = "api.test";
/// Where certificates with a source say that OCSP answers.
pub const OCSP_HOST: &str = "ocsp.test";

pub struct World {
    pub pki: Pki,
    /// A CA that may only vouch for names below `inner.test`.
    pub constrained: Authority,
    /// CAs one below the other, more than a path may have.
    pub deep: Vec<Authority>,
    pub server: Issued,
    pub sourced: Issued,
    pub revoked: Issued,
    pub pinned: Issued,
}

impl World {
    pub fn new() -> Result<Self> {
        let pki = Pki::new();
        let mut deep = vec![pki.root.intermediate("Depth 0").try_issue()?];
        for depth in 1..8 {
            let above = deep.last().ok_or("there is one")?;
            let below = above.intermediate(&format!("Depth {depth}")).try_issue()?;
            deep.push(below);
        }
        let constrained = pki
            .root
            .intermediate("Constrained")
            .permit_dns("inner.test");
        let url = format!("http://{OCSP_HOST}/");
        Ok(Self {
            constrained: constrained.try_issue()?,
            deep,
            server: pki.server(NAME).try_issue()?,
            sourced: pki.server(NAME).ocsp_url(&url).try_issue()?,
            revoked: pki.server(NAME).try_issue()?,
            pinned: pki.server(NAME).self_signed().try_issue()?,
            pki,
        })
    }

    /// By name, in PEM.
    pub fn certificates(&self) -> Result<Map<String, Value>> {
        let server = || self.pki.server(NAME);
        let deepest = self.deep.last().ok_or("there is one")?;
        let spiffe = "spiffe://prod.test/ns/web/sa/web";
        let all = [
            ("server", self.server.clone()),
            ("sourced", self.sourced.clone()),
            ("revoked", self.revoked.clone()),
            ("pinned", self.pinned.clone()),
            ("client", self.pki.client("web").uri(spiffe).try_issue()?),
            ("expired", server().expired().try_issue()?),
            ("not-yet-valid", server().not_yet_valid().try_issue()?),
            ("ends-soon", server().ends_in_days(5).try_issue()?),
            (
                "of-another-ca",
                server().issuer(&self.pki.other).try_issue()?,
            ),
            ("broken-signature", self.server.with_broken_signature()),
            ("sha1", server().signature(Signature::Sha1).try_issue()?),
            ("rsa-1024", server().key(KeyKind::Rsa1024).try_issue()?),
            ("rsa-2048", server().key(KeyKind::Rsa2048).try_issue()?),
            ("p-384", server().key(KeyKind::P384).try_issue()?),
            ("ca", server().ca_as_leaf().try_issue()?),
            ("for-clients", server().only_client_auth().try_issue()?),
            ("constrained", self.constrained.server(NAME).try_issue()?),
            (
                "critical",
                server()
                    .extension(&[2, 5, 29, 99], true, &[5, 0])
                    .try_issue()?,
            ),
            ("deep", deepest.server(NAME).try_issue()?),
            (
                "two-ids",
                server()
                    .uri(spiffe)
                    .uri("spiffe://prod.test/b")
                    .try_issue()?,
            ),
            ("must-staple", server().must_staple().try_issue()?),
            ("too-many-names", server().many_dns(2_001).try_issue()?),
        ];
        let mut certificates: Map<String, Value> = all
            .into_iter()
            .map(|(name, issued)| (name.to_owned(), issued.pem().into()))
            .collect();
        let no_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        certificates.insert("no-der".to_owned(), no_der.into());
        Ok(certificates)
    }

    /// By name, in base64.
    pub fn responses(&self) -> Result<Map<String, Value>> {
        Ok(Map::from_iter([(
            "good".to_owned(),
            self.response(&self.sourced, Status::Good)?.into(),
        )]))
    }

    /// The issuer's answer about one of its certificates, for a day, in base64.
    pub fn response(&self, certificate: &Issued, status: Status) -> Result<String> {
        let answer = Answer::new(&self.pki.intermediate, certificate, status);
        Ok(BASE64.encode(&answer.sign()?))
    }
}
