//! Takes a layout to a registry.

use std::error::Error;
use std::time::Duration;

use docker_credential::{CredentialRetrievalError, DockerCredential};
use oci_client::client::{Client, ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::manifest::{ImageIndexEntry, OciImageIndex, OciManifest};
use oci_client::secrets::RegistryAuth;
use oci_client::{Reference, RegistryOperation};
use serde::Serialize;

use super::layout::{REF_NAME, Reader};
use super::manifest::{Descriptor, Manifest};
use crate::reply::Failure;

/// How long the registry may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// A repository in a registry.
pub struct Repository {
    client: Client,
    /// Of the repository; its tag is not used.
    place: Reference,
}

/// A manifest, and where it is now.
#[derive(Debug, Serialize)]
pub struct Pushed {
    pub digest: String,
    pub tag: Option<String>,
    /// The digest of what it is about.
    pub subject: Option<String>,
    /// How it is found by that: `referrers API`, or the tag of a registry without it.
    pub found_by: Option<String>,
}

/// A manifest of the layout.
struct Entry {
    descriptor: Descriptor,
    manifest: Manifest,
    bytes: Vec<u8>,
}

impl Entry {
    fn tag(&self) -> Option<&str> {
        let tag = self.descriptor.annotations.get(REF_NAME);
        tag.map(String::as_str)
    }
}

impl Repository {
    /// A client for it, with the login that docker or podman have.
    ///
    /// # Errors
    /// The login cannot be read, or is not accepted.
    pub async fn open(place: Reference, plain_http: bool) -> Result<Self, Failure> {
        // It fails where there is one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = ClientConfig {
            protocol: if plain_http {
                ClientProtocol::Http
            } else {
                ClientProtocol::Https
            },
            connect_timeout: Some(PATIENCE),
            read_timeout: Some(PATIENCE),
            user_agent: concat!("hopguard/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        let client = Client::try_from(config).map_err(|error| failure(&place, &error))?;
        let auth = login(&place)?;
        client
            .auth(&place, &auth, RegistryOperation::Push)
            .await
            .map_err(|error| failure(&place, &error))?;
        Ok(Self { client, place })
    }

    /// Pushes all manifests of a layout, and what they are made of. Tags come last: whoever
    /// sees one finds all that belongs to it.
    ///
    /// # Errors
    /// The layout is not whole; a tag is there with another digest, and not to be replaced; or
    /// the registry refuses.
    pub async fn push(&self, layout: &Reader, replace: bool) -> Result<Vec<Pushed>, Failure> {
        let mut entries = Vec::new();
        for descriptor in layout.manifests() {
            let bytes = layout.blob(descriptor)?;
            let manifest = serde_json::from_slice(&bytes)
                .map_err(|error| Failure(format!("{}: {error}", descriptor.digest)))?;
            entries.push(Entry {
                descriptor: descriptor.clone(),
                manifest,
                bytes,
            });
        }
        if !replace {
            for entry in &entries {
                self.check_tag(entry).await?;
            }
        }
        for entry in &entries {
            for part in entry.manifest.layers.iter().chain([&entry.manifest.config]) {
                self.push_blob(layout, part).await?;
            }
            self.put(&entry.descriptor.digest, entry).await?;
        }
        let mut all = Vec::new();
        for entry in &entries {
            let subject = entry.manifest.subject.as_ref();
            let found_by = match subject {
                Some(subject) => Some(self.refer(subject, entry).await?),
                None => None,
            };
            all.push(Pushed {
                digest: entry.descriptor.digest.clone(),
                tag: entry.tag().map(str::to_owned),
                subject: subject.map(|subject| subject.digest.clone()),
                found_by,
            });
        }
        for entry in &entries {
            if let Some(tag) = entry.tag() {
                self.put(tag, entry).await?;
            }
        }
        Ok(all)
    }

    /// A tag of a version names one image for ever, unless told otherwise.
    async fn check_tag(&self, entry: &Entry) -> Result<(), Failure> {
        let Some(tag) = entry.tag() else {
            return Ok(());
        };
        let place = self.at(tag);
        match self
            .client
            .fetch_manifest_digest(&place, &RegistryAuth::Anonymous)
            .await
        {
            Ok(there) if there != entry.descriptor.digest => Err(Failure(format!(
                "{place}: there already, as {there}; --replace replaces it"
            ))),
            Ok(_) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(failure(&place, &error)),
        }
    }

    async fn push_blob(&self, layout: &Reader, blob: &Descriptor) -> Result<(), Failure> {
        let failed = |error| failure(&self.place, &error);
        let exists = self.client.blob_exists(&self.place, &blob.digest).await;
        if !exists.map_err(failed)? {
            let bytes = layout.blob(blob)?;
            let pushed = self.client.push_blob(&self.place, bytes, &blob.digest);
            pushed.await.map_err(failed)?;
        }
        Ok(())
    }

    /// Puts a manifest under a tag, or its digest.
    async fn put(&self, name: &str, entry: &Entry) -> Result<(), Failure> {
        let place = self.at(name);
        let kind = entry.descriptor.media_type.parse();
        let kind = kind.map_err(|_| Failure(format!("{name}: no media type")))?;
        let put = self
            .client
            .push_manifest_raw(&place, entry.bytes.clone(), kind);
        put.await.map_err(|error| failure(&place, &error))?;
        Ok(())
    }

    /// Sees to it that a manifest is found by its subject. A registry that knows referrers does
    /// so itself; for others the OCI Distribution Specification has an index under a tag.
    async fn refer(&self, subject: &Descriptor, entry: &Entry) -> Result<String, Failure> {
        let place = self.place.clone_with_digest(subject.digest.clone());
        let failed = |error| failure(&place, &error);
        let is_listed = |index: &OciImageIndex| {
            let mut all = index.manifests.iter();
            all.any(|other| other.digest == entry.descriptor.digest)
        };
        let tag = subject.digest.replace(':', "-");
        let fallback = self.at(&tag);
        let pulled = self
            .client
            .pull_manifest(&fallback, &RegistryAuth::Anonymous);
        let mut index = match pulled.await {
            Ok((OciManifest::ImageIndex(index), _)) => Some(index),
            Ok((OciManifest::Image(_), _)) => {
                return Err(Failure(format!("{fallback}: no index of referrers")));
            }
            Err(error) if is_absent(&error) => None,
            Err(error) => return Err(failed(error)),
        };
        if !index.as_ref().is_some_and(is_listed) {
            // Asks the API, and where there is none, the tag.
            let listed = self.client.pull_referrers(&place, None).await;
            if is_listed(&listed.map_err(failed)?) {
                return Ok("referrers API".to_owned());
            }
            let index = index.get_or_insert_with(empty_index);
            index.manifests.push(index_entry(entry)?);
            let auth = RegistryAuth::Anonymous;
            let push = self
                .client
                .push_manifest_list(&fallback, &auth, index.clone());
            push.await.map_err(failed)?;
        }
        Ok(format!("tag {tag}"))
    }

    /// A tag or digest in the repository. A digest goes as a tag, too: the path is the same,
    /// and the client panics where a registry answers a push by digest without `Location`.
    fn at(&self, name: &str) -> Reference {
        let (registry, repository) = (self.place.registry(), self.place.repository());
        Reference::with_tag(registry.to_owned(), repository.to_owned(), name.to_owned())
    }
}

fn empty_index() -> OciImageIndex {
    OciImageIndex {
        schema_version: 2,
        media_type: Some(super::manifest::media_type::INDEX.to_owned()),
        manifests: Vec::new(),
        artifact_type: None,
        annotations: None,
    }
}

fn index_entry(entry: &Entry) -> Result<ImageIndexEntry, Failure> {
    serde_json::to_value(&entry.descriptor)
        .and_then(serde_json::from_value)
        .map_err(|error| Failure(error.to_string()))
}

/// What `docker login` or `podman login` left for the registry; nobody where they left nothing.
fn login(place: &Reference) -> Result<RegistryAuth, Failure> {
    // The one registry that they know by another name.
    let server = match place.registry() {
        "docker.io" => "https://index.docker.io/v1/",
        registry => registry,
    };
    let found = match docker_credential::get_podman_credential(server) {
        Err(error) if is_none(&error) => docker_credential::get_credential(server),
        found => found,
    };
    match found {
        Ok(DockerCredential::UsernamePassword(name, password)) => {
            Ok(RegistryAuth::Basic(name, password))
        }
        Ok(DockerCredential::IdentityToken(_)) => Err(Failure(format!(
            "{server}: the login is an identity token, which is not supported; log in with a password or access token"
        ))),
        Err(error) if is_none(&error) => Ok(RegistryAuth::Anonymous),
        Err(error) => Err(Failure(format!("the login of {server}: {error}"))),
    }
}

const fn is_none(error: &CredentialRetrievalError) -> bool {
    matches!(
        error,
        CredentialRetrievalError::NoCredentialConfigured
            | CredentialRetrievalError::ConfigNotFound
            | CredentialRetrievalError::ConfigReadError
    )
}

fn is_absent(error: &OciDistributionError) -> bool {
    match error {
        OciDistributionError::ImageManifestNotFoundError(_) => true,
        OciDistributionError::ServerError { code, .. } => *code == 404,
        OciDistributionError::RegistryError { envelope, .. } => {
            let is_unknown = |code: &OciErrorCode| {
                use OciErrorCode::{ManifestUnknown, NameUnknown, NotFound};
                matches!(code, ManifestUnknown | NameUnknown | NotFound)
            };
            envelope.errors.iter().any(|error| is_unknown(&error.code))
        }
        _ => false,
    }
}

/// An error and what it came from, in one sentence.
fn failure(place: &Reference, error: &dyn Error) -> Failure {
    let mut text = format!("{}: {error}", place.registry());
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    Failure(crate::reply::clean(&text))
}
