//! Lists of `openssl ca`, with and without what a list may have.

use hopguard_testbed::pki::Issued;

use crate::openssl::Folder;
use crate::world::{CRL_URL, World};
use crate::{Output, Result};

const CONFIGURATION: &str = "
[ca]
default_ca = here
[here]
database = index
crlnumber = number
default_md = sha256
default_crl_days = 7
";

/// How a list is made.
#[derive(Default)]
struct Made<'w> {
    /// Certificates and why.
    revoked: Vec<(&'w Issued, &'static str)>,
    /// Entries of serial numbers alone.
    count: u32,
    extensions: &'static str,
    pem: bool,
}

impl Made<'_> {
    fn list(&self, world: &World) -> Result<Vec<u8>> {
        let folder = Folder::new()?;
        folder.put("ca.pem", world.pki.intermediate.pem())?;
        folder.put("ca.key", world.pki.intermediate.key_pem())?;
        let extensions = self.extensions.replace("URL", CRL_URL);
        let configuration = match extensions.is_empty() {
            true => CONFIGURATION.to_owned(),
            false => format!("{CONFIGURATION}crl_extensions = more\n[more]\n{extensions}"),
        };
        folder.put("ca.conf", configuration)?;
        folder.put("number", "1000")?;
        let mut index = String::new();
        let certificates = self.revoked.iter();
        let entries = certificates
            .map(|(issued, reason)| (issued.serial_hex().to_uppercase(), *reason))
            .chain((0..self.count).map(|n| (format!("{:08X}", n * 7919 + 1), "")));
        for (serial, reason) in entries {
            index +=
                &format!("R\t491231235959Z\t250101000000Z{reason}\t{serial}\tunknown\t/CN=x\n");
        }
        folder.put("index", index)?;
        folder.run(&[
            "ca", "-config", "ca.conf", "-gencrl", "-cert", "ca.pem", "-keyfile", "ca.key", "-out",
            "list.pem",
        ])?;
        if self.pem {
            return folder.take("list.pem");
        }
        folder.run(&[
            "crl", "-in", "list.pem", "-outform", "DER", "-out", "list.der",
        ])?;
        folder.take("list.der")
    }
}

/// The list of the world.
pub fn of(world: &World) -> Result<Vec<u8>> {
    let made = Made {
        revoked: vec![(&world.revoked, ",keyCompromise")],
        ..Made::default()
    };
    made.list(world)
}

pub fn write(world: &World, output: &Output) -> Result<()> {
    let revoked = || vec![(&world.revoked, ",keyCompromise"), (&world.client, "")];
    for (name, made) in [
        ("empty", Made::default()),
        (
            "two",
            Made {
                revoked: revoked(),
                ..Made::default()
            },
        ),
        (
            "in-pem",
            Made {
                revoked: revoked(),
                pem: true,
                ..Made::default()
            },
        ),
        (
            "sixty",
            Made {
                revoked: revoked(),
                count: 60,
                ..Made::default()
            },
        ),
        (
            "on-hold",
            Made {
                revoked: vec![(&world.server, ",holdInstruction,holdInstructionReject")],
                ..Made::default()
            },
        ),
        (
            "compromise-time",
            Made {
                revoked: vec![(&world.revoked, ",keyTime,20240101000000Z")],
                ..Made::default()
            },
        ),
        (
            "of-a-point",
            Made {
                revoked: revoked(),
                extensions: "issuingDistributionPoint = critical,@point\nauthorityKeyIdentifier = keyid\n[point]\nfullname = URI:URL\n",
                ..Made::default()
            },
        ),
        (
            "of-users",
            Made {
                revoked: revoked(),
                extensions: "issuingDistributionPoint = critical,@point\n[point]\nonlyuser = TRUE\n",
                ..Made::default()
            },
        ),
        (
            "of-reasons",
            Made {
                extensions: "issuingDistributionPoint = critical,@point\n[point]\nfullname = URI:URL\nonlysomereasons = keyCompromise,CACompromise\n",
                ..Made::default()
            },
        ),
        (
            "indirect",
            Made {
                extensions: "issuingDistributionPoint = critical,@point\n[point]\nindirectCRL = TRUE\n",
                ..Made::default()
            },
        ),
    ] {
        output.seed("crl", name, &made.list(world)?)?;
    }
    Ok(())
}

/// The list of the world, in PEM.
pub fn pem(world: &World) -> Result<Vec<u8>> {
    let made = Made {
        revoked: vec![(&world.revoked, ",keyCompromise")],
        pem: true,
        ..Made::default()
    };
    made.list(world)
}
