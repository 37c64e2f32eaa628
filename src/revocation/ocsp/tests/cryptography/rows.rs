//! What comes of each response.

/// The certificate asked about: its issuer's file, and its serial number.
pub struct About(pub &'static str, pub &'static str);

const LETS_ENCRYPT: About = About("letsencryptx3.pem", "031C787A7DC90295007BC5F2220B3B527AF0");
const DIGICERT: About = About(
    "digicert_sha2_secure_server_ca.pem",
    "0FA0A21E15C20BBE1D68EA8FE7706635",
);
const QUOVADIS: About = About(
    "quovadis_global_ssl_ica_g3.pem",
    "081D8B989E92FAE68956DCE62A893209A1BC24D3",
);
/// `cryptography.io.pem` itself.
const RAPIDSSL: About = About("rapidssl_sha256_ca_g3.pem", "3F20");

/// What comes of a response.
pub enum Outcome {
    /// This status, by this signer.
    Is(&'static str),
    /// This code, and why that is right.
    Refused(&'static str, &'static str),
}
pub use Outcome::{Is, Refused};

/// A file, a moment, who is asked about, and what comes of it.
pub type Row = (&'static str, &'static str, About, Outcome);

const NOT_AT_HAND: &str =
    "Its issuer's certificate is not at hand, and no other's name and key are those in the CertID.";

pub const ROWS: &[Row] = &[
    // Signed by the issuer, called by its name.
    (
        "resp-sha256.der",
        "20180830111000Z",
        LETS_ENCRYPT,
        Is("good, by the issuer"),
    ),
    (
        "resp-sha256.der",
        "20180906110459Z",
        LETS_ENCRYPT,
        Is("good, by the issuer"),
    ),
    (
        "resp-sha256.der",
        "20180830110959Z",
        LETS_ENCRYPT,
        Refused(
            "ocsp_not_yet_valid",
            "More than five minutes before it was produced.",
        ),
    ),
    (
        "resp-sha256.der",
        "20180906110500Z",
        LETS_ENCRYPT,
        Refused("ocsp_stale", "Five minutes after nextUpdate."),
    ),
    (
        "resp-sha256.der",
        "20180831000000Z",
        About("letsencryptx3.pem", DIGICERT.1),
        Refused("ocsp_no_match", "About another certificate of this issuer."),
    ),
    (
        "resp-sha256.der",
        "20180831000000Z",
        About(DIGICERT.0, LETS_ENCRYPT.1),
        Refused("ocsp_no_match", "About a certificate of another issuer."),
    ),
    (
        "resp-invalid-signature-oid.der",
        "20180831000000Z",
        LETS_ENCRYPT,
        Refused(
            "ocsp_signature_invalid",
            "It says that it is signed with MD2.",
        ),
    ),
    (
        "resp-invalid-version.der",
        "20180831000000Z",
        LETS_ENCRYPT,
        Refused("ocsp_version_unknown", "It says that it is of version 2."),
    ),
    // Signed by the issuer, called by its key.
    (
        "resp-responder-key-hash.der",
        "20180901140000Z",
        DIGICERT,
        Is("revoked 2018-09-01T04:11:54Z, by the issuer"),
    ),
    (
        "resp-revoked.der",
        "20180901000000Z",
        About(DIGICERT.0, "01AF1EFBDD5EAE0952320B24FE6B5568"),
        Is("revoked 2016-09-02T21:28:48Z, by the issuer"),
    ),
    (
        "resp-unknown-hash-alg.der",
        "20180901140000Z",
        DIGICERT,
        Refused(
            "ocsp_no_match",
            "Whom a CertID of an unknown hash means cannot be told.",
        ),
    ),
    (
        "resp-response-type-unknown-oid.der",
        "20180901140000Z",
        DIGICERT,
        Refused(
            "ocsp_response_type_unknown",
            "It is not of the type id-pkix-ocsp-basic.",
        ),
    ),
    // Signed by a delegate, and with a nonce that was another's.
    (
        "resp-revoked-reason.der",
        "20180901200000Z",
        QUOVADIS,
        Is("revoked 2018-06-27T12:30:01Z superseded, by a delegate with nocheck"),
    ),
    (
        "resp-unknown-extension.der",
        "20180901200000Z",
        QUOVADIS,
        Refused(
            "ocsp_signature_invalid",
            "The same, but that the nonce was made another extension after it was signed: not a critical one, so that only the signature tells.",
        ),
    ),
    // Made by pyca, with keys of their own: whose these are no certificate says.
    (
        "resp-revoked-no-next-update.der",
        "20181024003354Z",
        RAPIDSSL,
        Refused(
            "ocsp_signer_unknown",
            "The name of the responder is not the issuer's.",
        ),
    ),
    (
        "resp-revoked-no-next-update.der",
        "20181024003355Z",
        RAPIDSSL,
        Refused(
            "ocsp_stale",
            "Without nextUpdate, a day and five minutes after thisUpdate.",
        ),
    ),
    (
        "resp-single-extension-reason.der",
        "20191111050000Z",
        RAPIDSSL,
        Refused(
            "ocsp_signer_unknown",
            "The key of the responder is not the issuer's. The extension of the status, a reason code, is not critical.",
        ),
    ),
    // Read to the end and found to be in time; the signatures: see below.
    (
        "resp-delegate-unknown-cert.der",
        "20180901140000Z",
        About(
            "letsencryptx3.pem",
            "6372742E73683FADCFCBAEAD410F72BEE1FD3223",
        ),
        Refused("ocsp_no_match", NOT_AT_HAND),
    ),
    (
        "resp-sct-extension.der",
        "20191116030000Z",
        About(
            "letsencryptx3.pem",
            "23BF9A6C2BF9A2F0DB5ECB4143CAAB63AD3871D3",
        ),
        Refused("ocsp_no_match", NOT_AT_HAND),
    ),
    (
        "ocsp-army.deps.mil-resp.der",
        "20200222120000Z",
        About("letsencryptx3.pem", "0391AD"),
        Refused("ocsp_no_match", NOT_AT_HAND),
    ),
    // Without an answer.
    (
        "resp-unauthorized.der",
        "20180901140000Z",
        LETS_ENCRYPT,
        Refused("ocsp_unauthorized", "The responder says so."),
    ),
    (
        "resp-unknown-response-status.der",
        "20180901140000Z",
        LETS_ENCRYPT,
        Refused("ocsp_malformed", "There is no response status 7."),
    ),
    (
        "resp-successful-no-response-bytes.der",
        "20180901140000Z",
        LETS_ENCRYPT,
        Refused("ocsp_malformed", "It is successful and empty."),
    ),
];
