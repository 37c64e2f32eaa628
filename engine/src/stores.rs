//! Which trust stores of a policy trust a certificate.

use hopguard::config::{self, ConfigError};
use hopguard::decision::{Cause, Policy};
use hopguard::trust::{
    Certificate, Instant, KeyRequirements, NoHost, TrustStore, TrustedBy, Usage, VerifiedChain,
    verify,
};
use serde_json::Value;

use crate::text::clean;

/// What one store says of the certificate, as that of a server or a client.
#[derive(Debug)]
pub struct StoreVerdict {
    /// The store's name.
    pub store: String,
    /// Whose certificate it is.
    pub usage: Usage,
    /// How the store came to trust it, or why it does not.
    pub trust: Result<Trusted, Distrust>,
}

/// A store trusts a certificate.
#[derive(Debug)]
pub struct Trusted {
    /// By what.
    pub by: TrustedBy,
    /// The subjects from the issuer to the CA certificate of the store.
    pub path: Vec<String>,
}

/// A store does not trust a certificate.
#[derive(Debug)]
pub struct Distrust {
    /// The code of events.
    pub cause: Cause,
    /// The compared values.
    pub detail: String,
}

/// What all stores say, also those that no rule names, by the demands of a rule that has none
/// of its own.
///
/// # Errors
/// The stores cannot be read at this time: a policy is only right at the time for which it
/// was read.
pub fn verdicts(
    policy: &Policy,
    document: &Value,
    certificate: &Certificate,
    now: i64,
) -> Result<Vec<StoreVerdict>, Vec<ConfigError>> {
    let at = Instant {
        now,
        skew: policy.clock_skew_seconds,
    };
    let stores = config::trust_stores(document, now)?;
    Ok(stores
        .iter()
        .flat_map(|(name, store)| {
            [Usage::Server, Usage::Client].map(|usage| verdict(name, store, certificate, usage, at))
        })
        .collect())
}

fn verdict(
    name: &str,
    store: &TrustStore,
    certificate: &Certificate,
    usage: Usage,
    at: Instant,
) -> StoreVerdict {
    let keys = KeyRequirements::default();
    let result = verify(certificate, store, usage, at, &keys, &NoHost);
    StoreVerdict {
        store: name.to_owned(),
        usage,
        trust: match result {
            Ok(chain) => Ok(Trusted {
                by: chain.trusted_by(),
                path: subjects(&chain),
            }),
            Err(error) => Err(Distrust {
                cause: Cause::from(&error),
                detail: clean(&error.to_string()),
            }),
        },
    }
}

fn subjects(chain: &VerifiedChain) -> Vec<String> {
    let intermediates = chain.intermediates().iter().map(AsRef::as_ref);
    let all = intermediates.chain(chain.anchor());
    all.map(|certificate| clean(certificate.subject()))
        .collect()
}
