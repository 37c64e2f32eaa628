//! `hopguard render`: configuration for the proxies, with the policy in it.

mod clusters;
mod envoy;
mod envoy_gateway;
mod istio;
mod module;

use std::path::PathBuf;

use clap::ValueEnum;
use hopguard::config;
use serde_json::{Map, Value};

use self::module::Module;
use crate::moment;
use crate::policy::{Checked, checked};
use crate::reply::{Failure, Format, Outcome, Reply};
use crate::role::Role;

/// Write configuration for a proxy, with the policy and its PEM in it
///
/// For Envoy: without --role a whole configuration to adapt, with --role what
/// belongs into yours. For Istio and Envoy Gateway: resources. All of it fails
/// closed.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The policy; - is the standard input
    policy: PathBuf,
    /// What the configuration is for
    #[arg(long = "for", value_enum, value_name = "PROXY")]
    target: Target,
    /// The roles to render; may be repeated
    #[arg(long = "role", value_enum, value_name = "ROLE")]
    roles: Vec<Role>,
    /// The module: a file (where the proxy runs), or oci:// or https:// for
    /// Istio and Envoy Gateway
    #[arg(long, value_name = "PATH_OR_URL", default_value = "/etc/hopguard/hopguard.wasm", value_parser = Module::parse)]
    wasm: Module,
    /// SHA-256 of what --wasm names: of the file behind https://, or the digest of
    /// the image's manifest
    #[arg(long, value_name = "HEX", value_parser = module::sha256)]
    sha256: Option<String>,
    /// Istio, Envoy Gateway: the namespace of the resources
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Istio: the label of the workloads, as app=shop; may be repeated
    #[arg(long = "selector", value_name = "LABEL=VALUE", value_parser = label)]
    selectors: Vec<(String, String)>,
    /// Istio, role upstream: the service that is reached, as pay.example.com:443;
    /// may be repeated. Without it, all that are
    #[arg(long = "service", value_name = "HOST:PORT", value_parser = service)]
    services: Vec<(String, u16)>,
    /// Istio 1.30 and later: TrafficExtension in place of WasmPlugin
    #[arg(long)]
    traffic_extension: bool,
    /// Envoy Gateway: the name of the Gateway
    #[arg(long, value_name = "NAME")]
    gateway: Option<String>,
    /// Envoy Gateway, roles of an EnvoyPatchPolicy: the xDS resource that is patched, a
    /// cluster (upstream) or a listener (log, network); may be repeated
    #[arg(long = "resource", value_name = "NAME")]
    resources: Vec<String>,
    /// Envoy, a whole configuration: where a cluster that the policy names leads, as
    /// collector=otel.example.com:4318; may be repeated
    #[arg(long = "cluster", value_name = "NAME=HOST:PORT", value_parser = cluster)]
    clusters: Vec<(String, (String, u16))>,
    /// Judge the policy as of this time (RFC 3339, or a day), instead of now
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    at: Option<i64>,
}

/// A proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    /// Envoy's own configuration
    Envoy,
    /// WasmPlugin or TrafficExtension, and EnvoyFilter
    Istio,
    /// EnvoyExtensionPolicy, and EnvoyPatchPolicy
    EnvoyGateway,
}

/// One document, and what is said above it.
pub struct Rendered {
    pub comment: String,
    pub value: Value,
}

pub fn run(arguments: &Arguments, format: Format) -> Outcome {
    let now = arguments.at.unwrap_or_else(moment::now);
    let checked = match checked(&arguments.policy, now, format)? {
        Ok(checked) => checked,
        Err(reply) => return Ok(reply),
    };
    let is_whole =
        arguments.target == Target::Envoy && arguments.roles.is_empty() && format == Format::Text;
    if is_whole {
        return Ok(Reply::fine(envoy::whole(arguments, &checked)?));
    }
    if !arguments.clusters.is_empty() {
        return Err(Failure(
            "--cluster is for a whole configuration: --for envoy, without --role".into(),
        ));
    }
    let documents = match arguments.target {
        Target::Envoy => envoy::roles(arguments, &checked)?,
        Target::Istio => istio::resources(arguments, &checked)?,
        Target::EnvoyGateway => envoy_gateway::resources(arguments, &checked)?,
    };
    match format {
        Format::Json => {
            let values: Vec<&Value> = documents.iter().map(|d| &d.value).collect();
            Reply::json(&values, false)
        }
        Format::Text => Ok(Reply::fine(yaml(&documents)?)),
    }
}

fn yaml(documents: &[Rendered]) -> Result<String, Failure> {
    let options = serde_saphyr::ser_options! {
        compact_list_indent: true,
        // A line that is broken is a line that nobody can search for.
        prefer_block_scalars: true,
        folded_wrap_chars: usize::MAX,
    };
    let mut text = String::new();
    for document in documents {
        if !text.is_empty() {
            text.push_str("---\n");
        }
        for line in document.comment.lines() {
            text.push_str(&format!("# {line}\n"));
        }
        let yaml = serde_saphyr::to_string_with_options(&document.value, options.clone())
            .map_err(|error| Failure(format!("the result cannot be written: {error}")))?;
        text.push_str(&yaml);
    }
    Ok(text)
}

/// The policy as indented JSON, where that is not too much for the plugin.
fn policy_text(checked: &Checked) -> String {
    serde_json::to_string_pretty(&checked.file.document)
        .ok()
        .filter(|text| text.len() < config::MAX_BYTES)
        .map_or_else(|| checked.file.json(), |text| text + "\n")
}

fn required<'a>(value: Option<&'a str>, option: &str) -> Result<&'a str, Failure> {
    value.ok_or_else(|| Failure(format!("{option} is needed for this")))
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !text.contains('*') => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("write it as name=value".to_owned()),
    }
}

fn service(text: &str) -> Result<(String, u16), String> {
    text.rsplit_once(':')
        .and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)))
        .filter(|(host, port)| !host.is_empty() && *port > 0)
        .ok_or_else(|| "write it as host:port".to_owned())
}

fn cluster(text: &str) -> Result<(String, (String, u16)), String> {
    let wrong = || "write it as name=host:port".to_owned();
    let (name, address) = text.rsplit_once('=').ok_or_else(wrong)?;
    let (host, port) = service(address).map_err(|_| wrong())?;
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    Ok((name.to_owned(), (bare.unwrap_or(&host).to_owned(), port)))
}

/// An object of these fields, without those that are null.
fn object<'n>(fields: impl IntoIterator<Item = (&'n str, Value)>) -> Value {
    let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
    let fields: Map<String, Value> = fields
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Value::Object(fields)
}
