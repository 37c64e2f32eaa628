//! The stable codes that say why: one row each, and the only place where a
//! code is bound to its control and its meaning.

use std::fmt;

use super::requirement::Requirement;
use crate::trust::TrustError;
use Requirement::{V9_2_1, V9_2_2, V9_2_3, V9_2_4, V9_2_5};

macro_rules! causes {
    ($($variant:ident $code:literal $requirement:ident $meaning:literal;)*) => {
        /// Why a connection was denied, or why an event was written.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Cause {
            $(#[doc = $meaning] $variant,)*
        }

        impl Cause {
            /// All causes, in the order of the table in `docs/telemetry.md`.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code (`error.type` in events, `cause` in metrics).
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The control that the cause belongs to.
            pub const fn requirement(self) -> Requirement {
                match self { $(Self::$variant => $requirement,)* }
            }

            /// What the code means, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

causes! {
    Plaintext "plaintext" V9_2_2 "The connection is not TLS.";
    TlsVersionTooOld "tls_version_too_old" V9_2_2 "The negotiated TLS version is older than the rule allows.";
    PassthroughExpected "passthrough_expected" V9_2_2 "The rule speaks of TLS that Envoy passes on unopened, and Envoy ended or began it.";
    PassthroughNotAllowed "passthrough_not_allowed" V9_2_1 "Envoy passes the TLS on unopened, so nothing of the peer can be verified, and the rule does not allow that.";
    ServerNameMismatch "server_name_mismatch" V9_2_2 "The client asks for no server name, or for one that the rule does not allow.";
    TlsVersionUnknown "tls_version_unknown" V9_2_2 "The host named a TLS version that hopguard does not know.";
    GateTimeout "gate_timeout" V9_2_2 "The connection showed no evidence before the gate's deadline.";
    GateOverflow "gate_overflow" V9_2_2 "Too many requests were waiting for a connection.";
    ClientHandshakePending "client_handshake_pending" V9_2_2 "The server spoke first, and the client's TLS handshake was not seen to be complete.";
    UpstreamNotShown "upstream_not_shown" V9_2_2 "Envoy shows no connection to a server in this place: what follows hopguard is no TCP proxy, or one that connects only after it got the client's data.";
    EvidenceSuperseded "evidence_superseded" V9_2_2 "A later attempt of the same request replaced this attempt's evidence while it waited (hedging).";
    EvidenceUnreadable "evidence_unreadable" V9_2_2 "The host gave a fact in a form that hopguard cannot read.";
    AddressFromHeader "address_from_header" V9_2_2 "A rule looks at the client's address, and Envoy took it from a header that the client wrote (`use_remote_address` is off).";
    PathAmbiguous "path_ambiguous" V9_2_2 "Two ways to read the request's path lead to two rules (dot segments, encoded or doubled slashes).";
    CertificateMissing "certificate_missing" V9_2_1 "The peer presented no certificate, for want of TLS or of a certificate.";
    CertificateUnavailable "certificate_unavailable" V9_2_1 "The host does not expose the peer's certificate (Envoy before 1.38), and the rule demands more than a pinned digest.";
    CertificateDigestMismatch "certificate_digest_mismatch" V9_2_1 "The certificate that was offered as evidence is not the one the connection presented.";
    CertificateMalformed "certificate_malformed" V9_2_1 "The certificate is not well-formed PEM or DER.";
    CertificateTooLarge "certificate_too_large" V9_2_1 "The certificate is larger than hopguard reads, or has too many names.";
    CertificateExpired "certificate_expired" V9_2_1 "The certificate or one of its path has expired.";
    CertificateNotYetValid "certificate_not_yet_valid" V9_2_1 "The certificate or one of its path is not valid yet.";
    CertificateUnknownIssuer "certificate_unknown_issuer" V9_2_1 "No path leads from the certificate to a trust anchor of the rule's stores.";
    CertificateSignatureInvalid "certificate_signature_invalid" V9_2_1 "A signature on the path does not verify.";
    CertificateSignatureAlgorithm "certificate_signature_algorithm" V9_2_1 "A certificate of the path is signed with an algorithm that is weak (MD5, SHA-1) or not supported.";
    CertificateKeyWeak "certificate_key_weak" V9_2_1 "The certificate's key is too short, or of a kind or curve that the rule does not allow.";
    CertificateIsCa "certificate_is_ca" V9_2_1 "The peer presented a CA certificate as its own.";
    CertificateUsage "certificate_usage" V9_2_1 "Key usage or extended key usage do not allow the certificate for this purpose.";
    CertificateConstraint "certificate_constraint" V9_2_1 "A CA on the path may not vouch for this certificate (name constraints, path length, basic constraints).";
    CertificateProfile "certificate_profile" V9_2_1 "The certificate breaks RFC 5280 in a way that hopguard refuses (critical extension, serial number, duplicate extension).";
    CertificateNotPinned "certificate_not_pinned" V9_2_1 "The rule's stores only name pins, and the certificate is none of them.";
    PathBudgetExceeded "path_budget_exceeded" V9_2_1 "Building the path would cost more work than hopguard spends on one certificate.";
    NameMismatch "name_mismatch" V9_2_1 "The certificate presents none of the names that the rule demands.";
    SpiffeIdInvalid "spiffe_id_invalid" V9_2_1 "The certificate is no valid SPIFFE identity of the store's trust domains.";
    ReferenceNameMissing "reference_name_missing" V9_2_1 "The rule takes the reference name from the connection, which shows none.";
    NoTrustStore "no_trust_store" V9_2_1 "No rule matched, and the policy names no default trust store.";
    ClientCertificateMissing "client_certificate_missing" V9_2_3 "The client presented no certificate.";
    CredentialMissing "credential_missing" V9_2_3 "The proxy authenticates itself in none of the ways that the rule accepts.";
    CertificateRevoked "certificate_revoked" V9_2_4 "The certificate is revoked, or on hold.";
    RevocationUnknown "revocation_unknown" V9_2_4 "The OCSP responder does not know the certificate.";
    RevocationNoSource "revocation_no_source" V9_2_4 "Neither the certificate nor the policy names a source of revocation that may be used.";
    RevocationUnreachable "revocation_unreachable" V9_2_4 "The OCSP responder or the source of the CRL did not answer, or not in time.";
    RevocationInvalid "revocation_invalid" V9_2_4 "The OCSP answer or the CRL that came does not hold.";
    RevocationStale "revocation_stale" V9_2_4 "The OCSP answer or the CRL is of the past.";
    RevocationStapleMissing "revocation_staple_missing" V9_2_4 "The peer stapled no OCSP response that holds, and the rule demands one.";
    StapleMissing "staple_missing" V9_2_4 "A certificate of this Envoy carries no OCSP staple, and the policy demands one.";
    StapleExpired "staple_expired" V9_2_4 "The OCSP staple of one of this Envoy's certificates is of the past; Envoy does not send it.";
    StapleNotYetValid "staple_not_yet_valid" V9_2_4 "The OCSP staple of one of this Envoy's certificates is of the future.";
    StapleNearExpiry "staple_near_expiry" V9_2_4 "The OCSP staple of one of this Envoy's certificates ends soon.";
    StapleFailed "staple_failed" V9_2_4 "Envoy refused handshakes, for want of an OCSP staple that its `ocsp_staple_policy` demands.";
    StapleOmitted "staple_omitted" V9_2_4 "Clients asked for an OCSP staple, and Envoy had none to send.";
    AdminUnreachable "admin_unreachable" V9_2_4 "The admin interface did not answer, or not in time: what the role `posture` watches is not known.";
    AdminAnswerInvalid "admin_answer_invalid" V9_2_4 "The admin interface refused, or gave an answer that hopguard cannot read: what the role `posture` watches is not known.";
    TlsPlaintextPeer "tls_plaintext_peer" V9_2_5 "The peer spoke something that is not TLS.";
    TlsVersionMismatch "tls_version_mismatch" V9_2_5 "The two sides share no version of TLS.";
    TlsCipherMismatch "tls_cipher_mismatch" V9_2_5 "The two sides share no cipher suite or group.";
    TlsParametersMismatch "tls_parameters_mismatch" V9_2_5 "The server found nothing in the ClientHello that it could agree to: version, cipher suite, or a key of its own kind.";
    TlsProtocolError "tls_protocol_error" V9_2_5 "The peer broke the protocol in the handshake.";
    TlsCertificateUntrusted "tls_certificate_untrusted" V9_2_5 "Envoy refused the peer's certificate: no path to a CA that it trusts.";
    TlsCertificateExpired "tls_certificate_expired" V9_2_5 "Envoy refused the peer's certificate: it, or one of its path, has expired.";
    TlsCertificateNotYetValid "tls_certificate_not_yet_valid" V9_2_5 "Envoy refused the peer's certificate: it, or one of its path, is not valid yet.";
    TlsCertificateName "tls_certificate_name" V9_2_5 "Envoy refused the peer's certificate: it has none of the names that Envoy's configuration demands.";
    TlsCertificateNotPinned "tls_certificate_not_pinned" V9_2_5 "Envoy refused the peer's certificate: neither its hash nor its key is among the pins of Envoy's configuration.";
    TlsCertificateRevoked "tls_certificate_revoked" V9_2_5 "Envoy refused the peer's certificate: a CRL of Envoy's configuration revokes it.";
    TlsRevocationUnknown "tls_revocation_unknown" V9_2_5 "Envoy refused the peer's certificate: its CRLs do not say whether it is revoked.";
    TlsCertificateUnsuitable "tls_certificate_unsuitable" V9_2_5 "Envoy refused the peer's certificate: wrong purpose, kind of key, constraint or extension.";
    TlsCertificateRefused "tls_certificate_refused" V9_2_5 "Envoy refused the peer's certificate, and does not say why (Envoy 1.36 never does), or in words that hopguard does not know.";
    TlsClientCertificateMissing "tls_client_certificate_missing" V9_2_5 "The server demanded a client certificate, and got none.";
    TlsAlertCertificate "tls_alert_certificate" V9_2_5 "The peer refused the certificate that it was shown, by an alert.";
    TlsAlertHandshakeFailure "tls_alert_handshake_failure" V9_2_5 "The peer ended the handshake with handshake_failure; OpenSSL says so where it demanded a client certificate, too.";
    TlsAlertUnrecognizedName "tls_alert_unrecognized_name" V9_2_5 "The server does not know the server name.";
    TlsAlertNoApplicationProtocol "tls_alert_no_application_protocol" V9_2_5 "The two sides share no application protocol (ALPN).";
    TlsAlertInternalError "tls_alert_internal_error" V9_2_5 "The peer ended the handshake with internal_error.";
    TlsAlertOther "tls_alert_other" V9_2_5 "The peer ended the handshake with another alert.";
    TlsHandshakeReset "tls_handshake_reset" V9_2_5 "The peer reset the connection in the handshake.";
    TlsHandshakeTimeout "tls_handshake_timeout" V9_2_5 "The client's handshake took longer than Envoy allows.";
    TlsClosedAfterHandshake "tls_closed_after_handshake" V9_2_5 "The server closed the connection before any answer: it died, or refused the client certificate in the way of TLS 1.3.";
    TlsLocalSecretMissing "tls_local_secret_missing" V9_2_5 "Envoy has no certificate or CA for the connection yet (SDS).";
    TlsFailureOther "tls_failure_other" V9_2_5 "TLS failed, and hopguard does not know Envoy's words for it.";
    ConnectionRefused "connection_refused" V9_2_5 "The server refused the TCP connection.";
    ConnectionReset "connection_reset" V9_2_5 "The server reset the connection before TLS began.";
    ConnectionFailed "connection_failed" V9_2_5 "The TCP connection failed in another way (no route, no address, …).";
    ConnectionTimeout "connection_timeout" V9_2_5 "Envoy's connect timeout ended the attempt, in TCP or in the TLS handshake.";
    ConnectionUnestablished "connection_unestablished" V9_2_5 "The connection was closed before it was established, and Envoy gives no reason: the server closed it in the handshake, or the connect timeout did.";
    AttemptFailed "attempt_failed" V9_2_5 "An earlier attempt of the same TCP connection failed, and Envoy kept no reason.";
    CertificateNearExpiry "certificate_near_expiry" V9_2_1 "The certificate is accepted and ends soon.";
    WaiverNearEnd "waiver_near_end" V9_2_1 "A waiver is in use and ends soon.";
}

impl From<&TrustError> for Cause {
    fn from(error: &TrustError) -> Self {
        match error {
            TrustError::Malformed(_) => Self::CertificateMalformed,
            TrustError::TooLarge { .. } | TrustError::TooManyNames { .. } => {
                Self::CertificateTooLarge
            }
            TrustError::Profile(_)
            | TrustError::CriticalExtension(_)
            | TrustError::SerialInvalid { .. }
            | TrustError::SignatureAlgorithmMismatch
            | TrustError::Unclassified(_) => Self::CertificateProfile,
            TrustError::Expired { .. } => Self::CertificateExpired,
            TrustError::NotYetValid { .. } => Self::CertificateNotYetValid,
            TrustError::UnknownIssuer => Self::CertificateUnknownIssuer,
            TrustError::SignatureInvalid => Self::CertificateSignatureInvalid,
            TrustError::SignatureAlgorithmUnsupported(_)
            | TrustError::SignatureAlgorithmWeak(_) => Self::CertificateSignatureAlgorithm,
            TrustError::KeyTooWeak { .. }
            | TrustError::KeyUnsupported(_)
            | TrustError::CurveNotAllowed(_)
            | TrustError::Distrusted => Self::CertificateKeyWeak,
            TrustError::CaAsLeaf => Self::CertificateIsCa,
            TrustError::KeyUsage(_) | TrustError::ExtendedKeyUsage { .. } => Self::CertificateUsage,
            TrustError::NameConstraint(_)
            | TrustError::PathLength
            | TrustError::LeafAsCa
            | TrustError::IssuerPurpose
            | TrustError::IssuerNotAllowedToSign => Self::CertificateConstraint,
            TrustError::BudgetExceeded(_) => Self::PathBudgetExceeded,
            TrustError::NameMismatch => Self::NameMismatch,
            TrustError::SpiffeInvalid(_) | TrustError::SpiffeDomain { .. } => Self::SpiffeIdInvalid,
            TrustError::NotPinned => Self::CertificateNotPinned,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_and_fit_a_metric_name() {
        let codes: HashSet<_> = Cause::ALL.iter().map(|c| c.code()).collect();
        assert_eq!(codes.len(), Cause::ALL.len());
        for code in codes {
            assert!(
                code.bytes()
                    .all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit())
            );
        }
    }
}
