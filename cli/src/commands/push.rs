//! `hopguard push`: a layout into a registry.

use std::net::IpAddr;
use std::path::PathBuf;

use oci_client::Reference;
use serde_json::json;

use crate::image::layout::Reader;
use crate::image::registry::{Pushed, Repository};
use crate::reply::{Failure, Format, Outcome, Reply};

/// Push the images of a layout, and the SBOMs that refer to them, to a registry
///
/// The login is that of docker or podman. A tag that is there with another digest is
/// not replaced, unless told.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder of the layout, which image wrote
    layout: PathBuf,
    /// The repository, as registry.example.com/team/hopguard: no tag, the layout has them
    #[arg(value_parser = repository)]
    repository: Reference,
    /// Replace tags that are there with another digest
    #[arg(long)]
    replace: bool,
    /// Without TLS, for a registry on this machine
    #[arg(long)]
    plain_http: bool,
}

pub fn run(arguments: &Arguments, format: Format) -> Outcome {
    if arguments.plain_http && !is_here(arguments.repository.registry()) {
        return Err(Failure(
            "--plain-http is for a registry on this machine: elsewhere, anybody could read the login"
                .to_owned(),
        ));
    }
    let layout = Reader::open(&arguments.layout)?;
    let pushing = async {
        let repository = Repository::open(arguments.repository.clone(), arguments.plain_http);
        repository.await?.push(&layout, arguments.replace).await
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure(error.to_string()))?;
    let pushed = runtime.block_on(pushing)?;
    let registry = arguments.repository.registry();
    let repository = format!("{registry}/{}", arguments.repository.repository());
    match format {
        Format::Json => Reply::json(
            &json!({ "repository": repository, "manifests": pushed }),
            false,
        ),
        Format::Text => Ok(Reply::fine(
            pushed
                .iter()
                .map(|one| line(&repository, one))
                .collect::<String>(),
        )),
    }
}

fn line(repository: &str, pushed: &Pushed) -> String {
    let place = match &pushed.tag {
        Some(tag) => format!("{repository}:{tag}@{}", pushed.digest),
        None => format!("{repository}@{}", pushed.digest),
    };
    match (&pushed.subject, &pushed.found_by) {
        (Some(subject), Some(by)) => format!("{place}\n  refers to {subject}, found by {by}\n"),
        _ => format!("{place}\n"),
    }
}

/// Whether a registry, as `host` or `host:port`, is on this machine. References know no other
/// form of IPv6 than in brackets.
fn is_here(registry: &str) -> bool {
    let host = match registry.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => registry,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address = host.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// A repository with its registry: the default of docker.io surprises.
fn repository(text: &str) -> Result<Reference, String> {
    let reference = Reference::try_from(text).map_err(|error| error.to_string())?;
    if text == format!("{}/{}", reference.registry(), reference.repository()) {
        Ok(reference)
    } else {
        Err("wanted is registry/repository, with neither tag nor digest".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::is_here;

    #[test]
    fn only_loopback_is_this_machine() {
        for here in [
            "localhost",
            "localhost:5000",
            "127.0.0.1:5000",
            "127.9.9.9",
            "[::1]:5000",
            "[::1]",
        ] {
            assert!(is_here(here), "{here}");
        }
        for elsewhere in [
            "registry.example.com",
            "registry.example.com:5000",
            "localhost.example.com",
            "127.0.0.1.example.com:5000",
            "10.0.0.1:5000",
            "[2001:db8::1]:5000",
            "",
        ] {
            assert!(!is_here(elsewhere), "{elsewhere}");
        }
    }
}
