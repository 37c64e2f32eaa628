//! What an audit looks for: one row each, and the only place where a name is bound
//! to its control and its gravity.

use hopguard::decision::Requirement;
use serde::Serialize;

/// How grave it is. Ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// To know.
    Note,
    /// The configuration does not say.
    Unknown,
    /// The control is not met, or only in part; something else may make up for it.
    Warning,
    /// The control is not met.
    Error,
}

impl Level {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

macro_rules! rules {
    ($($variant:ident $code:literal $control:ident $level:ident $meaning:literal;)*) => {
        /// What can be found.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Rule {
            $(#[doc = $meaning] $variant,)*
        }

        impl Rule {
            /// All, in the order of the table in `docs/cli.md`.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            pub const fn control(self) -> Requirement {
                match self { $(Self::$variant => Requirement::$control,)* }
            }

            pub const fn level(self) -> Level {
                match self { $(Self::$variant => Level::$level,)* }
            }

            /// In one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

rules! {
    PeerNotVerified "peer_not_verified" V9_2_1 Error "Envoy takes any certificate of the peer: there is no CA, no pin and no validator.";
    UntrustedAccepted "untrusted_accepted" V9_2_1 Error "`ACCEPT_UNTRUSTED`: Envoy takes certificates that it cannot verify.";
    ExpiredAccepted "expired_accepted" V9_2_1 Error "`allow_expired_certificate`: Envoy takes certificates that have expired.";
    CaEmpty "ca_empty" V9_2_1 Error "`trusted_ca` has no certificate in it.";
    NameNotVerified "name_not_verified" V9_2_1 Error "No name is compared: any certificate of the CA will do for this server.";
    ValidationUnknown "validation_unknown" V9_2_1 Unknown "What is verified comes by SDS, and is not in this document; a config_dump may have it.";
    Passthrough "passthrough" V9_2_1 Warning "TLS is passed on unopened: Envoy verifies nothing of the peer.";
    ClusterPlaintext "cluster_plaintext" V9_2_2 Error "Connections to the cluster are plaintext.";
    ListenerPlaintext "listener_plaintext" V9_2_2 Error "The listener takes plaintext.";
    PlaintextOnMachine "plaintext_on_machine" V9_2_2 Note "Plaintext that does not leave the machine.";
    RedirectOnly "redirect_only" V9_2_2 Warning "The listener takes plaintext, and only redirects to https.";
    StartTls "starttls" V9_2_2 Error "The connection begins in plaintext, and may stay so.";
    TransportUnknown "transport_unknown" V9_2_2 Unknown "The transport socket is of a kind that hopguard does not know.";
    TlsTooOld "tls_too_old" V9_2_2 Error "TLS older than 1.2 is allowed.";
    AdminExposed "admin_exposed" V9_2_2 Error "The admin interface, which has no TLS and no authentication, can be reached from other machines.";
    GrpcPlaintext "grpc_plaintext" V9_2_2 Error "A connection of gRPC's own library has no TLS.";
    StatsPlaintext "stats_plaintext" V9_2_2 Error "Stats are sent in plaintext.";
    ClusterUnknown "cluster_unknown" V9_2_2 Unknown "A cluster is used that is not in this document; a config_dump may have it.";
    HopguardMissing "hopguard_missing" V9_2_2 Warning "hopguard is not installed here: nobody but Envoy looks at the connection.";
    HopguardMisplaced "hopguard_misplaced" V9_2_2 Error "hopguard is installed where it cannot do its work: not the first filter, or behind what sends.";
    HopguardFailsOpen "hopguard_fails_open" V9_2_2 Error "Should hopguard ever fail, Envoy forwards everything.";
    HopguardTurnedOff "hopguard_turned_off" V9_2_2 Error "hopguard is installed and turned off: `disabled`, or `typed_per_filter_config` of a route.";
    HopguardReportsOnly "hopguard_reports_only" V9_2_2 Warning "hopguard's policy lets through what it finds wanting (`mode: report`).";
    HopguardPolicyRefused "hopguard_policy_refused" V9_2_2 Error "hopguard refuses the policy that it is given here.";
    ClientNotAuthenticated "client_not_authenticated" V9_2_3 Warning "No client certificate is demanded of clients.";
    NoClientCertificate "no_client_certificate" V9_2_3 Warning "Envoy has no client certificate for the servers; something in the requests has to authenticate it.";
    NoRevocation "no_revocation" V9_2_4 Warning "No CRL: Envoy does not notice that a certificate is revoked.";
    StapleNotStrict "staple_not_strict" V9_2_4 Warning "`ocsp_staple_policy` is lenient: a certificate is served without a staple, or with one that has expired.";
    PostureMissing "posture_missing" V9_2_4 Unknown "hopguard's role `posture` is not installed: nobody watches the staples and the end of Envoy's own certificates.";
    UpstreamFailuresNotLogged "upstream_failures_not_logged" V9_2_5 Error "No access log says why TLS with a server failed (`%UPSTREAM_TRANSPORT_FAILURE_REASON%`, or hopguard's role `log`).";
    ClientFailuresNotLogged "client_failures_not_logged" V9_2_5 Warning "No access log of the listener says why TLS with a client failed (`%DOWNSTREAM_TRANSPORT_FAILURE_REASON%`, or hopguard's role `log`).";
}
