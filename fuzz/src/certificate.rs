//! Bytes as one certificate, in DER or PEM.

use data_encoding::BASE64;
use hopguard::revocation::sources::Sources;
use hopguard::trust::certificate::MAX_DER;
use hopguard::trust::certificate::distinguished_name::MAX_LEN;
use hopguard::trust::certificate::extensions::MAX_EXTENSIONS;
use hopguard::trust::names::presented::MAX_NAMES;
use hopguard::trust::spiffe::SpiffeId;
use hopguard::trust::{Certificate, KeyRequirements, pem};
use x509_parser::prelude::FromDer as _;

pub fn fuzz_target(data: &[u8]) {
    // An envelope gives what is in it, and there is one reading of it.
    if let Ok(der) = pem::single_certificate(data) {
        let again = pem::single_certificate(&in_pem(&der, percent));
        // Nothing between the lines is no certificate.
        assert!(der.is_empty() || again.as_ref() == Ok(&der));
        certificate(&der);
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(all) = pem::certificates(text)
    {
        assert!(!all.is_empty());
        all.iter().for_each(|der| certificate(der));
    }
    certificate(data);
}

fn certificate(der: &[u8]) {
    match Certificate::parse(der) {
        Ok(certificate) => {
            is_what_it_was(der, &certificate);
            is_bounded(&certificate);
            agrees_with_another_parser(der, &certificate);
        }
        Err(error) => {
            assert!(error.to_string().len() < 4_096, "{error}");
            assert!(!error.code().is_empty());
        }
    }
}

fn is_what_it_was(der: &[u8], certificate: &Certificate) {
    assert_eq!(certificate.der(), der);
    assert_eq!(Certificate::parse(der).as_ref(), Ok(certificate));
    for surplus in [0, 0x30, 0xff] {
        assert!(Certificate::parse(&[der, &[surplus]].concat()).is_err());
    }
    for len in [0, 1, der.len() / 2, der.len() - 1] {
        assert!(Certificate::parse(&der[..len]).is_err());
    }
    for form in [plain, percent] {
        assert_eq!(
            pem::single_certificate(&in_pem(der, form)).as_deref(),
            Ok(der)
        );
    }
}

/// What is kept, and what is shown, of what a peer can make as long as it likes.
fn is_bounded(certificate: &Certificate) {
    assert!(certificate.der().len() <= MAX_DER);
    // One character and an ellipsis beyond, each of several octets.
    let shown = MAX_LEN + 16;
    assert!(
        certificate.subject().len() <= shown,
        "{}",
        certificate.subject()
    );
    assert!(
        certificate.issuer().len() <= shown,
        "{}",
        certificate.issuer()
    );
    assert!(certificate.serial_hex().len() <= 70);
    assert!(certificate.subject_alt_names().len() <= MAX_NAMES);
    for name in certificate.subject_alt_names() {
        // 256 characters, each replaced by one of three octets at worst.
        assert!(name.to_string().len() <= 8 + 3 * 257);
    }
    assert!(certificate.extensions().unknown_critical.len() <= MAX_EXTENSIONS);
    let _ = KeyRequirements::default().check(certificate);
    let _ = Sources::of(certificate);
    let _ = SpiffeId::of(certificate.subject_alt_names());
}

/// Of whatever both can read, they read the same.
fn agrees_with_another_parser(der: &[u8], certificate: &Certificate) {
    let (rest, other) = x509_parser::certificate::X509Certificate::from_der(der).unwrap();
    assert!(rest.is_empty());
    assert_eq!(other.raw_serial(), certificate.serial());
    assert_eq!(other.public_key().raw, certificate.spki());
    if let Ok(Some(constraints)) = other.basic_constraints() {
        assert_eq!(constraints.value.ca, certificate.is_ca());
    }
    let der = rustls_pki_types::CertificateDer::from(der);
    if let Ok(webpki) = webpki::EndEntityCert::try_from(&der) {
        for name in webpki.valid_dns_names() {
            let known = certificate.subject_alt_names().iter();
            let mut texts = known.map(ToString::to_string);
            let cut = name.len() > 256;
            assert!(
                cut || texts.any(|text| text == format!("dns:{name}")),
                "{name}"
            );
        }
    }
}

fn plain(byte: u8) -> String {
    char::from(byte).into()
}

fn percent(byte: u8) -> String {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' => plain(byte),
        _ => format!("%{byte:02x}"),
    }
}

fn in_pem(der: &[u8], form: fn(u8) -> String) -> Vec<u8> {
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for line in BASE64.encode(der).as_bytes().chunks(64) {
        text += std::str::from_utf8(line).unwrap();
        text.push('\n');
    }
    text += "-----END CERTIFICATE-----\n";
    text.bytes().map(form).collect::<String>().into_bytes()
}
