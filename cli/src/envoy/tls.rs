//! Transport sockets and TLS contexts.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use hopguard::trust::pem::certificates;

use super::At;

/// What a transport socket is.
#[derive(Clone, Debug)]
pub enum Transport<'v> {
    Plaintext,
    /// TLS or QUIC, with its context.
    Tls(At<'v>),
    /// Plaintext until the application asks for TLS.
    StartTls,
    /// Of a kind that is not known here.
    Other(String),
}

/// The transport of a socket; none is plaintext.
pub fn transport<'v>(socket: Option<At<'v>>) -> Transport<'v> {
    let Some(socket) = socket else {
        return Transport::Plaintext;
    };
    let Some((kind, context)) = socket.any("typed_config") else {
        return match socket.text("name") {
            Some("envoy.transport_sockets.raw_buffer") => Transport::Plaintext,
            // Without a context nothing is verified.
            Some("envoy.transport_sockets.tls") => Transport::Tls(socket),
            name => Transport::Other(name.unwrap_or("no name").to_owned()),
        };
    };
    let last = kind.rsplit('.').next().unwrap_or_default();
    match last {
        "UpstreamTlsContext" | "DownstreamTlsContext" => Transport::Tls(context),
        "RawBuffer" => Transport::Plaintext,
        "StartTlsConfig" | "UpstreamStartTlsConfig" => Transport::StartTls,
        "QuicUpstreamTransport" => quic(context, "upstream_tls_context"),
        "QuicDownstreamTransport" => quic(context, "downstream_tls_context"),
        // These wrap another one.
        "ProxyProtocolUpstreamTransport"
        | "Tap"
        | "Http11ProxyUpstreamTransport"
        | "InternalUpstreamTransport" => transport(context.get("transport_socket")),
        "Config" if kind.contains(".tcp_stats.") => transport(context.get("transport_socket")),
        _ => Transport::Other(if kind.is_empty() {
            socket.text("name").unwrap_or("no name").to_owned()
        } else {
            kind
        }),
    }
}

fn quic<'v>(context: At<'v>, field: &str) -> Transport<'v> {
    let inner = context.get(field);
    Transport::Tls(inner.unwrap_or(context))
}

/// What a TLS context demands of the peer's certificate.
#[derive(Clone, Debug, Default)]
pub struct Validation<'v> {
    /// What is put together: the default, and what comes by SDS.
    pub contexts: Vec<At<'v>>,
    /// Secrets of SDS that are not in the configuration.
    pub unresolved: Vec<String>,
}

/// The validation of a `common_tls_context`.
pub fn validation<'v>(
    common: Option<&At<'v>>,
    secrets: &BTreeMap<String, At<'v>>,
) -> Validation<'v> {
    let mut found = Validation::default();
    let Some(common) = common else {
        return found;
    };
    found.contexts.extend(common.get("validation_context"));
    let combined = common.get("combined_validation_context");
    if let Some(combined) = &combined {
        let default = combined.get("default_validation_context");
        found.contexts.extend(default);
    }
    let by_sds = [Some(common), combined.as_ref()];
    for holder in by_sds.into_iter().flatten() {
        let Some(sds) = holder.get("validation_context_sds_secret_config") else {
            continue;
        };
        let name = sds.text("name").unwrap_or_default();
        match secrets.get(name).and_then(|s| s.get("validation_context")) {
            Some(context) => found.contexts.push(context),
            None => found.unresolved.push(name.to_owned()),
        }
    }
    found
}

impl<'v> Validation<'v> {
    /// A field of whichever context has it; the last counts.
    pub fn get(&self, field: &str) -> Option<At<'v>> {
        self.contexts.iter().rev().find_map(|c| c.get(field))
    }

    pub fn list(&self, field: &str) -> Vec<At<'v>> {
        self.contexts.iter().flat_map(|c| c.list(field)).collect()
    }

    /// The path of what says, or should say, how to verify.
    pub fn path(&self) -> Option<&str> {
        self.contexts.first().map(|c| c.path.as_str())
    }

    pub fn is_pinned(&self) -> bool {
        !self.list("verify_certificate_spki").is_empty()
            || !self.list("verify_certificate_hash").is_empty()
    }

    /// A CA, or who stands for one.
    pub fn anchor(&self) -> Option<At<'v>> {
        [
            "trusted_ca",
            "ca_certificate_provider_instance",
            "system_root_certs",
            "custom_validator_config",
        ]
        .iter()
        .find_map(|field| self.get(field))
    }

    pub fn names(&self) -> bool {
        ["match_typed_subject_alt_names", "match_subject_alt_names"]
            .iter()
            .any(|field| !self.list(field).is_empty())
    }
}

/// Why a `trusted_ca` is none, as far as it is in the configuration.
pub fn fault_of_ca(ca: &At<'_>) -> Option<String> {
    let pem = if let Some(text) = ca.text("inline_string") {
        text.to_owned()
    } else if let Some(base64) = ca.text("inline_bytes") {
        let bytes = BASE64.decode(base64.as_bytes()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    } else {
        return match ca.text("filename") {
            Some("" | "/dev/null") => Some("it names an empty file".to_owned()),
            _ => None,
        };
    };
    certificates(&pem).err().map(|error| error.to_string())
}
