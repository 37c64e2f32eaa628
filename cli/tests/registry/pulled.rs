//! What comes back is what was pushed, and guards.

use std::path::{Path, PathBuf};
use std::process::Command;

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route};
use hopguard_testbed::config::{UpstreamTls, Wasm};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Authority;
use hopguard_testbed::registry::Registry;
use hopguard_testbed::upstream::Upstream;
use hopguard_testbed::wasm;
use serde_json::{Value, json};

use crate::site::{SBOM, Site, VERSION, site};

const ARTIFACT: &str = "1.2.3-artifact";
const HOST: &str = "orders.example.com";

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn hex(descriptor: &Value) -> &str {
    let digest = descriptor["digest"].as_str().unwrap();
    digest.strip_prefix("sha256:").unwrap()
}

/// The manifest, which is byte for byte that of the layout; so its digest is, too.
fn manifest(site: &Site, tag: &str, pulled: &Path) -> Value {
    let bytes = std::fs::read(pulled.join("manifest.json")).unwrap();
    assert!(bytes == site.blob(&site.digest(tag)), "{tag}");
    json(&bytes)
}

/// The module of the compat variant, as the fetchers find it: `plugin.wasm` in the last layer.
fn compat(site: &Site) -> PathBuf {
    let pulled = site.pull(&format!(":{VERSION}"), "compat");
    let manifest = manifest(site, VERSION, &pulled);
    let layer = manifest["layers"].as_array().unwrap().last().unwrap();
    let unpacked = Command::new("tar")
        .arg("-xzf")
        .arg(pulled.join(hex(layer)))
        .arg("-C")
        .arg(&pulled)
        .status()
        .unwrap();
    assert!(unpacked.success());
    pulled.join("plugin.wasm")
}

/// That of the artifact variant: the layer of its media type.
fn artifact(site: &Site) -> PathBuf {
    let pulled = site.pull(&format!(":{ARTIFACT}"), "artifact");
    let manifest = manifest(site, ARTIFACT, &pulled);
    let layers = manifest["layers"].as_array().unwrap();
    let media_type = "application/vnd.module.wasm.content.layer.v1+wasm";
    let is_module = |layer: &&Value| layer["mediaType"] == media_type;
    pulled.join(hex(layers.iter().find(is_module).unwrap()))
}

#[tokio::test]
async fn the_module_that_comes_back_is_the_one_that_was_built_and_guards() {
    let Some(site) = site(Registry::builder(), false).await else {
        return;
    };
    site.assert_pushed(&[], &[]);
    for module in [compat(&site), artifact(&site)] {
        let built = std::fs::read(wasm::plugin_path().unwrap()).unwrap();
        assert!(std::fs::read(&module).unwrap() == built, "{module:?}");
        assert_guards(&module).await;
    }
}

/// The blocks of the documents that take the module out of the image.
#[tokio::test]
async fn the_documents_say_how_to_take_the_module_out() {
    let Some(site) = site(Registry::builder(), false).await else {
        return;
    };
    site.assert_pushed(&[], &[]);
    let built = std::fs::read(wasm::plugin_path().unwrap()).unwrap();
    let by_tag = format!("docker://{}:{VERSION}", site.repository());
    let by_digest = format!("docker://{}@{}", site.repository(), site.digest(VERSION));
    let tag = "docker://registry.example.com/team/hopguard:0.1.0";
    let digest = "docker://registry.example.com/team/hopguard@sha256:…";
    for (folder, document, image, ours) in [
        ("readme", include_str!("../../../README.md"), tag, &by_tag),
        (
            "quick",
            include_str!("../../../docs/quick-start.md"),
            tag,
            &by_tag,
        ),
        (
            "image-md",
            include_str!("../../../docs/image.md"),
            digest,
            &by_digest,
        ),
    ] {
        let mut blocks = document.split("\n```sh\n").skip(1);
        let block = blocks.find(|block| block.contains("skopeo copy")).unwrap();
        let block = block.split("\n```").next().unwrap();
        assert!(block.contains(image), "{block}");
        let lines = block.lines();
        // What follows, other tests run.
        let lines: Vec<&str> = lines
            .take_while(|line| !line.starts_with("hopguard "))
            .collect();
        let script = lines.join("\n").replace(image, ours);
        let output = site.shell(&format!("mkdir {folder}; cd {folder}\n{script}"));
        assert!(output.status.success(), "{block}\n{output:?}");
        let taken = ["plugin.wasm", "hopguard.wasm"].map(|name| site.path(folder).join(name));
        let taken = taken.iter().find(|path| path.exists()).unwrap();
        assert!(std::fs::read(taken).unwrap() == built, "{block}");
    }
}

/// A real Envoy with this module lets requests through to a server that the policy trusts, and
/// not a byte to another.
async fn assert_guards(module: &Path) {
    let (trusted, other) = (
        Authority::root("Internal").issue(),
        Authority::root("Other").issue(),
    );
    let policy = json!({
        "version": 1,
        "trust_stores": [{ "name": "internal", "ca_certificates": trusted.pem() }],
        "default_trust_stores": ["internal"],
    });
    let guard = Wasm::new(module, "upstream")
        .configuration(policy)
        .http_filter();
    let mut servers = Vec::new();
    let mut bootstrap = Bootstrap::new();
    let mut listener = HttpListener::new("front");
    for (name, authority) in [("trusted", &trusted), ("other", &other)] {
        let server = Upstream::tls(&authority.server(HOST).issue())
            .start()
            .await
            .unwrap();
        let cluster = Cluster::new(name)
            .endpoint(server.addr())
            .tls(UpstreamTls::new().sni(HOST))
            .filter(guard.clone());
        bootstrap = bootstrap.cluster(cluster);
        listener = listener.route(Route::prefix(&format!("/{name}"), name));
        servers.push(server);
    }
    let envoy = Envoy::builder()
        .config(bootstrap.http(listener))
        .concurrency(1)
        .start()
        .await
        .unwrap();
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    let status = async |path| {
        client
            .send(Request::get(path).host(HOST))
            .await
            .unwrap()
            .status
    };
    assert_eq!(status("/trusted").await, 200);
    assert_eq!(status("/other").await, 503);
    assert!(!servers[0].received().is_empty());
    assert_eq!(servers[1].received(), b"");
}

#[tokio::test]
async fn an_sbom_is_found_by_the_digest_of_the_image() {
    let Some(site) = site(Registry::builder(), false).await else {
        return;
    };
    site.assert_pushed(&[], &[]);
    // Once more changes nothing.
    let said = site.assert_pushed(&[], &[]);
    for tag in [VERSION, ARTIFACT] {
        let subject = site.digest(tag);
        // This registry has no referrers API: the index under the tag that the OCI Distribution
        // Specification gives for this.
        let fallback = subject.replace(':', "-");
        assert!(said.contains(&format!("found by tag {fallback}")), "{said}");
        let index = site.raw(&format!(":{fallback}"));
        assert!(index.status.success(), "{index:?}");
        let index = json(&index.stdout);
        assert_eq!(
            index["mediaType"],
            "application/vnd.oci.image.index.v1+json"
        );
        let [entry] = index["manifests"].as_array().unwrap().as_slice() else {
            panic!("{index}");
        };
        assert_eq!(entry["artifactType"], "application/vnd.cyclonedx+json");
        let digest = entry["digest"].as_str().unwrap();
        let pulled = site.pull(&format!("@{digest}"), tag);
        let manifest = json(&std::fs::read(pulled.join("manifest.json")).unwrap());
        assert_eq!(manifest["subject"]["digest"], subject.as_str());
        assert_eq!(
            std::fs::read(pulled.join(hex(&manifest["layers"][0]))).unwrap(),
            SBOM
        );
        // What fetches the image gets a manifest, and no index.
        let image = json(&site.raw(&format!(":{tag}")).stdout);
        assert_eq!(
            image["mediaType"],
            "application/vnd.oci.image.manifest.v1+json"
        );
    }
}

#[tokio::test]
async fn a_registry_that_lists_referrers_itself_gets_no_tag_for_them() {
    let Some(site) = site(Registry::builder(), false).await else {
        return;
    };
    // The answer of a referrers API, in front of a registry that has none.
    let is_sbom = |manifest: &Value| manifest.get("artifactType").is_some();
    let sboms: Vec<Value> = site.index().into_iter().filter(is_sbom).collect();
    let media_type = "application/vnd.oci.image.index.v1+json";
    let listed = json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": sboms });
    let api = "/v2/team/hopguard/referrers/";
    let listener = HttpListener::new("front")
        .route(Route::direct(api, 200, &listed.to_string()))
        .route(Route::all("registry"));
    let cluster = Cluster::new("registry").endpoint(site.registry.addr());
    let envoy = Envoy::builder()
        .config(Bootstrap::new().http(listener).cluster(cluster))
        .concurrency(1)
        .start()
        .await
        .unwrap();
    let front = envoy.listener("front").await.unwrap();
    let pushed = site.push_to(&format!("{front}/team/hopguard"), &[], &[]);
    assert!(pushed.status.success(), "{pushed:?}");
    let said = String::from_utf8(pushed.stdout).unwrap();
    assert_eq!(said.matches("found by referrers API").count(), 2, "{said}");
    for tag in [VERSION, ARTIFACT] {
        let subject = site.digest(tag);
        assert!(site.raw(&format!(":{tag}")).status.success());
        assert!(
            !site
                .raw(&format!(":{}", subject.replace(':', "-")))
                .status
                .success()
        );
    }
}
