//! What must come of a connection in a table.

/// Which side of the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Client,
    Server,
}

/// What must come of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Bytes pass; the access log shows this verdict.
    Served(&'static str),
    /// A hop is denied for this cause.
    Denied(Side, &'static str),
    /// Bytes pass, since the rule about a hop only reports.
    WouldDeny(Side, &'static str),
    /// Envoy itself ends the handshake of a hop; hopguard tells of it.
    NoHandshake(Side, &'static str),
}

impl Outcome {
    /// Whether bytes pass.
    pub fn is_served(self) -> bool {
        matches!(self, Self::Served(_) | Self::WouldDeny(_, _))
    }

    /// The verdict in the access log.
    pub fn verdict(self) -> &'static str {
        match self {
            Self::Served(verdict) => verdict,
            Self::Denied(_, _) => "deny",
            Self::WouldDeny(_, _) => "would_deny",
            Self::NoHandshake(_, _) => "-",
        }
    }

    /// The name of its event, the side that it is about, and the cause.
    pub fn event(self) -> Option<(&'static str, Side, &'static str)> {
        match self {
            Self::Served(_) => None,
            Self::Denied(side, cause) => Some(("hopguard.denied", side, cause)),
            Self::WouldDeny(side, cause) => Some(("hopguard.would_deny", side, cause)),
            Self::NoHandshake(side, cause) => Some(("hopguard.tls_failure", side, cause)),
        }
    }

    /// How many clients and servers are judged for it.
    pub fn judged(self) -> [u64; 2] {
        match self {
            Self::NoHandshake(_, _) => [0, 0],
            Self::Denied(Side::Client, _) => [1, 0],
            _ => [1, 1],
        }
    }
}

/// The control that a cause belongs to.
pub fn control_of(cause: &str) -> &'static str {
    match cause {
        "client_certificate_missing" | "credential_missing" => "V9.2.3",
        "plaintext"
        | "tls_version_too_old"
        | "passthrough_expected"
        | "server_name_mismatch"
        | "gate_timeout"
        | "gate_overflow"
        | "client_handshake_pending"
        | "upstream_not_shown" => "V9.2.2",
        _ if cause.starts_with("tls_") || cause.starts_with("connection_") => "V9.2.5",
        _ => "V9.2.1",
    }
}
