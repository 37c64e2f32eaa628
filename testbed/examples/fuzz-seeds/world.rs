//! A PKI, certificates of it, and what its authority said of them.

use std::time::{SystemTime, UNIX_EPOCH};

use hopguard_testbed::pki::{Authority, ExtendedKeyUsagePurpose, Issued, Pki};

use crate::ocsp::{Responder, Signer};
use crate::{Output, Result, crls};

/// Where the leaves say that their status can be had.
pub const OCSP_URL: &str = "http://ocsp.fuzz.test/ca";
pub const CRL_URL: &str = "http://crl.fuzz.test/ca.crl";

pub struct World {
    pub pki: Pki,
    /// Good by OCSP and by the list.
    pub server: Issued,
    /// On the list.
    pub revoked: Issued,
    /// An X.509-SVID for a client.
    pub client: Issued,
    /// Signed by its own key, and pinned.
    pub pinned: Issued,
    /// Whom the issuer made a responder.
    pub delegate: Issued,
    /// The same of another authority, which has taken the issuer's name.
    pub rogue: Issued,
}

impl World {
    pub fn new() -> Result<Self> {
        let pki = Pki::new();
        let server = |name: &str| pki.server(name).ocsp_url(OCSP_URL).crl_url(CRL_URL);
        Ok(Self {
            server: server("api.fuzz.test").dns("*.fuzz.test").try_issue()?,
            revoked: server("old.fuzz.test").try_issue()?,
            client: pki
                .client("web")
                .uri("spiffe://fuzz.test/ns/web/sa/web")
                .try_issue()?,
            pinned: pki.server("pinned.fuzz.test").self_signed().try_issue()?,
            delegate: delegate(&pki.intermediate)?,
            rogue: delegate(&Authority::root("Testbed Intermediate CA").try_issue()?)?,
            pki,
        })
    }

    pub fn write(&self, output: &Output) -> Result<()> {
        for (name, der) in [
            ("root", self.pki.root.der()),
            ("issuer", self.pki.intermediate.der()),
            ("server", self.server.der()),
            ("revoked", self.revoked.der()),
            ("client", self.client.der()),
            ("pinned", self.pinned.der()),
        ] {
            output.fixture(&format!("{name}.der"), der)?;
        }
        for (name, by, known) in [
            ("good", Signer::Issuer, "V"),
            ("good-by-delegate", Signer::Delegate, "V"),
            ("revoked", Signer::Issuer, "R"),
            ("unknown", Signer::Issuer, "none"),
            ("forged", Signer::Rogue, "V"),
        ] {
            let responder = Responder::of(self).by(by).known(&self.server, known);
            output.fixture(&format!("ocsp-{name}.der"), &responder.answer()?)?;
        }
        output.fixture("crl.der", &crls::of(self)?)?;
        // A moment at which all of it is valid: last, as what is signed is signed by now.
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        output.fixture("now.txt", now.to_string().as_bytes())
    }
}

fn delegate(issuer: &Authority) -> Result<Issued> {
    Ok(issuer
        .client("responder")
        .no_extended_key_usage()
        .extended_key_usage(ExtendedKeyUsagePurpose::OcspSigning)
        .extension(&[1, 3, 6, 1, 5, 5, 7, 48, 1, 5], false, &[5, 0])
        .try_issue()?)
}
