//! `hopguard inspect`.

use hopguard_testbed::pki::{Authority, Issued};
use serde_json::{Value, json};

use crate::run::{DAY, Run, folder, hopguard, run_in};

/// What the stores of a policy say of a certificate: store, usage, and how it is
/// trusted or why not.
fn verdicts(run: &Run) -> Vec<[String; 3]> {
    let report = run.json();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let rows = report["trust_stores"].as_array().unwrap().iter();
    rows.map(|row| {
        let how = text(&row["trusted_by"]).or_else(|| text(&row["cause"]));
        assert_eq!(row["trusted"], json!(row["cause"].is_null()));
        [
            text(&row["store"]).unwrap(),
            text(&row["usage"]).unwrap(),
            how.unwrap(),
        ]
    })
    .collect()
}

fn inspect(certificate: &[u8], policy: &Value) -> Run {
    let folder = folder(&[
        ("c", certificate),
        ("policy.json", policy.to_string().as_bytes()),
    ]);
    let arguments = [
        "inspect",
        "c",
        "--policy",
        "policy.json",
        "--format",
        "json",
    ];
    run_in(folder.path(), &arguments, b"")
}

#[test]
fn it_shows_what_the_certificate_says() {
    let run = hopguard(&["inspect", "payments.pem", "--format", "json"]);
    assert_eq!(run.code, 0);
    let certificate = &run.json()["certificate"];
    for (field, value) in [
        ("subject", json!("CN=payments,O=Example")),
        ("issuer", json!("CN=Example Issuing CA 1,O=Example")),
        ("key", json!("P-256")),
        ("signature_algorithm", json!("ECDSA with SHA-256")),
        ("is_ca", json!(false)),
        ("key_usage", json!(["digitalSignature"])),
        ("extended_key_usage", json!(["serverAuth", "clientAuth"])),
        ("must_staple", json!(true)),
        ("ocsp_urls", json!(["http://ocsp.example.com/issuing1"])),
        ("crl_urls", json!(["http://crl.example.com/issuing1.crl"])),
        (
            "names",
            json!([
                "dns:payments.example.com",
                "dns:pay.example.com",
                "uri:spiffe://prod.example/ns/payments/sa/api",
                "ip:192.0.2.7"
            ]),
        ),
    ] {
        assert_eq!(certificate[field], value, "{field}");
    }
}

#[test]
fn the_digests_are_pins() {
    let root = Authority::root("Root").issue();
    let leaf = root.server("a.example").issue();
    for certificate in [leaf.pem().into_bytes(), leaf.der().to_vec()] {
        let folder = folder(&[("c", &certificate)]);
        let run = run_in(folder.path(), &["inspect", "c", "--format", "json"], b"");
        let sight = &run.json()["certificate"];
        assert_eq!(sight["sha256"], leaf.sha256_hex());
        assert_eq!(sight["public_key_sha256"], leaf.spki_sha256_hex());
        let run = inspect(
            &certificate,
            &json!({ "version": 1, "trust_stores": [
                { "name": "ca", "ca_certificates": root.pem() },
                { "name": "leaf", "pinned_certificate_sha256": [sight["sha256"]] },
                { "name": "key", "pinned_public_key_sha256": [sight["public_key_sha256"]] },
            ] }),
        );
        assert_eq!(run.code, 0);
        let how: Vec<String> = verdicts(&run).into_iter().map(|[_, _, how]| how).collect();
        let usage = "certificate_usage";
        assert_eq!(
            how,
            [
                "path",
                usage,
                "pinned_certificate",
                usage,
                "pinned_public_key",
                usage
            ]
        );
    }
}

#[test]
fn a_store_says_why_not() {
    let root = Authority::root("Root").issue();
    let another = Authority::root("Another").issue();
    let policy = |root: &Authority| json!({ "version": 1, "trust_stores": [{ "name": "ca", "ca_certificates": root.pem() }] });
    let run = |leaf: &Issued, root: &Authority| inspect(leaf.pem().as_bytes(), &policy(root));
    let how = |run: &Run| {
        verdicts(run)
            .into_iter()
            .map(|[_, _, how]| how)
            .collect::<Vec<_>>()
    };

    let good = root.server("a.example").issue();
    assert_eq!(run(&good, &root).code, 0);
    let untrusted = run(&good, &another);
    assert_eq!(untrusted.code, 1, "nobody trusts it");
    assert_eq!(
        how(&untrusted),
        ["certificate_unknown_issuer", "certificate_usage"]
    );
    let expired = run(&root.server("a.example").expired().issue(), &root);
    assert_eq!(expired.code, 1);
    assert_eq!(
        how(&expired),
        ["certificate_expired", "certificate_expired"]
    );
    let client = run(&root.client("a").issue(), &root);
    assert_eq!(client.code, 0, "one usage is enough");
    assert_eq!(how(&client), ["certificate_usage", "path"]);
}

#[test]
fn only_the_leaf_of_a_chain_counts() {
    let root = Authority::root("Root").issue();
    let middle = root.intermediate("Middle").issue();
    let leaf = middle.server("a.example").issue();
    let chain = format!("{}{}", leaf.pem(), middle.pem());
    let run = inspect(
        chain.as_bytes(),
        &json!({ "version": 1, "trust_stores": [
            { "name": "without", "ca_certificates": root.pem() },
            { "name": "with", "ca_certificates": root.pem(), "intermediate_certificates": middle.pem() },
        ] }),
    );
    assert_eq!(run.json()["certificates_ignored"], 1);
    let how: Vec<String> = verdicts(&run).into_iter().map(|[_, _, how]| how).collect();
    assert_eq!(
        how,
        [
            "certificate_unknown_issuer",
            "certificate_usage",
            "path",
            "certificate_usage"
        ]
    );
    assert_eq!(
        run.json()["trust_stores"][2]["path"],
        json!(["CN=Middle", "CN=Root"])
    );
}

#[test]
fn what_is_no_certificate_cannot_be_read() {
    let large = vec![b'-'; 5 << 20];
    let key = Authority::root("Root").issue().key_pem().to_owned();
    for (content, sentence) in [
        (&b""[..], "no PEM certificate"),
        (b"hello", "no PEM certificate"),
        (b"\xff\xfe", "it is neither PEM nor DER"),
        (b"\x30\x03\x02\x01\x01", "the plugin cannot read it"),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "cannot read it",
        ),
        (b"-----BEGIN CERTIFICATE-----\nAA", "cannot be decoded"),
        (key.as_bytes(), "a PEM block of kind"),
        (&large, "it has more than"),
    ] {
        let folder = folder(&[("c", content)]);
        run_in(folder.path(), &["inspect", "c"], b"").assert_failure(sentence);
    }
    hopguard(&["inspect", "absent.pem"]).assert_failure("absent.pem: No such file");
    let run = hopguard(&["inspect", "ca.pem", "--policy", "broken.yaml"]);
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{run:?}");
}

#[test]
fn a_terminal_obeys_no_certificate() {
    let root = Authority::root("Root\x1b[2J").issue();
    let leaf = root
        .server("a.example")
        .common_name("x\x1b]0;y\x07\nz")
        .issue();
    let folder = folder(&[("c", leaf.pem().as_bytes())]);
    for format in ["text", "json"] {
        let run = run_in(
            folder.path(),
            &["inspect", "c", "--at", DAY, "--format", format],
            b"",
        );
        assert_eq!(run.code, 0);
        let is_control = |c: char| c.is_control() && c != '\n';
        assert!(!run.out.contains(is_control), "{:?}", run.out);
    }
}
