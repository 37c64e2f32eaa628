//! Pins: certificates and keys that are trusted by themselves, and nothing by
//! them.

use hopguard_testbed::pki::{Authority, Issued, KeyKind, Pki};
use serde_json::{Value, json};

use crate::support::store;
use crate::support::table::{Row, Table};

/// The forms in which a policy may write a digest.
fn digest_forms(hex: &str) -> [(&'static str, String); 4] {
    let bytes: Vec<u8> = hex
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    [
        ("hex", hex.to_owned()),
        ("upper-hex", hex.to_uppercase()),
        ("colons", pairs.join(":")),
        ("base64", base64(&bytes)),
    ]
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group
            .iter()
            .fold(0, |bits, byte| bits << 8 | usize::from(*byte))
            << (8 * (3 - group.len()));
        for digit in 0..4 {
            let digit = (digit <= group.len()).then_some(bits >> (18 - 6 * digit) & 63);
            text.push(digit.map_or('=', |digit| char::from(ALPHABET[digit])));
        }
    }
    text
}

fn pinned(certificate: &Issued) -> Value {
    json!({ "pinned_certificates": certificate.pem() })
}

#[tokio::test]
async fn a_pinned_certificate_is_trusted_and_no_other() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    // RSA keys are shared, so these two differ in the certificate alone.
    let server = || pki.server("api.test").key(KeyKind::Rsa2048).self_signed();
    let (ours, neighbour) = (server().issue(), server().issue());
    assert_eq!(ours.spki_sha256_hex(), neighbour.spki_sha256_hex());
    let expired = server().expired().issue();
    let client_only = server().only_client_auth().issue();
    let by_a_ca = pki.other.server("api.test").issue();
    let digest = |text: &str| json!({ "pinned_certificate_sha256": [text] });

    let mut rows = vec![
        Row::new("whole", &ours).store(pinned(&ours)),
        Row::new("neighbour", &neighbour)
            .store(pinned(&ours))
            .denied("certificate_not_pinned"),
        Row::new("tampered", &ours.with_broken_signature())
            .store(pinned(&ours))
            .denied("certificate_not_pinned"),
        // Its issuer is trusted by nobody.
        Row::new("by-a-ca", &by_a_ca).store(pinned(&by_a_ca)),
        Row::new("beside-a-ca", &ours).store({
            let mut both = store("", &pki.root, &[]);
            both["pinned_certificates"] = json!(ours.pem());
            both
        }),
        // A pin is no excuse for the rest.
        Row::new("expired", &expired)
            .store(digest(&expired.sha256_hex()))
            .denied("certificate_expired"),
        Row::new("for-clients", &client_only)
            .store(pinned(&client_only))
            .denied("certificate_usage"),
        Row::new("of-another-name", &ours)
            .store(pinned(&ours))
            .names(json!({ "dns": ["other.test"] }))
            .denied("name_mismatch"),
        // A store of pins names its peers, so that the rule need not.
        Row::new("of-no-demanded-name", &ours)
            .store(pinned(&ours))
            .names(json!(null)),
    ];
    for (form, text) in digest_forms(&ours.sha256_hex()) {
        rows.push(Row::new(form, &ours).store(digest(&text)));
        rows.push(
            Row::new(&format!("neighbour-of-{form}"), &neighbour)
                .store(digest(&text))
                .denied("certificate_not_pinned"),
        );
    }
    Table::new(&pki, rows).walk().await;
}

/// What `openssl req -x509` makes: marked as a CA, without purposes.
#[tokio::test]
async fn a_self_signed_certificate_that_is_marked_as_a_ca_vouches_only_for_itself() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let authority = Authority::root("api.test")
        .extension(
            // subjectAltName, DNS:api.test
            &[2, 5, 29, 17],
            false,
            b"\x30\x0a\x82\x08api.test",
        )
        .issue();
    let itself = Issued::new(
        authority.der().to_vec(),
        Vec::new(),
        authority.key_pem().to_owned(),
    );
    let below = authority.server("api.test").issue();
    let key = json!({ "pinned_public_key_sha256": [authority.spki_sha256_hex()] });

    Table::new(
        &pki,
        [
            Row::new("itself", &itself).store(pinned(&itself)),
            Row::new("itself-by-its-key", &itself).store(key.clone()),
            Row::new("below", &below)
                .store(pinned(&itself))
                .denied("certificate_not_pinned"),
            Row::new("below-its-key", &below)
                .store(key)
                .denied("certificate_not_pinned"),
            Row::new("below-beside-a-ca", &below)
                .store({
                    let mut both = store("", &pki.root, &[]);
                    both["pinned_certificates"] = json!(itself.pem());
                    both
                })
                .denied("certificate_unknown_issuer"),
            Row::new("below-it-as-a-ca", &below)
                .store(json!({ "ca_certificates": authority.pem() })),
            Row::new("itself-as-a-ca", &itself)
                .store(json!({ "ca_certificates": authority.pem() }))
                .denied("certificate_is_ca"),
        ],
    )
    .walk()
    .await;
}

#[tokio::test]
async fn a_pinned_key_is_trusted_in_any_certificate_and_no_other_key_is() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let server = || pki.server("api.test").key(KeyKind::Rsa2048);
    let ours = server().self_signed().issue();
    let renewed = server().issuer(&pki.other).ends_in_days(60).issue();
    let expired = server().expired().issue();
    let other_key = server().fresh_key().self_signed().issue();
    assert_eq!(ours.spki_sha256_hex(), renewed.spki_sha256_hex());
    let key = |text: &str| json!({ "pinned_public_key_sha256": [text] });
    let pin = key(&ours.spki_sha256_hex());

    let mut rows = vec![
        Row::new("renewed", &renewed).store(pin.clone()),
        Row::new("expired", &expired)
            .store(pin.clone())
            .denied("certificate_expired"),
        // Whoever has the key needs no signature of others.
        Row::new("tampered", &ours.with_broken_signature()).store(pin.clone()),
        Row::new("other-key", &other_key)
            .store(pin.clone())
            .denied("certificate_not_pinned"),
        Row::new("of-another-name", &ours)
            .store(pin)
            .names(json!({ "dns": ["other.test"] }))
            .denied("name_mismatch"),
        // A digest of another thing than the key.
        Row::new("certificate-digest", &ours)
            .store(key(&ours.sha256_hex()))
            .denied("certificate_not_pinned"),
    ];
    for (form, text) in digest_forms(&ours.spki_sha256_hex()) {
        rows.push(Row::new(form, &ours).store(key(&text)));
        rows.push(
            Row::new(&format!("other-key-than-{form}"), &other_key)
                .store(key(&text))
                .denied("certificate_not_pinned"),
        );
    }
    // A small key is small, whoever pins it.
    let weak = pki.server("api.test").key(KeyKind::Rsa1024).issue();
    rows.push(
        Row::openssl("weak", &weak)
            .store(key(&weak.spki_sha256_hex()))
            .denied("certificate_key_weak"),
    );
    Table::new(&pki, rows).walk().await;
}
