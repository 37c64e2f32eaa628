//! Certificates and codes, without a policy.

use hopguard::decision::Cause;
use hopguard::trust::Certificate;
use hopguard_engine::certificate::{Sight, first};

use crate::Engine;
use crate::bindings::exports::hopguard::decision::{catalog, types};

impl catalog::Guest for Engine {
    fn inspect(certificate: Vec<u8>) -> Result<types::CertificateInfo, String> {
        read(certificate).map(|certificate| info(Sight::of(&certificate)))
    }

    fn causes() -> Vec<types::Cause> {
        let causes = Cause::ALL.iter().map(|cause| types::Cause {
            code: cause.code().to_owned(),
            control: cause.requirement().as_str().to_owned(),
            cwe: cause.requirement().cwe().to_owned(),
            meaning: cause.meaning().to_owned(),
        });
        causes.collect()
    }

    fn version() -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }
}

/// The first certificate in PEM or DER.
pub fn read(bytes: Vec<u8>) -> Result<Certificate, String> {
    let (der, _) = first(bytes)?;
    Certificate::parse(&der).map_err(|error| error.to_string())
}

fn info(sight: Sight) -> types::CertificateInfo {
    let usage = sight.key_usage;
    types::CertificateInfo {
        subject: sight.subject,
        issuer: sight.issuer,
        serial: sight.serial,
        not_before: sight.not_before,
        not_after: sight.not_after,
        names: sight.names,
        key: sight.key,
        signature_algorithm: sight.signature_algorithm,
        is_ca: sight.is_ca,
        key_usage: usage.map(|all| all.into_iter().map(str::to_owned).collect()),
        extended_key_usage: sight.extended_key_usage,
        must_staple: sight.must_staple,
        ocsp_urls: sight.ocsp_urls,
        crl_urls: sight.crl_urls,
        sources_error: sight.sources_error,
        unknown_critical_extensions: sight.unknown_critical_extensions,
        sha256: sight.sha256,
        public_key_sha256: sight.public_key_sha256,
    }
}
