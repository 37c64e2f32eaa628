//! `hopguard image`: the module as an OCI image, for Istio and Envoy Gateway.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use semver::Version;
use serde::Serialize;
use serde_json::json;

use crate::image;
use crate::image::layout::Writer;
use crate::image::manifest::{Manifest, media_type};
use crate::image::module::Module;
use crate::image::sbom::Sbom;
use crate::image::variants::{About, artifact, compat};
use crate::reply::{Failure, Format, HEADING, Outcome, Reply, clean, painted};

/// Write the module as an OCI image layout, in the variants that proxies fetch
///
/// The compat variant has the version as its tag: one gzipped tar with plugin.wasm,
/// which docker and podman handle, too. The artifact variant has -artifact behind it.
/// The same input gives the same digests.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The module
    module: PathBuf,
    /// The folder of the layout; an older layout in it is replaced
    #[arg(long, value_name = "FOLDER")]
    output: PathBuf,
    /// The version, as in semver.org, and the tag
    #[arg(long, value_name = "VERSION", default_value = env!("CARGO_PKG_VERSION"), value_parser = version)]
    version: Version,
    /// An SBOM of the module, CycloneDX or SPDX in JSON: a referrer of each variant
    #[arg(long, value_name = "FILE")]
    sbom: Option<PathBuf>,
    /// The commit that the module was built from (org.opencontainers.image.revision)
    #[arg(long, value_name = "COMMIT")]
    revision: Option<String>,
    /// Where the sources are (org.opencontainers.image.source)
    #[arg(long, value_name = "URL")]
    source: Option<String>,
}

/// A variant, as it was written.
#[derive(Debug, Serialize)]
struct Written {
    variant: &'static str,
    tag: String,
    /// Of the manifest: what Istio and Envoy Gateway call `sha256`.
    digest: String,
    /// Of the manifest that has the SBOM.
    sbom: Option<String>,
}

pub fn run(arguments: &Arguments, format: Format) -> Outcome {
    let module = Module::read(&arguments.module)?;
    let sbom = arguments.sbom.as_deref().map(Sbom::read).transpose()?;
    let mut layout = Writer::new(&arguments.output)?;
    let mut all = Vec::new();
    let tag = arguments.version.to_string();
    let about = About {
        version: &tag,
        revision: arguments.revision.as_deref(),
        source: arguments.source.as_deref(),
    };
    let compat = compat(&layout, &module, &about)?;
    all.push(list(&mut layout, "compat", &tag, compat, sbom.as_ref())?);
    let artifact = artifact(&layout, &module, &about)?;
    let tag = format!("{tag}-artifact");
    all.push(list(
        &mut layout,
        "artifact",
        &tag,
        artifact,
        sbom.as_ref(),
    )?);
    layout.finish()?;
    match format {
        Format::Json => Reply::json(
            &json!({
                "layout": arguments.output,
                "module": image::digest(&module.bytes),
                "images": all,
            }),
            false,
        ),
        Format::Text => text(&arguments.output, &all),
    }
}

fn text(output: &Path, all: &[Written]) -> Outcome {
    let mut text = String::new();
    for written in all {
        let variant = format!("{:<8}", written.variant);
        let variant = painted(variant, HEADING);
        let (tag, digest) = (&written.tag, &written.digest);
        writeln!(text, "{variant} {tag:<16} {digest}").map_err(|e| Failure(e.to_string()))?;
    }
    let output = clean(&output.display().to_string());
    Ok(Reply::fine(format!("{text}{output}: written\n")))
}

/// Puts a variant into the index, and its SBOM behind it.
fn list(
    layout: &mut Writer,
    variant: &'static str,
    tag: &str,
    manifest: Manifest,
    sbom: Option<&Sbom>,
) -> Result<Written, Failure> {
    let subject = layout.json(&manifest, media_type::MANIFEST)?;
    layout.list(subject.clone(), Some(tag));
    let digest = subject.digest.clone();
    let sbom = match sbom {
        Some(sbom) => Some(sbom.refer_to(subject, layout)?),
        None => None,
    };
    Ok(Written {
        variant,
        tag: tag.to_owned(),
        digest,
        sbom: sbom.map(|sbom| sbom.digest),
    })
}

/// A version that is a tag, too.
fn version(text: &str) -> Result<Version, String> {
    let version = Version::parse(text).map_err(|error| error.to_string())?;
    if version.build.is_empty() {
        Ok(version)
    } else {
        Err("a tag has no place for build metadata (+)".to_owned())
    }
}
