//! Who signs an answer of OCSP, and how.

use super::database::{Database, text};
use crate::error::Result;
use crate::pki::{Authority, Issued};

/// Who signs an answer of OCSP, and how: `openssl ocsp` signs with whatever it is given.
#[derive(Clone, Debug)]
pub struct Signing {
    signer: Option<Issued>,
    sends_signer: bool,
    lasts: bool,
    arguments: Vec<String>,
}

impl Default for Signing {
    /// The CA itself, without its certificate, named by name, for a day.
    fn default() -> Self {
        Self {
            signer: None,
            sends_signer: false,
            lasts: true,
            arguments: Vec::new(),
        }
    }
}

impl Signing {
    /// A delegate: its certificate goes along.
    pub fn delegate(certificate: &Issued) -> Self {
        Self {
            signer: Some(certificate.clone()),
            sends_signer: true,
            ..Self::default()
        }
    }

    /// Another authority: its certificate goes along.
    pub fn authority(authority: &Authority) -> Self {
        let key = authority.key_pem().to_owned();
        Self::delegate(&Issued::new(authority.der().to_vec(), Vec::new(), key))
    }

    /// Names the signer by its key, not by its name.
    pub fn by_key(self) -> Self {
        self.argument("-resp_key_id")
    }

    /// Without nextUpdate.
    pub fn without_next_update(mut self) -> Self {
        self.lasts = false;
        self
    }

    /// The signature is made with SHA-1.
    pub fn sha1(self) -> Self {
        self.argument("-rmd").argument("sha1")
    }

    fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    pub(super) fn arguments(&self, database: &Database) -> Result<Vec<String>> {
        let (certificate, key) = match &self.signer {
            None => (database.path("ca.pem"), database.path("ca.key")),
            Some(signer) => {
                let files = signer.write_to(database.directory(), &signer.sha256_hex())?;
                (files.certificate, files.key)
            }
        };
        let mut arguments = vec!["-rsigner".into(), text(&certificate)];
        arguments.extend(["-rkey".into(), text(&key)]);
        if self.lasts {
            arguments.extend(["-ndays".into(), "1".into()]);
        }
        if !self.sends_signer {
            arguments.push("-resp_no_certs".into());
        }
        arguments.extend(self.arguments.iter().cloned());
        Ok(arguments)
    }
}
