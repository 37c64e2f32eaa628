//! Answers of `openssl ocsp`.

use hopguard_testbed::pki::Issued;

use crate::openssl::Folder;
use crate::world::World;
use crate::{Output, Result};

/// Whose key signs.
#[derive(Clone, Copy)]
pub enum Signer {
    /// The issuer's.
    Issuer,
    /// That of whom the issuer made a responder.
    Delegate,
    /// That of whom another of the issuer's name made a responder.
    Rogue,
}

/// A responder that is asked once about the certificates that it is told of.
pub struct Responder<'w> {
    world: &'w World,
    by: Signer,
    asked: Vec<(&'w Issued, &'static str)>,
    asking: Vec<&'static str>,
    answering: Vec<&'static str>,
}

impl<'w> Responder<'w> {
    pub fn of(world: &'w World) -> Self {
        Self {
            world,
            by: Signer::Issuer,
            asked: Vec::new(),
            asking: vec!["-no_nonce"],
            answering: vec!["-ndays", "7"],
        }
    }

    /// It is asked about this one, of which it knows this: `V`alid, `R`evoked, or nothing.
    pub fn known(mut self, certificate: &'w Issued, known: &'static str) -> Self {
        self.asked.push((certificate, known));
        self
    }

    fn asking(mut self, options: &[&'static str]) -> Self {
        self.asking = options.to_vec();
        self
    }

    fn answering(mut self, options: &[&'static str]) -> Self {
        self.answering = options.to_vec();
        self
    }

    /// Signed by this one.
    pub fn by(mut self, signer: Signer) -> Self {
        self.by = signer;
        self
    }

    pub fn answer(&self) -> Result<Vec<u8>> {
        let folder = Folder::new()?;
        let issuer = &self.world.pki.intermediate;
        folder.put("issuer.pem", issuer.pem())?;
        let (signer, key) = match self.by {
            Signer::Issuer => (issuer.pem(), issuer.key_pem()),
            Signer::Delegate => (self.world.delegate.pem(), self.world.delegate.key_pem()),
            Signer::Rogue => (self.world.rogue.pem(), self.world.rogue.key_pem()),
        };
        folder.put("signer.pem", signer)?;
        folder.put("signer.key", key)?;
        let mut index = String::new();
        let mut question = vec!["ocsp", "-issuer", "issuer.pem"];
        question.extend(&self.asking);
        let files: Vec<String> = (0..self.asked.len()).map(|n| format!("{n}.pem")).collect();
        for ((certificate, known), file) in self.asked.iter().zip(&files) {
            folder.put(file, certificate.pem())?;
            question.extend(["-cert", file]);
            let serial = certificate.serial_hex().to_uppercase();
            let since = match *known {
                "V" => "",
                "R" => "250101000000Z,keyCompromise",
                _ => continue,
            };
            index += &format!("{known}\t491231235959Z\t{since}\t{serial}\tunknown\t/CN={serial}\n");
        }
        folder.put("index", index)?;
        question.extend(["-reqout", "question"]);
        folder.run(&question)?;
        let mut answer = vec!["ocsp", "-index", "index", "-CA", "issuer.pem"];
        answer.extend(["-rsigner", "signer.pem", "-rkey", "signer.key"]);
        answer.extend(["-reqin", "question", "-respout", "answer"]);
        answer.extend(&self.answering);
        folder.run(&answer)?;
        folder.take("answer")
    }
}

pub fn write(world: &World, output: &Output) -> Result<()> {
    let good = || Responder::of(world).known(&world.server, "V");
    for (name, responder) in [
        ("good", good()),
        (
            "good-lean",
            good().answering(&["-ndays", "7", "-resp_no_certs"]),
        ),
        ("by-key", good().answering(&["-ndays", "7", "-resp_key_id"])),
        ("without-next-update", good().answering(&[])),
        ("with-nonce", good().asking(&["-nonce"])),
        ("sha256-id", good().asking(&["-no_nonce", "-sha256"])),
        ("signed-with-sha384", good().answering(&["-rmd", "sha384"])),
        ("signed-with-sha1", good().answering(&["-rmd", "sha1"])),
        ("delegate", good().by(Signer::Delegate)),
        (
            "delegate-by-key",
            good()
                .by(Signer::Delegate)
                .answering(&["-ndays", "7", "-resp_key_id"]),
        ),
        (
            "delegate-and-another",
            good()
                .by(Signer::Delegate)
                .answering(&["-ndays", "7", "-rother", "issuer.pem"]),
        ),
        ("forged", good().by(Signer::Rogue)),
        ("revoked", Responder::of(world).known(&world.server, "R")),
        ("unknown", Responder::of(world).known(&world.server, "none")),
        (
            "of-another",
            Responder::of(world).known(&world.revoked, "V"),
        ),
        (
            "of-three",
            good()
                .known(&world.revoked, "R")
                .known(&world.client, "none"),
        ),
    ] {
        output.seed("ocsp_response", name, &responder.answer()?)?;
    }
    for (name, status) in [
        ("malformed", 1),
        ("internal", 2),
        ("later", 3),
        ("refused", 6),
    ] {
        output.seed("ocsp_response", name, &[0x30, 3, 0x0a, 1, status])?;
    }
    Ok(())
}
