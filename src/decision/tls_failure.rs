//! From Envoy's words for a failed connection to a stable code: a table, of the
//! words of Envoy 1.36 to 1.40 and of the BoringSSL in it.
//!
//! What a peer chose is in these words too (the SANs of its certificate, since
//! Envoy 1.39): so each row says where its pattern stands, and none is looked
//! for in what follows a SAN list.

use super::cause::Cause;

/// Where the words of a row stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// At the beginning of the reason: TCP did not connect.
    Connect,
    /// After `CERTIFICATE_VERIFY_FAILED`: Envoy refused the peer's certificate.
    Certificate,
    /// Anywhere in BoringSSL's errors.
    Handshake,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Where the words stand.
    pub stage: Stage,
    /// The words.
    pub words: &'static str,
    /// The code.
    pub cause: Cause,
}

const fn row(stage: Stage, words: &'static str, cause: Cause) -> Row {
    Row {
        stage,
        words,
        cause,
    }
}

use Stage::{Certificate, Connect, Handshake};

/// The table; the first row that fits counts.
pub const TABLE: &[Row] = &[
    row(
        Connect,
        "delayed connect error: Connection refused",
        Cause::ConnectionRefused,
    ),
    row(
        Connect,
        "delayed connect error: Connection reset by peer",
        Cause::ConnectionReset,
    ),
    row(
        Connect,
        "delayed connect error: Broken pipe",
        Cause::ConnectionReset,
    ),
    row(Connect, "delayed connect error: ", Cause::ConnectionFailed),
    row(
        Connect,
        "immediate connect error: ",
        Cause::ConnectionFailed,
    ),
    row(
        Connect,
        "TLS error: Secret is not supplied by SDS",
        Cause::TlsLocalSecretMissing,
    ),
    row(Certificate, "SAN matcher", Cause::TlsCertificateName),
    row(Certificate, "verify SAN list", Cause::TlsCertificateName),
    row(
        Certificate,
        "cert hash and spki",
        Cause::TlsCertificateNotPinned,
    ),
    row(
        Certificate,
        "unable to get local issuer certificate",
        Cause::TlsCertificateUntrusted,
    ),
    row(
        Certificate,
        "unable to get issuer certificate",
        Cause::TlsCertificateUntrusted,
    ),
    row(
        Certificate,
        "unable to verify the first certificate",
        Cause::TlsCertificateUntrusted,
    ),
    row(
        Certificate,
        "self signed certificate",
        Cause::TlsCertificateUntrusted,
    ),
    row(
        Certificate,
        "certificate has expired",
        Cause::TlsCertificateExpired,
    ),
    row(
        Certificate,
        "certificate is not yet valid",
        Cause::TlsCertificateNotYetValid,
    ),
    row(
        Certificate,
        "certificate revocation check against provided CRLs failed: certificate revoked",
        Cause::TlsCertificateRevoked,
    ),
    row(
        Certificate,
        "certificate revoked",
        Cause::TlsCertificateRevoked,
    ),
    row(
        Certificate,
        "certificate revocation check against provided CRLs failed: ",
        Cause::TlsRevocationUnknown,
    ),
    row(
        Certificate,
        "unable to get certificate CRL",
        Cause::TlsRevocationUnknown,
    ),
    row(Certificate, "CRL ", Cause::TlsRevocationUnknown),
    row(
        Certificate,
        "unsupported certificate purpose",
        Cause::TlsCertificateUnsuitable,
    ),
    row(
        Certificate,
        "permitted subtree violation",
        Cause::TlsCertificateUnsuitable,
    ),
    row(
        Certificate,
        "excluded subtree violation",
        Cause::TlsCertificateUnsuitable,
    ),
    row(
        Certificate,
        "path length constraint exceeded",
        Cause::TlsCertificateUnsuitable,
    ),
    row(
        Certificate,
        "unhandled critical extension",
        Cause::TlsCertificateUnsuitable,
    ),
    row(
        Certificate,
        "certificate signature failure",
        Cause::TlsCertificateUnsuitable,
    ),
    row(
        Certificate,
        "invalid CA certificate",
        Cause::TlsCertificateUnsuitable,
    ),
    row(Certificate, "", Cause::TlsCertificateRefused),
    row(
        Handshake,
        "PEER_DID_NOT_RETURN_A_CERTIFICATE",
        Cause::TlsClientCertificateMissing,
    ),
    row(
        Handshake,
        "TLSV1_ALERT_CERTIFICATE_REQUIRED",
        Cause::TlsClientCertificateMissing,
    ),
    row(Handshake, "WRONG_VERSION_NUMBER", Cause::TlsPlaintextPeer),
    row(Handshake, "HTTP_REQUEST", Cause::TlsPlaintextPeer),
    row(Handshake, "HTTPS_PROXY_REQUEST", Cause::TlsPlaintextPeer),
    row(
        Handshake,
        "TLSV1_ALERT_PROTOCOL_VERSION",
        Cause::TlsVersionMismatch,
    ),
    row(Handshake, "UNSUPPORTED_PROTOCOL", Cause::TlsVersionMismatch),
    row(Handshake, "WRONG_CIPHER_RETURNED", Cause::TlsCipherMismatch),
    row(Handshake, "NO_SHARED_CIPHER", Cause::TlsCipherMismatch),
    row(Handshake, "NO_SHARED_GROUP", Cause::TlsCipherMismatch),
    row(
        Handshake,
        "HANDSHAKE_FAILURE_ON_CLIENT_HELLO",
        Cause::TlsParametersMismatch,
    ),
    row(Handshake, "BAD_ECC_CERT", Cause::TlsCertificateUnsuitable),
    row(
        Handshake,
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
        Cause::TlsAlertHandshakeFailure,
    ),
    row(
        Handshake,
        "SSLV3_ALERT_BAD_CERTIFICATE",
        Cause::TlsAlertCertificate,
    ),
    row(
        Handshake,
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        Cause::TlsAlertCertificate,
    ),
    row(
        Handshake,
        "SSLV3_ALERT_CERTIFICATE_",
        Cause::TlsAlertCertificate,
    ),
    row(
        Handshake,
        "TLSV1_ALERT_UNKNOWN_CA",
        Cause::TlsAlertCertificate,
    ),
    row(
        Handshake,
        "TLSV1_ALERT_ACCESS_DENIED",
        Cause::TlsAlertCertificate,
    ),
    row(
        Handshake,
        "TLSV1_ALERT_BAD_CERTIFICATE_",
        Cause::TlsAlertCertificate,
    ),
    row(
        Handshake,
        "TLSV1_ALERT_UNRECOGNIZED_NAME",
        Cause::TlsAlertUnrecognizedName,
    ),
    row(
        Handshake,
        "TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
        Cause::TlsAlertNoApplicationProtocol,
    ),
    row(
        Handshake,
        "TLSV1_ALERT_INTERNAL_ERROR",
        Cause::TlsAlertInternalError,
    ),
    row(Handshake, "_ALERT_", Cause::TlsAlertOther),
    row(
        Handshake,
        "KEY_USAGE_BIT_INCORRECT",
        Cause::TlsCertificateUnsuitable,
    ),
    row(Handshake, "UNEXPECTED_MESSAGE", Cause::TlsProtocolError),
    row(Handshake, "UNEXPECTED_RECORD", Cause::TlsProtocolError),
    row(Handshake, "EXCESSIVE_MESSAGE_SIZE", Cause::TlsProtocolError),
    row(Handshake, "CLIENTHELLO", Cause::TlsProtocolError),
    row(Handshake, "BAD_PACKET_LENGTH", Cause::TlsProtocolError),
    row(
        Handshake,
        "DECRYPTION_FAILED_OR_BAD_RECORD_MAC",
        Cause::TlsProtocolError,
    ),
    row(
        Handshake,
        "Connection reset by peer",
        Cause::TlsHandshakeReset,
    ),
    row(Handshake, "Broken pipe", Cause::TlsHandshakeReset),
];

/// An alert that BoringSSL has no name for: this number plus the alert's
/// (`SSL_AD_REASON_OFFSET` in the packed error).
const ALERT_NUMBERS: std::ops::RangeInclusive<u32> = 268_436_456..=268_436_456 + 255;

/// The code of Envoy's words for a failure. What no row knows is
/// [`Cause::TlsFailureOther`]; the words stay in the event.
pub fn classify_failure(reason: &str) -> Cause {
    let find = |stage: Stage, text: &str, fits: fn(&str, &str) -> bool| {
        TABLE
            .iter()
            .find(|row| row.stage == stage && fits(text, row.words))
            .map(|row| row.cause)
    };
    let begins = |text: &str, words: &str| text.starts_with(words);
    if let Some(cause) = find(Connect, reason, begins) {
        return cause;
    }
    if let Some((_, rest)) = reason.split_once("CERTIFICATE_VERIFY_FAILED") {
        return find(Certificate, refusal(rest), begins).unwrap_or(Cause::TlsFailureOther);
    }
    find(Handshake, reason, |text, words| text.contains(words)).unwrap_or_else(|| {
        let is_alert = reason
            .split(['|', ':'])
            .filter_map(|part| part.parse().ok())
            .any(|number| ALERT_NUMBERS.contains(&number));
        if is_alert {
            Cause::TlsAlertOther
        } else {
            Cause::TlsFailureOther
        }
    })
}

/// What Envoy 1.37 and later say of a certificate that they refused.
fn refusal(rest: &str) -> &str {
    let rest = rest.strip_prefix(":verify cert failed: ").unwrap_or("");
    let Some(error) =
        rest.strip_prefix("X509_verify_cert: certificate verification error at depth ")
    else {
        return rest;
    };
    error.split_once(": ").map_or("", |(_, words)| words)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of real handshakes with Envoy 1.40 (the tests in a real Envoy make
    /// them anew).
    fn of_boringssl(words: &str) -> String {
        format!("TLS_error:|268435703:SSL routines:OPENSSL_internal:{words}:TLS_error_end")
    }

    #[test]
    fn every_row_is_reached() {
        for row in TABLE {
            let reason = match row.stage {
                Connect => row.words.to_owned(),
                Certificate => of_boringssl(&format!(
                    "CERTIFICATE_VERIFY_FAILED:verify cert failed: {}",
                    row.words
                )),
                Handshake => of_boringssl(row.words),
            };
            assert_eq!(classify_failure(&reason), row.cause, "{reason}");
        }
    }

    #[test]
    fn verification_errors_are_found_at_any_depth() {
        for (words, cause) in [
            ("certificate has expired", Cause::TlsCertificateExpired),
            ("some new words", Cause::TlsCertificateRefused),
            (
                "certificate revocation check against provided CRLs failed: unable to get certificate CRL",
                Cause::TlsRevocationUnknown,
            ),
        ] {
            for depth in [0, 1, 12] {
                let reason = of_boringssl(&format!(
                    "CERTIFICATE_VERIFY_FAILED:verify cert failed: X509_verify_cert: certificate verification error at depth {depth}: {words}"
                ));
                assert_eq!(classify_failure(&reason), cause, "{reason}");
            }
        }
        let bare = of_boringssl("CERTIFICATE_VERIFY_FAILED");
        assert_eq!(classify_failure(&bare), Cause::TlsCertificateRefused);
    }

    #[test]
    fn what_the_peer_chose_classifies_nothing() {
        let names = "SAN matcher, certificate SANs are [a.WRONG_VERSION_NUMBER, b: certificate has expired]";
        let reason = of_boringssl(&format!(
            "CERTIFICATE_VERIFY_FAILED:verify cert failed: {names}"
        ));
        assert_eq!(classify_failure(&reason), Cause::TlsCertificateName);
    }

    #[test]
    fn what_is_unknown_stays_visible_as_such() {
        for (reason, cause) in [
            ("", Cause::TlsFailureOther),
            ("something new", Cause::TlsFailureOther),
            (
                "TLS_error:|268436573:SSL routines:OPENSSL_internal:unknown error:TLS_error_end",
                Cause::TlsAlertOther,
            ),
            (
                "TLS_error:|268436712:SSL routines:OPENSSL_internal:unknown error:TLS_error_end",
                Cause::TlsFailureOther,
            ),
        ] {
            assert_eq!(classify_failure(reason), cause, "{reason}");
        }
    }
}
