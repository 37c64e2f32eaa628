//! What stands under a tag.

use hopguard_testbed::registry::Registry;

use crate::site::{Site, VERSION, site};

fn tagged(site: &Site) -> Option<Vec<u8>> {
    let output = site.raw(&format!(":{VERSION}"));
    output.status.success().then_some(output.stdout)
}

#[tokio::test]
async fn another_image_takes_a_tag_only_when_told() {
    let Some(site) = site(Registry::builder(), false).await else {
        return;
    };
    site.assert_pushed(&[], &[]);
    let (first, digest) = (tagged(&site).unwrap(), site.digest(VERSION));
    site.write_layout(&["--revision", "0123abc"]);
    assert_ne!(site.digest(VERSION), digest);
    let sentence = format!("there already, as {digest}; --replace replaces it");
    site.assert_refused(&[], &[], &sentence);
    assert_eq!(tagged(&site).unwrap(), first);

    site.assert_pushed(&["--replace"], &[]);
    assert_eq!(tagged(&site).unwrap(), site.blob(&site.digest(VERSION)));
    // By its digest, the first is still there.
    assert_eq!(site.raw(&format!("@{digest}")).stdout, first);
}

#[tokio::test]
async fn a_layout_that_is_not_whole_gets_no_tag() {
    let Some(site) = site(Registry::builder(), false).await else {
        return;
    };
    let last = site.index().pop().unwrap();
    let manifest = site.blob(last["digest"].as_str().unwrap());
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let sbom = manifest["layers"][0]["digest"].as_str().unwrap();
    let path = site
        .path("image/blobs/sha256")
        .join(sbom.strip_prefix("sha256:").unwrap());

    for content in [&b"another content"[..], b""] {
        std::fs::write(&path, content).unwrap();
        site.assert_refused(&[], &[], "not what its descriptor says");
        assert_eq!(tagged(&site), None);
    }
    std::fs::remove_file(&path).unwrap();
    site.assert_refused(&[], &[], "No such file");
    assert_eq!(tagged(&site), None);
    std::fs::remove_dir_all(site.path("image")).unwrap();
    site.assert_refused(&[], &[], "image: no OCI image layout");
}

#[tokio::test]
async fn what_is_no_repository_or_not_here_is_not_pushed_to() {
    let Some(site) = site(Registry::builder(), false).await else {
        return;
    };
    let repository = site.repository();
    for (place, sentence) in [
        (
            "registry.example.com/team/hopguard",
            "--plain-http is for a registry on this machine",
        ),
        (&format!("{repository}:1.0.0"), "neither tag nor digest"),
        ("hopguard", "neither tag nor digest"),
        ("Team/Hopguard", "invalid"),
    ] {
        let output = site.push_to(place, &[], &[]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(sentence), "{said}");
    }
    assert_eq!(tagged(&site), None);
}
