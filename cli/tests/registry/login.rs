//! A registry with TLS that knows its users.

use hopguard_testbed::pki::Authority;
use hopguard_testbed::registry::Registry;

use crate::site::{VERSION, site};

/// `publisher`, `correct horse`.
const USERS: &str = "publisher:$2b$04$1uCM.ALUZRt9yELiLTq1s.Ijia0ka78KA4gBG6DKrsCskACAoDVu2\n";

/// What `docker login` writes.
fn config(registry: &str, login: &str) -> String {
    let auth = data_encoding::BASE64.encode(login.as_bytes());
    serde_json::json!({ "auths": { registry: { "auth": auth } } }).to_string()
}

#[tokio::test]
async fn the_login_of_docker_is_used_and_the_certificate_verified() {
    let Some(site) = site(Registry::builder().htpasswd(USERS), true).await else {
        return;
    };
    let registry = site.registry.addr().to_string();
    let (ours, other) = (site.path("ca.pem"), site.path("other.pem"));
    std::fs::write(&ours, site.authority.pem()).unwrap();
    std::fs::write(&other, Authority::root("Other").issue().pem()).unwrap();
    let trusting = [("SSL_CERT_FILE", ours.as_path())];

    site.assert_refused(&[], &trusting, "Not authorized");
    let login = |login: &str| {
        std::fs::write(site.path("docker/config.json"), config(&registry, login)).unwrap();
    };
    login("publisher:battery staple");
    site.assert_refused(&[], &trusting, "Not authorized");
    login("publisher:correct horse");
    let untrusting = [("SSL_CERT_FILE", other.as_path())];
    site.assert_refused(&[], &untrusting, "certificate");
    site.assert_refused(&["--plain-http"], &trusting, "400");

    let said = site.assert_pushed(&[], &trusting);
    assert!(!said.contains("horse"));
    let auth = site.path("docker/config.json");
    let image = format!("docker://{}:{VERSION}", site.repository());
    let options = ["inspect", "--raw", "--tls-verify=false", "--authfile"];
    let pulled = site.skopeo(&[&options[..], &[auth.to_str().unwrap(), &image]].concat());
    assert_eq!(
        pulled.stdout,
        site.blob(&site.digest(VERSION)),
        "{pulled:?}"
    );
}
