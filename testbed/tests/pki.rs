//! Certificates are what they claim: read back with x509-parser, verified with openssl.

use std::time::{Duration, SystemTime};

use hopguard_testbed::pki::{
    Authority, ExtendedKeyUsagePurpose, Issued, KeyKind, KeyUsagePurpose, Pki, Signature, hex,
    openssl, sha256,
};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

fn parse(der: &[u8]) -> X509Certificate<'_> {
    X509Certificate::from_der(der).expect("a certificate").1
}

/// What `openssl verify` says of a chain to this root.
fn verify(root: &Authority, leaf: &Issued) -> hopguard_testbed::Result<()> {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: String| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_string_lossy().into_owned()
    };
    let root = write("root.pem", root.pem());
    let chain = write("chain.pem", leaf.chain_pem());
    let leaf = write("leaf.pem", leaf.pem());
    // Strength and time are other tests' business.
    let arguments = [
        "verify",
        "-auth_level",
        "0",
        "-no_check_time",
        "-CAfile",
        &root,
        "-untrusted",
        &chain,
        &leaf,
    ];
    openssl::run(&arguments, b"").map(drop)
}

#[test]
fn every_key_is_of_its_kind() {
    const EC: &str = "1.2.840.10045.2.1";
    const RSA: &str = "1.2.840.113549.1.1.1";
    let pki = Pki::new();
    for (kind, algorithm, bits) in [
        (KeyKind::P256, EC, 256),
        (KeyKind::P384, EC, 384),
        (KeyKind::P521, EC, 528), // as x509-parser counts: whole octets
        (KeyKind::Ed25519, "1.3.101.112", 0),
        (KeyKind::Rsa1024, RSA, 1024),
        (KeyKind::Rsa2048, RSA, 2048),
        (KeyKind::Rsa3072, RSA, 3072),
        (KeyKind::Dsa1024, "1.2.840.10040.4.1", 0),
    ] {
        let leaf = pki.server("api.test").key(kind).issue();
        let parsed = parse(leaf.der());
        let spki = parsed.public_key();
        assert_eq!(
            spki.algorithm.algorithm.to_id_string(),
            algorithm,
            "{kind:?}"
        );
        if bits != 0 {
            assert_eq!(
                spki.parsed().expect("a known key").key_size(),
                bits,
                "{kind:?}"
            );
        }
        assert_eq!(leaf.spki_sha256_hex(), hex(&sha256(spki.raw)));
        let public = openssl::run(
            &["pkey", "-pubout", "-outform", "DER"],
            leaf.key_pem().as_bytes(),
        );
        assert_eq!(public.expect("a private key"), spki.raw, "{kind:?}");
        verify(&pki.root, &leaf).expect("a good chain");
    }
}

#[test]
fn every_signature_is_of_its_kind() {
    let rsa = Pki::with_keys(KeyKind::Rsa2048);
    let p256 = Pki::new();
    for (pki, signature, oid) in [
        (&rsa, Signature::Md5, "1.2.840.113549.1.1.4"),
        (&rsa, Signature::Sha1, "1.2.840.113549.1.1.5"),
        (&rsa, Signature::Sha256, "1.2.840.113549.1.1.11"),
        (&rsa, Signature::Sha384, "1.2.840.113549.1.1.12"),
        (&rsa, Signature::Sha512, "1.2.840.113549.1.1.13"),
        (&rsa, Signature::PssSha256, "1.2.840.113549.1.1.10"),
        (&rsa, Signature::PssSha384, "1.2.840.113549.1.1.10"),
        (&p256, Signature::Sha1, "1.2.840.10045.4.1"),
        (&p256, Signature::Sha256, "1.2.840.10045.4.3.2"),
        (&p256, Signature::Sha512, "1.2.840.10045.4.3.4"),
    ] {
        let leaf = pki.server("api.test").signature(signature).issue();
        let parsed = parse(leaf.der());
        assert_eq!(
            parsed.signature_algorithm.algorithm.to_id_string(),
            oid,
            "{signature:?}"
        );
        assert_eq!(parsed.signature_algorithm, parsed.tbs_certificate.signature);
        verify(&pki.root, &leaf).unwrap_or_else(|error| panic!("{signature:?}: {error}"));
        verify(&pki.root, &leaf.with_broken_signature()).expect_err("one bit is wrong");
    }
    p256.server("api.test")
        .signature(Signature::PssSha256)
        .try_issue()
        .expect_err("not RSA");
}

#[test]
fn authorities_of_every_kind_sign() {
    for kind in [
        KeyKind::P384,
        KeyKind::P521,
        KeyKind::Ed25519,
        KeyKind::Rsa1024,
        KeyKind::Dsa1024,
    ] {
        let pki = Pki::with_keys(kind);
        verify(&pki.root, &pki.server("api.test").issue())
            .unwrap_or_else(|e| panic!("{kind:?}: {e}"));
    }
}

#[test]
fn trust_goes_by_issuer() {
    let pki = Pki::new();
    let good = pki.server("api.test").issue();
    verify(&pki.root, &good).expect("by the intermediate");
    verify(&pki.root, &pki.server("api.test").issuer(&pki.root).issue()).expect("by the root");
    verify(&pki.root, &good.with_chain::<&[u8]>([])).expect_err("without the intermediate");
    verify(
        &pki.root,
        &pki.server("api.test").issuer(&pki.other).issue(),
    )
    .expect_err("by the other");
    let own = pki.server("api.test").self_signed().issue();
    verify(&pki.root, &own).expect_err("by itself");
    assert_eq!(parse(own.der()).issuer(), parse(own.der()).subject());
    assert_eq!(good.chain(), [pki.intermediate.der()]);
}

#[test]
fn constrained_authorities() {
    let pki = Pki::new();
    let named = pki
        .root
        .intermediate("Named")
        .permit_dns("good.test")
        .exclude_dns("bad.good.test");
    let named = named.issue();
    verify(&pki.root, &named.server("api.good.test").issue()).expect("permitted");
    verify(&pki.root, &named.server("api.evil.test").issue()).expect_err("not permitted");
    verify(&pki.root, &named.server("api.bad.good.test").issue()).expect_err("excluded");

    let last = pki.root.intermediate("Last").path_len(0).issue();
    verify(&pki.root, &last.server("api.test").issue()).expect("right below");
    let below = last.intermediate("Below").issue();
    verify(&pki.root, &below.server("api.test").issue()).expect_err("one too deep");

    let no_ca = pki.root.intermediate("No CA").not_a_ca().issue();
    verify(&pki.root, &no_ca.server("api.test").issue()).expect_err("not an authority");
}

#[test]
fn validity_and_names() {
    let pki = Pki::new();
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970");
    let day = Duration::from_secs(24 * 60 * 60);
    let bounds = |leaf: Issued| {
        let parsed = parse(leaf.der());
        let validity = parsed.validity();
        let timestamp = |at: i64| Duration::from_secs(u64::try_from(at).expect("after 1970"));
        (
            timestamp(validity.not_before.timestamp()),
            timestamp(validity.not_after.timestamp()),
        )
    };
    assert!(bounds(pki.server("a").expired().issue()).1 < now);
    assert!(bounds(pki.server("a").not_yet_valid().issue()).0 > now);
    let (from, until) = bounds(pki.server("a").ends_in_days(5).issue());
    assert!(from < now && until > now + 4 * day && until < now + 6 * day);

    let leaf = pki
        .server("api.test")
        .ip([127, 0, 0, 1])
        .uri("spiffe://prod.test/ns/web/sa/web")
        .email("ops@api.test")
        .many_dns(100)
        .organization("Testbed")
        .serial(&[1, 2, 3])
        .issue();
    let parsed = parse(leaf.der());
    assert_eq!(parsed.subject().to_string(), "O=Testbed, CN=api.test");
    assert_eq!(leaf.serial_hex(), "010203");
    let names = parsed
        .subject_alternative_name()
        .expect("well-formed")
        .expect("present");
    let names = &names.value.general_names;
    assert_eq!(names.len(), 104);
    assert_eq!(names[0], GeneralName::DNSName("api.test"));
    assert_eq!(names[1], GeneralName::IPAddress(&[127, 0, 0, 1]));
    assert_eq!(
        names[2],
        GeneralName::URI("spiffe://prod.test/ns/web/sa/web")
    );
    assert_eq!(names[3], GeneralName::RFC822Name("ops@api.test"));
    let without = pki.server("api.test").no_sans().common_name("").issue();
    let parsed = parse(without.der());
    assert!(
        parsed
            .subject_alternative_name()
            .expect("well-formed")
            .is_none()
    );
    assert_eq!(parsed.subject().iter().count(), 0);
}

#[test]
fn purposes_and_extensions() {
    let pki = Pki::new();
    let purposes = |leaf: &Issued| {
        let parsed = parse(leaf.der());
        let usage = parsed.extended_key_usage().expect("well-formed");
        usage.map(|usage| {
            (
                usage.value.server_auth,
                usage.value.client_auth,
                usage.value.any,
            )
        })
    };
    let server = pki.server("a");
    assert_eq!(purposes(&server.issue()), Some((true, false, false)));
    assert_eq!(
        purposes(&pki.client("a").issue()),
        Some((false, true, false))
    );
    assert_eq!(
        purposes(&server.clone().only_client_auth().issue()),
        Some((false, true, false))
    );
    assert_eq!(
        purposes(&server.clone().any_extended_key_usage().issue()),
        Some((false, false, true))
    );
    assert_eq!(
        purposes(&server.clone().no_extended_key_usage().issue()),
        None
    );
    let both = server
        .clone()
        .extended_key_usage(ExtendedKeyUsagePurpose::ClientAuth)
        .issue();
    assert_eq!(purposes(&both), Some((true, true, false)));

    let leaf = server
        .clone()
        .ca_as_leaf()
        .must_staple()
        .ocsp_url("http://127.0.0.1:1/ocsp")
        .crl_url("http://127.0.0.1:1/crl")
        .key_usages([KeyUsagePurpose::KeyAgreement])
        .issue();
    let parsed = parse(leaf.der());
    assert!(parsed.is_ca());
    assert!(
        parsed
            .key_usage()
            .expect("well-formed")
            .expect("present")
            .value
            .key_agreement()
    );
    let text = openssl::run(&["x509", "-noout", "-text"], leaf.pem().as_bytes()).expect("readable");
    let text = String::from_utf8_lossy(&text);
    for expected in [
        "status_request",
        "OCSP - URI:http://127.0.0.1:1/ocsp",
        "URI:http://127.0.0.1:1/crl",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    assert!(!parse(server.issue().der()).is_ca());
}

#[test]
fn rsa_keys_are_shared_unless_told() {
    let pki = Pki::new();
    let leaf = || pki.server("a").key(KeyKind::Rsa2048);
    assert_eq!(
        leaf().issue().spki_sha256_hex(),
        leaf().issue().spki_sha256_hex()
    );
    assert_ne!(
        leaf().issue().spki_sha256_hex(),
        leaf().fresh_key().issue().spki_sha256_hex()
    );
    assert_ne!(leaf().issue().sha256_hex(), leaf().issue().sha256_hex());
}
