//! Certificate revocation lists, made by `openssl ca -gencrl`.

use std::time::SystemTime;

use super::answer::digits;
use super::database::{Database, text};
use crate::error::{Error, Result};
use crate::pki::{Authority, openssl};

/// What `openssl` needs to be told, apart from its arguments.
const CONFIG: &str = "\
[ca]
default_ca = own
[own]
default_md = sha256
unique_subject = no
";

/// A list in the making: begun an hour ago, for a day, of all certificates.
#[derive(Clone, Debug)]
#[must_use = "nothing is made before `pem`"]
pub struct List {
    this_update: SystemTime,
    next_update: SystemTime,
    signer: Option<Authority>,
    number: u32,
    extensions: String,
}

/// An extension of a list, RFC 5280 section 5.2.
#[derive(Clone, Copy, Debug)]
pub enum Extension<'a> {
    /// issuingDistributionPoint with onlyContainsUserCerts.
    OnlyUserCertificates,
    /// issuingDistributionPoint with onlyContainsCACerts.
    OnlyCaCertificates,
    /// issuingDistributionPoint with this URI as the name of the distribution point.
    DistributionPoint(&'a str),
    /// issuingDistributionPoint with indirectCRL.
    Indirect,
    /// deltaCRLIndicator: a delta to the list with this number.
    DeltaTo(u8),
}

impl Default for List {
    fn default() -> Self {
        const HOUR: std::time::Duration = std::time::Duration::from_secs(60 * 60);
        let now = SystemTime::now();
        Self {
            this_update: now - HOUR,
            next_update: now + 24 * HOUR,
            signer: None,
            number: 0x1000,
            extensions: String::new(),
        }
    }
}

impl List {
    /// From when until when it is good.
    pub fn validity(mut self, this_update: SystemTime, next_update: SystemTime) -> Self {
        self.this_update = this_update;
        self.next_update = next_update;
        self
    }

    /// This authority signs it, in its own name, in place of the one that the database is of.
    pub fn signed_by(mut self, authority: &Authority) -> Self {
        self.signer = Some(authority.clone());
        self
    }

    /// With this CRL number; 0x1000 by default.
    pub fn number(mut self, number: u32) -> Self {
        self.number = number;
        self
    }

    /// With this extension.
    pub fn extension(mut self, extension: Extension<'_>) -> Self {
        let point = |field: &str| {
            format!("issuingDistributionPoint = critical, @point\n[point]\n{field}\n")
        };
        self.extensions = match extension {
            Extension::OnlyUserCertificates => point("onlyuser = TRUE"),
            Extension::OnlyCaCertificates => point("onlyCA = TRUE"),
            Extension::DistributionPoint(uri) => point(&format!("fullname = URI:{uri}")),
            Extension::Indirect => point("indirectCRL = TRUE"),
            Extension::DeltaTo(number) => {
                format!("2.5.29.27 = critical, DER:02:01:{number:02x}\n")
            }
        };
        self
    }

    /// The same in DER, as lists are published.
    ///
    /// # Errors
    ///
    /// As for [`pem`](Self::pem).
    pub fn der(&self, database: &Database) -> Result<Vec<u8>> {
        let pem = self.pem(database)?;
        openssl::run(&["crl", "-outform", "DER"], pem.as_bytes())
    }

    /// The list of what this database knows to be revoked, in PEM.
    ///
    /// # Errors
    ///
    /// When `openssl` makes none.
    pub fn pem(&self, database: &Database) -> Result<String> {
        let (config, number, list) = (
            database.new_file(),
            database.new_file(),
            database.new_file(),
        );
        let index = text(&database.path("index"));
        let number_file = text(&number);
        std::fs::write(&number, format!("{:04X}\n", self.number))
            .map_err(Error::io("the number of a CRL"))?;
        let text_of_config = format!(
            "{CONFIG}database = {index}\ncrlnumber = {number_file}\n[list]\nauthorityKeyIdentifier = keyid\n{}",
            self.extensions
        );
        std::fs::write(&config, text_of_config).map_err(Error::io("OpenSSL's configuration"))?;
        let (certificate, key) = match &self.signer {
            None => (database.path("ca.pem"), database.path("ca.key")),
            Some(signer) => {
                let files = signer.write_to(database.directory(), &signer.sha256_hex())?;
                (files.certificate, files.key)
            }
        };
        let (this, next) = (digits(self.this_update), digits(self.next_update));
        openssl::run(
            &[
                "ca",
                "-gencrl",
                "-batch",
                "-crlexts",
                "list",
                "-config",
                &text(&config),
                "-cert",
                &text(&certificate),
                "-keyfile",
                &text(&key),
                "-crl_lastupdate",
                &this,
                "-crl_nextupdate",
                &next,
                "-out",
                &text(&list),
            ],
            b"",
        )?;
        std::fs::read_to_string(&list).map_err(Error::io("a CRL"))
    }
}
