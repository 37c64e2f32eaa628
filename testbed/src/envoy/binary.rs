//! Which Envoy, and where it is.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::target;

const VERSIONS: &str = include_str!("../../envoy/versions");

/// The pinned versions, the default first.
pub fn pinned_versions() -> Vec<&'static str> {
    let mut versions = Vec::new();
    for line in VERSIONS.lines().filter(|line| !line.starts_with('#')) {
        if let Some(version) = line.split_whitespace().next()
            && !versions.contains(&version)
        {
            versions.push(version);
        }
    }
    versions
}

/// The binary that runs where no version is asked for, for scripts that start it
/// themselves.
///
/// # Errors
///
/// Where there is none, and none can be fetched.
pub fn binary() -> Result<PathBuf> {
    find(None)
}

/// The version of the Envoy that runs where none is asked for: `1.40.0`.
///
/// # Errors
///
/// When `ENVOY` names one that does not say its version.
pub fn default_version() -> Result<String> {
    let told = |name| std::env::var(name).ok().filter(|told| !told.is_empty());
    if let Some(path) = told("ENVOY") {
        let output = std::process::Command::new(&path)
            .arg("--version")
            .output()
            .map_err(Error::io(format!("starting {path}")))?;
        // Commit, version, state of the source, kind of build, TLS library.
        let text = String::from_utf8_lossy(&output.stdout);
        return text
            .split('/')
            .nth(1)
            .map(str::to_owned)
            .ok_or_else(|| Error::EnvoyMissing(format!("{path} says no version: {text}")));
    }
    let pinned = pinned_versions().first().copied().unwrap_or_default();
    Ok(told("ENVOY_VERSION").unwrap_or_else(|| pinned.to_owned()))
}

/// The binary to run: `ENVOY`, else the version asked for, else `ENVOY_VERSION`, else the
/// default one; fetched where it is not in the target directory yet.
pub(super) fn find(version: Option<&str>) -> Result<PathBuf> {
    if let Some(told) = std::env::var_os("ENVOY").filter(|told| !told.is_empty()) {
        return Ok(PathBuf::from(told));
    }
    let version = match (version, std::env::var("ENVOY_VERSION")) {
        (Some(version), _) => version.to_owned(),
        (None, Ok(version)) if !version.is_empty() => version,
        _ => pinned_versions()
            .first()
            .copied()
            .unwrap_or_default()
            .to_owned(),
    };
    let path = target::directory()
        .join("envoy")
        .join(&version)
        .join("envoy");
    if path.is_file() {
        return Ok(path);
    }
    fetch(&version)
}

fn fetch(version: &str) -> Result<PathBuf> {
    target::fetch("envoy", &[version]).map_err(|why| {
        Error::EnvoyMissing(format!(
            "no Envoy {version}: {why}. Run testbed/envoy/fetch.sh {version}, or set ENVOY to the path of one"
        ))
    })
}
