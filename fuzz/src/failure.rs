//! Text as Envoy's words for a failed connection, parts of which a peer chose.

use hopguard::decision::tls_failure::{Stage, TABLE};
use hopguard::decision::{Cause, classify_failure};

const REFUSED: &str = "TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify cert failed: ";

pub fn fuzz_target(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    is_of_the_table(&text);
    // What a peer's certificate says stands behind Envoy's own words, and changes nothing.
    for (words, cause) in [
        (
            "SAN matcher, certificate SANs are [",
            Cause::TlsCertificateName,
        ),
        (
            "verify SAN list, certificate SANs are [",
            Cause::TlsCertificateName,
        ),
        ("cert hash and spki", Cause::TlsCertificateNotPinned),
    ] {
        assert_eq!(classify_failure(&format!("{REFUSED}{words}{text}")), cause);
    }
    let deep = format!(
        "{REFUSED}X509_verify_cert: certificate verification error at depth 1: certificate has expired{text}"
    );
    assert_eq!(classify_failure(&deep), Cause::TlsCertificateExpired);
}

/// The words of a row are in the text, or the code is one of those for the unknown.
fn is_of_the_table(text: &str) {
    let cause = classify_failure(text);
    let mut rows = TABLE.iter().filter(|row| row.cause == cause);
    let found = rows.any(|row| match row.stage {
        Stage::Connect => text.starts_with(row.words),
        Stage::Certificate => {
            text.contains("CERTIFICATE_VERIFY_FAILED") && text.contains(row.words)
        }
        Stage::Handshake => text.contains(row.words),
    });
    let unknown = matches!(cause, Cause::TlsAlertOther | Cause::TlsFailureOther);
    assert!(found || unknown, "{text:?}: {cause:?}");
}
