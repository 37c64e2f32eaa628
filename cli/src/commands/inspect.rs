//! `hopguard inspect`: a certificate as the plugin sees it, and who trusts it.

use std::fmt::{Display, Write};
use std::path::PathBuf;

use hopguard::trust::{TrustedBy, Usage};
use hopguard_engine::certificate::Sight;
use hopguard_engine::stores::{self, verdicts};
use serde::Serialize;
use serde_json::json;

use crate::certificate::Peer;
use crate::moment;
use crate::policy::checked;
use crate::reply::{ERROR, Failure, Format, GOOD, HEADING, Outcome, Reply, painted};

/// Show a certificate as the plugin sees it, and which trust stores trust it
///
/// Names and what a rule demands beyond trust are another question: see explain.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The certificate, PEM or DER; - is the standard input
    certificate: PathBuf,
    /// The policy whose trust stores are asked
    #[arg(long, value_name = "POLICY")]
    policy: Option<PathBuf>,
    /// Judge as of this time (RFC 3339, or a day), instead of now
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    at: Option<i64>,
}

/// What one store says of the certificate, as that of a server or a client.
#[derive(Debug, Serialize)]
struct StoreVerdict {
    store: String,
    usage: &'static str,
    trusted: bool,
    /// `path`, `pinned_certificate` or `pinned_public_key`.
    trusted_by: Option<&'static str>,
    /// The subjects from the issuer to the CA certificate of the store.
    path: Vec<String>,
    /// The code of events.
    cause: Option<&'static str>,
    detail: Option<String>,
}

impl From<stores::StoreVerdict> for StoreVerdict {
    fn from(told: stores::StoreVerdict) -> Self {
        let (trusted, distrust) = match told.trust {
            Ok(trusted) => (Some(trusted), None),
            Err(distrust) => (None, Some(distrust)),
        };
        Self {
            store: told.store,
            usage: match told.usage {
                Usage::Server => "server",
                Usage::Client => "client",
            },
            trusted: trusted.is_some(),
            trusted_by: trusted.as_ref().map(|trusted| match trusted.by {
                TrustedBy::Path => "path",
                TrustedBy::PinnedCertificate => "pinned_certificate",
                TrustedBy::PinnedPublicKey => "pinned_public_key",
            }),
            path: trusted.map(|trusted| trusted.path).unwrap_or_default(),
            cause: distrust.as_ref().map(|distrust| distrust.cause.code()),
            detail: distrust.map(|distrust| distrust.detail),
        }
    }
}

pub fn run(arguments: &Arguments, format: Format) -> Outcome {
    let now = arguments.at.unwrap_or_else(moment::now);
    let peer = Peer::read(&arguments.certificate)?;
    let sight = Sight::of(&peer.certificate);
    let verdicts = match &arguments.policy {
        None => None,
        Some(path) => match checked(path, now, format)? {
            Ok(checked) => {
                let document = &checked.file.document;
                let verdicts = verdicts(&checked.policy, document, &peer.certificate, now);
                let unread = |_| Failure("the trust stores cannot be read".to_owned());
                let verdicts = verdicts.map_err(unread)?.into_iter();
                Some(verdicts.map(StoreVerdict::from).collect())
            }
            Err(reply) => return Ok(reply),
        },
    };
    let is_untrusted = |verdicts: &Vec<StoreVerdict>| verdicts.iter().all(|v| !v.trusted);
    let has_findings = verdicts.as_ref().is_some_and(is_untrusted);
    if format == Format::Json {
        let value = json!({
            "certificate": sight,
            "certificates_ignored": peer.others,
            "trust_stores": verdicts,
        });
        return Reply::json(&value, has_findings);
    }
    let mut text = String::new();
    print(&mut text, &sight, &peer, now)
        .and_then(|()| match &verdicts {
            Some(verdicts) => print_verdicts(&mut text, verdicts),
            None => Ok(()),
        })
        .map_err(|error| Failure(error.to_string()))?;
    let mut reply = Reply::fine(text);
    reply.has_findings = has_findings;
    Ok(reply)
}

fn print(text: &mut String, sight: &Sight, peer: &Peer, now: i64) -> std::fmt::Result {
    let mut row = |name: &str, value: &dyn Display| {
        writeln!(
            text,
            "{} {value}",
            painted(format_args!("{name:<20}"), HEADING)
        )
    };
    let or_none = |list: &[String]| match list {
        [] => "none".to_owned(),
        _ => list.join("\n                     "),
    };
    row("subject", &sight.subject)?;
    row("issuer", &sight.issuer)?;
    row("serial", &sight.serial)?;
    row("names", &or_none(&sight.names))?;
    let begins = peer.certificate.not_before();
    if begins > now {
        let distance = moment::distance(now, begins);
        row(
            "valid from",
            &format_args!("{} (begins {distance})", moment::text(begins)),
        )?;
    } else {
        row("valid from", &moment::text(begins))?;
    }
    let ends = peer.certificate.not_after();
    let distance = moment::distance(now, ends);
    row(
        "valid to",
        &format_args!("{} ({distance})", moment::text(ends)),
    )?;
    row("key", &sight.key)?;
    row("signed by", &sight.signature_algorithm)?;
    row("CA", &if sight.is_ca { "yes" } else { "no" })?;
    let usage = sight.key_usage.as_ref().map(|usage| usage.join(", "));
    row("key usage", &usage.as_deref().unwrap_or("any (not there)"))?;
    let usage = sight
        .extended_key_usage
        .as_ref()
        .map(|usage| usage.join(", "));
    row(
        "extended key usage",
        &usage.as_deref().unwrap_or("not there"),
    )?;
    row("must-staple", &if sight.must_staple { "yes" } else { "no" })?;
    match &sight.sources_error {
        Some(error) => row("revocation", error)?,
        None => {
            row("OCSP", &or_none(&sight.ocsp_urls))?;
            row("CRL", &or_none(&sight.crl_urls))?;
        }
    }
    if !sight.unknown_critical_extensions.is_empty() {
        row(
            "unknown, critical",
            &sight.unknown_critical_extensions.join(", "),
        )?;
    }
    row("SHA-256", &sight.sha256)?;
    row("SHA-256 of the key", &sight.public_key_sha256)?;
    if peer.others > 0 {
        let note = format_args!(
            "{} more in the file; Envoy shows the leaf only",
            peer.others
        );
        row("ignored", &note)?;
    }
    Ok(())
}

fn print_verdicts(text: &mut String, verdicts: &[StoreVerdict]) -> std::fmt::Result {
    for verdict in verdicts {
        let who = format!("{:<20}", format!("{} as {}", verdict.store, verdict.usage));
        let who = painted(who, HEADING);
        match (verdict.trusted_by, &verdict.cause) {
            (Some(by), _) => {
                let how = match by {
                    "path" => format!("by {}", verdict.path.join(", by ")),
                    "pinned_certificate" => "by the pin on this certificate".to_owned(),
                    _ => "by the pin on its public key".to_owned(),
                };
                writeln!(text, "{who} {}, {how}", painted("trusted", GOOD))?;
            }
            (None, cause) => writeln!(
                text,
                "{who} {}, {}: {}",
                painted("not trusted", ERROR),
                cause.unwrap_or_default(),
                verdict.detail.as_deref().unwrap_or_default()
            )?,
        }
    }
    Ok(())
}
