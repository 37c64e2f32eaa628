use super::pki::{plain_authority, self_signed};
use crate::trust::TrustError;
use crate::trust::pem::{certificates, single_certificate};

fn pem(der: &[u8]) -> String {
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for line in der.chunks(48) {
        for group in line.chunks(3) {
            let bits = group
                .iter()
                .chain(std::iter::repeat(&0))
                .take(3)
                .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
            for index in 0..4 {
                text.push(if index <= group.len() {
                    char::from(alphabet[bits >> (18 - 6 * index) & 63])
                } else {
                    '='
                });
            }
        }
        text.push('\n');
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[test]
fn the_peers_certificate() {
    let leaf = self_signed(|_| {});
    let plain = pem(&leaf.der);
    let accepted = [
        plain.clone(),
        plain.trim_end().to_owned(),
        plain.replace('\n', "\r\n"),
        format!("\n{plain}\n"),
        percent_encoded(&plain),
        percent_encoded(&plain)
            .replace("%0A", "%0a")
            .replace("%2D", "%2d"),
        // Only what has to be escaped is.
        plain.replace('\n', "%0A").replace(' ', "%20"),
    ];
    for text in accepted {
        assert_eq!(single_certificate(text.as_bytes()).unwrap(), leaf.der);
    }
}

#[test]
fn not_the_peers_certificate() {
    let plain = pem(&self_signed(|_| {}).der);
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let cases: [(Vec<u8>, &str); 13] = [
        (Vec::new(), "not a PEM certificate"),
        (b"garbage".to_vec(), "not a PEM certificate"),
        (format!("{plain}{plain}").into(), "more than one PEM block"),
        (key.clone().into(), "not a PEM certificate"),
        (format!("{plain}{key}").into(), "not a PEM certificate"),
        (format!("x\n{plain}").into(), "not a PEM certificate"),
        (format!("{plain}x").into(), "not a PEM certificate"),
        (
            plain.replace("END", "BEGIN").into(),
            "not a PEM certificate",
        ),
        (plain.replacen('M', "!", 1).into(), "cannot be decoded"),
        (
            b"-----BEGIN CERTIFICATE----------END CERTIFICATE-----".to_vec(),
            "cannot be decoded",
        ),
        (b"-----BEGIN%2".to_vec(), "a bad percent escape"),
        (b"%zz".to_vec(), "a bad percent escape"),
        (b"\xff%20".to_vec(), "not text"),
    ];
    for (text, reason) in cases {
        let error = single_certificate(&text).unwrap_err();
        assert!(matches!(error, TrustError::Malformed(_)), "{error:?}");
        let shown = String::from_utf8_lossy(&text);
        assert!(error.to_string().contains(reason), "{shown}: {error}");
    }
}

#[test]
fn size_comes_first() {
    // A certificate of the largest size passes as PEM and percent-encoded PEM.
    let largest = vec![0xa5; crate::trust::certificate::MAX_DER];
    let text = pem(&largest);
    assert_eq!(single_certificate(text.as_bytes()).unwrap(), largest);
    let encoded = percent_encoded(&text);
    assert_eq!(single_certificate(encoded.as_bytes()).unwrap(), largest);
    // Twice as much is not decoded, whatever it is.
    for byte in [b'A', b'%'] {
        let huge = vec![byte; 300 * 1024];
        assert!(matches!(
            single_certificate(&huge),
            Err(TrustError::TooLarge { bytes, .. }) if bytes == huge.len()
        ));
    }
}

#[test]
fn a_policys_certificates() {
    let [one, two] = ["One", "Two"].map(plain_authority);
    let text = format!("# The roots\n{}\nNext:\n{}", pem(&one.der), pem(&two.der));
    assert_eq!(certificates(&text).unwrap(), [one.der.clone(), two.der]);
    let refused = [
        (String::new(), "no PEM certificate"),
        ("CERTIFICATE".to_owned(), "no PEM certificate"),
        (
            format!("{}{}", pem(&one.der), one.key.serialize_pem()),
            "a PEM block of kind \"PRIVATE KEY\"",
        ),
        (
            pem(&one.der).replace("CERTIFICATE", "TRUSTED CERTIFICATE"),
            "a PEM block of kind \"TRUSTED CERTIFICATE\"",
        ),
        (
            pem(&one.der).replace("-----END", "----END"),
            "cannot be decoded",
        ),
    ];
    for (text, reason) in refused {
        let error = certificates(&text).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}
