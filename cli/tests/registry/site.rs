//! A registry, a layout, and the programs that go between them.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hopguard_testbed::pki::{Authority, Issued};
use hopguard_testbed::registry::{Registry, RegistryBuilder};
use hopguard_testbed::wasm;
use serde_json::Value;
use tempfile::TempDir;

/// Told in the README. Without it, a machine without a registry fails.
const SKIP: &str = "HOPGUARD_SKIP_REGISTRY_TESTS";

pub const SBOM: &[u8] = br#"{"bomFormat":"CycloneDX","specVersion":"1.6","version":1}"#;
pub const VERSION: &str = "1.2.3";

/// A registry and a folder with the layout `image` of [`VERSION`].
pub struct Site {
    pub registry: Registry,
    pub folder: TempDir,
    has_tls: bool,
    /// Who signed its certificate, and signed others.
    pub authority: Authority,
}

/// Starts it; `None` where these tests are to be skipped.
pub async fn site(registry: RegistryBuilder, has_tls: bool) -> Option<Site> {
    if std::env::var_os(SKIP).is_some_and(|told| told == "1") {
        eprintln!("skipped: {SKIP}=1");
        return None;
    }
    let skopeo = Command::new("skopeo").arg("--version").output();
    assert!(
        skopeo.is_ok_and(|output| output.status.success()),
        "no skopeo: run testbed/registry/fetch.sh, or set {SKIP}=1 to do without these tests"
    );
    let authority = Authority::root("Registry CA").issue();
    let registry = if has_tls {
        registry.tls(&own(&authority))
    } else {
        registry
    };
    let started = registry.start().await;
    let registry = started.unwrap_or_else(|error| {
        panic!("{error}; or set {SKIP}=1 to do without these tests");
    });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sbom.json"), SBOM).unwrap();
    std::fs::create_dir(folder.path().join("docker")).unwrap();
    let site = Site {
        registry,
        folder,
        has_tls,
        authority,
    };
    site.write_layout(&[]);
    Some(site)
}

fn own(authority: &Authority) -> Issued {
    let address = IpAddr::from(Ipv4Addr::LOCALHOST);
    authority.server("registry.test").ip(address).issue()
}

impl Site {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn repository(&self) -> String {
        format!("{}/team/hopguard", self.registry.addr())
    }

    fn run(&self, mut command: Command) -> Output {
        command
            .current_dir(self.folder.path())
            // No login but that of the test.
            .env_remove("REGISTRY_AUTH_FILE")
            .env_remove("XDG_RUNTIME_DIR")
            .env("DOCKER_CONFIG", self.path("docker"))
            .output()
            .unwrap()
    }

    pub fn write_layout(&self, options: &[&str]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hopguard"));
        command.arg("image").arg(wasm::plugin_path().unwrap());
        command.args([
            "--output",
            "image",
            "--version",
            VERSION,
            "--sbom",
            "sbom.json",
        ]);
        command.args(options);
        let output = self.run(command);
        assert!(output.status.success(), "{output:?}");
    }

    /// `hopguard push`, with these variables of the environment.
    fn push(&self, options: &[&str], variables: &[(&str, &Path)]) -> Output {
        self.push_to(&self.repository(), options, variables)
    }

    pub fn push_to(
        &self,
        repository: &str,
        options: &[&str],
        variables: &[(&str, &Path)],
    ) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hopguard"));
        command.args(["push", "image", repository]);
        command.args(options).envs(variables.iter().copied());
        if !self.has_tls {
            command.arg("--plain-http");
        }
        self.run(command)
    }

    #[track_caller]
    pub fn assert_pushed(&self, options: &[&str], variables: &[(&str, &Path)]) -> String {
        let output = self.push(options, variables);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// One sentence on the standard error, nothing else, and exit code 2.
    #[track_caller]
    pub fn assert_refused(&self, options: &[&str], variables: &[(&str, &Path)], sentence: &str) {
        let output = self.push(options, variables);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.starts_with("error: ") && said.contains(sentence),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }

    /// A block of shell, as it is copied from a document, with skopeo told that this registry
    /// has no TLS.
    pub fn shell(&self, script: &str) -> Output {
        let home = self.path("home");
        let settings = home.join(".config/containers");
        std::fs::create_dir_all(&settings).unwrap();
        let accept = r#"{"default":[{"type":"insecureAcceptAnything"}]}"#;
        std::fs::write(settings.join("policy.json"), accept).unwrap();
        let registry = self.registry.addr();
        let insecure = format!("[[registry]]\nlocation = \"{registry}\"\ninsecure = true\n");
        std::fs::write(settings.join("registries.conf"), insecure).unwrap();
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", script]);
        command.env("HOME", home);
        self.run(command)
    }

    /// `skopeo`, which this project did not write.
    pub fn skopeo(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("skopeo");
        command.arg("--insecure-policy").args(arguments);
        self.run(command)
    }

    /// Pulls with skopeo, by `:tag` or `@digest`, into a folder of this name: `manifest.json`, and
    /// each blob under its digest in hex.
    #[track_caller]
    pub fn pull(&self, what: &str, into: &str) -> PathBuf {
        let from = format!("docker://{}{what}", self.repository());
        let output = self.skopeo(&[
            "copy",
            "--src-tls-verify=false",
            &from,
            &format!("dir:{into}"),
        ]);
        assert!(output.status.success(), "{output:?}");
        self.path(into)
    }

    /// What a tag or digest names, as it is in the registry.
    pub fn raw(&self, what: &str) -> Output {
        let from = format!("docker://{}{what}", self.repository());
        self.skopeo(&["inspect", "--raw", "--tls-verify=false", &from])
    }

    /// The descriptors of the layout's manifests.
    pub fn index(&self) -> Vec<Value> {
        let text = std::fs::read(self.path("image/index.json")).unwrap();
        let index: Value = serde_json::from_slice(&text).unwrap();
        index["manifests"].as_array().unwrap().clone()
    }

    /// Of the manifest with this tag.
    pub fn digest(&self, tag: &str) -> String {
        let key = "org.opencontainers.image.ref.name";
        let all = self.index();
        let mut fitting = all.iter().filter(|d| d["annotations"][key] == tag);
        fitting.next().unwrap()["digest"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// A blob of the layout.
    pub fn blob(&self, digest: &str) -> Vec<u8> {
        let hex = digest.strip_prefix("sha256:").unwrap();
        std::fs::read(self.path("image/blobs/sha256").join(hex)).unwrap()
    }
}
