//! The certificate authorities of the demo, and the policy that names them.

use std::path::Path;

use hopguard_testbed::Result;
use hopguard_testbed::pki::{Authority, Issued, LeafBuilder, Pki};
use hopguard_testbed::revocation::{Database, Known, List, Responder};
use hopguard_testbed::upstream::{Fault, Upstream};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

/// The name that Envoy asks for, and that a good server presents.
pub const HOST: &str = "api.example";
/// The same of a good Redis behind Envoy.
pub const CACHE: &str = "cache.example";
/// The name that clients ask for of a Redis that Envoy passes their TLS on to.
pub const DATABASE: &str = "main.db.example";

/// The policy, with `{{…}}` where certificates and days belong.
const POLICY: &str = include_str!("policy.json");

/// Who issues certificates.
pub struct Certificates {
    /// Our own root, and the intermediate that issues.
    pub company: Pki,
    /// The partners' root.
    pub partner: Authority,
    /// The service mesh's root.
    pub mesh: Authority,
    /// A root that the policy does not know.
    pub stranger: Authority,
    /// A self-signed certificate that the policy pins.
    pub printer: Issued,
    /// What Envoy presents to its clients.
    pub envoy: Issued,
    /// Says what has become of our own intermediate's certificates.
    pub responder: Responder,
    /// Would, too, but closes every connection.
    pub broken_responder: Upstream,
    /// A partner's certificate that the partners' CRL names.
    pub revoked_partner: Issued,
    /// Where the partners publish that list.
    pub partner_lists: Upstream,
}

impl Certificates {
    pub async fn new() -> Result<Self> {
        let company = Pki::new();
        let partner = Authority::root("Partner Root CA").issue();
        let revoked_partner = partner.client("former").email("bot@partner.example");
        let revoked_partner = revoked_partner.issue();
        let partners = Database::new(&partner)?;
        partners.set(&revoked_partner, Known::Revoked);
        let broken_responder = Upstream::plaintext().fault(Fault::Close);
        Ok(Self {
            responder: Responder::start(&company.intermediate).await?,
            broken_responder: broken_responder.start().await?,
            partner_lists: Upstream::plaintext()
                .respond(200, List::default().der(&partners)?)
                .start()
                .await?,
            revoked_partner,
            partner,
            mesh: Authority::root("Mesh Root CA").issue(),
            stranger: Authority::root("Stranger Root CA").issue(),
            printer: company.server("printer").self_signed().issue(),
            envoy: company.server("localhost").issue(),
            company,
        })
    }

    /// A certificate of our own intermediate that names our responder, which knows this of it.
    pub fn known(&self, leaf: LeafBuilder, known: Known) -> Issued {
        let certificate = leaf.ocsp_url("http://ocsp.example/").issue();
        self.responder.set(&certificate, known);
        certificate
    }

    /// The policy for today and for these certificates.
    pub fn policy(&self) -> serde_json::Result<Value> {
        let mut policy = serde_json::from_str(POLICY)?;
        self.fill_in(&mut policy);
        Ok(policy)
    }

    /// Writes what `curl --cacert` needs.
    pub fn write_ca(&self, directory: &Path) -> std::io::Result<()> {
        std::fs::write(directory.join("company-ca.pem"), self.company.root.pem())
    }

    fn fill_in(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(filled) = self.placeholder(text) {
                    *text = filled;
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|v| self.fill_in(v)),
            Value::Object(fields) => fields.values_mut().for_each(|v| self.fill_in(v)),
            _ => {}
        }
    }

    fn placeholder(&self, text: &str) -> Option<String> {
        Some(match text {
            "{{company-root}}" => self.company.root.pem(),
            "{{company-intermediate}}" => self.company.intermediate.pem(),
            "{{partner-root}}" => self.partner.pem(),
            "{{mesh-root}}" => self.mesh.pem(),
            "{{printer-certificate}}" => self.printer.pem(),
            "{{in-a-year}}" => day(365),
            "{{in-ten-days}}" => day(10),
            "{{yesterday}}" => day(-1),
            _ => return None,
        })
    }
}

/// That many days from today (UTC), `YYYY-MM-DD`.
pub fn day(from_now: i64) -> String {
    let day = OffsetDateTime::now_utc().date() + Duration::days(from_now);
    format!(
        "{:04}-{:02}-{:02}",
        day.year(),
        u8::from(day.month()),
        day.day()
    )
}
