//! Servers that answer with an alert.

use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::{Fault, Upstream};

use super::{Failing, Told, tls};

/// Fatal alerts of a server, and their codes.
pub async fn alerts(pki: &Pki) -> Vec<Failing> {
    const OTHER: &str = "tls_alert_other";
    const CERTIFICATE: &str = "tls_alert_certificate";
    let good = pki.server("api.test").issue();
    let rows: &[(u8, &str, Told)] = &[
        (10, "alert-10", (OTHER, "SSLV3_ALERT_UNEXPECTED_MESSAGE")),
        (20, "alert-20", (OTHER, "SSLV3_ALERT_BAD_RECORD_MAC")),
        (21, "alert-21", (OTHER, "TLSV1_ALERT_DECRYPTION_FAILED")),
        (22, "alert-22", (OTHER, "TLSV1_ALERT_RECORD_OVERFLOW")),
        (30, "alert-30", (OTHER, "SSLV3_ALERT_DECOMPRESSION_FAILURE")),
        (
            40,
            "alert-40",
            (
                "tls_parameters_mismatch",
                "HANDSHAKE_FAILURE_ON_CLIENT_HELLO",
            ),
        ),
        (41, "alert-41", (OTHER, "SSLV3_ALERT_NO_CERTIFICATE")),
        (42, "alert-42", (CERTIFICATE, "SSLV3_ALERT_BAD_CERTIFICATE")),
        (
            43,
            "alert-43",
            (CERTIFICATE, "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE"),
        ),
        (
            44,
            "alert-44",
            (CERTIFICATE, "SSLV3_ALERT_CERTIFICATE_REVOKED"),
        ),
        (
            45,
            "alert-45",
            (CERTIFICATE, "SSLV3_ALERT_CERTIFICATE_EXPIRED"),
        ),
        (
            46,
            "alert-46",
            (CERTIFICATE, "SSLV3_ALERT_CERTIFICATE_UNKNOWN"),
        ),
        (47, "alert-47", (OTHER, "SSLV3_ALERT_ILLEGAL_PARAMETER")),
        (48, "alert-48", (CERTIFICATE, "TLSV1_ALERT_UNKNOWN_CA")),
        (49, "alert-49", (CERTIFICATE, "TLSV1_ALERT_ACCESS_DENIED")),
        (50, "alert-50", (OTHER, "TLSV1_ALERT_DECODE_ERROR")),
        (51, "alert-51", (OTHER, "TLSV1_ALERT_DECRYPT_ERROR")),
        (60, "alert-60", (OTHER, "TLSV1_ALERT_EXPORT_RESTRICTION")),
        (
            70,
            "alert-70",
            ("tls_version_mismatch", "TLSV1_ALERT_PROTOCOL_VERSION"),
        ),
        (71, "alert-71", (OTHER, "TLSV1_ALERT_INSUFFICIENT_SECURITY")),
        (
            80,
            "alert-80",
            ("tls_alert_internal_error", "TLSV1_ALERT_INTERNAL_ERROR"),
        ),
        (
            86,
            "alert-86",
            (OTHER, "TLSV1_ALERT_INAPPROPRIATE_FALLBACK"),
        ),
        (90, "alert-90", (OTHER, "TLSV1_ALERT_USER_CANCELLED")),
        (100, "alert-100", (OTHER, "TLSV1_ALERT_NO_RENEGOTIATION")),
        (
            109,
            "alert-109",
            (
                OTHER,
                "268436565:SSL routines:OPENSSL_internal:unknown error",
            ),
        ),
        (
            110,
            "alert-110",
            (OTHER, "TLSV1_ALERT_UNSUPPORTED_EXTENSION"),
        ),
        (
            111,
            "alert-111",
            (OTHER, "TLSV1_ALERT_CERTIFICATE_UNOBTAINABLE"),
        ),
        (
            112,
            "alert-112",
            (
                "tls_alert_unrecognized_name",
                "TLSV1_ALERT_UNRECOGNIZED_NAME",
            ),
        ),
        (
            113,
            "alert-113",
            (CERTIFICATE, "TLSV1_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE"),
        ),
        (
            114,
            "alert-114",
            (CERTIFICATE, "TLSV1_ALERT_BAD_CERTIFICATE_HASH_VALUE"),
        ),
        (
            115,
            "alert-115",
            (OTHER, "TLSV1_ALERT_UNKNOWN_PSK_IDENTITY"),
        ),
        (
            116,
            "alert-116",
            (
                "tls_client_certificate_missing",
                "TLSV1_ALERT_CERTIFICATE_REQUIRED",
            ),
        ),
        (
            117,
            "alert-117",
            (
                OTHER,
                "268436573:SSL routines:OPENSSL_internal:unknown error",
            ),
        ),
        (
            120,
            "alert-120",
            (
                "tls_alert_no_application_protocol",
                "TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
            ),
        ),
        (121, "alert-121", (OTHER, "TLSV1_ALERT_ECH_REQUIRED")),
        (
            255,
            "alert-255",
            (
                OTHER,
                "268436711:SSL routines:OPENSSL_internal:unknown error",
            ),
        ),
    ];
    let mut all = Vec::new();
    for (alert, name, told) in rows {
        let server = Upstream::tls(&good).fault(Fault::Alert(*alert));
        all.push(Failing::of(name, *told, server, &tls()).await);
    }
    all
}
