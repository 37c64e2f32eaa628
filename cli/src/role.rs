//! The roles of the plugin.

use clap::ValueEnum;

/// A role of the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Role {
    /// HTTP filter of a listener: judges clients
    Downstream,
    /// HTTP filter of a cluster: judges servers
    Upstream,
    /// L4 filter of a listener: judges both hops of TCP
    Network,
    /// Access logger: tells of connections that failed
    Log,
    /// Service of Envoy's own: watches its certificates and staples
    Posture,
}

impl Role {
    pub const ALL: [Self; 5] = [
        Self::Downstream,
        Self::Upstream,
        Self::Network,
        Self::Log,
        Self::Posture,
    ];

    /// The plugin's `root_id`.
    pub const fn root_id(self) -> &'static str {
        match self {
            Self::Downstream => "downstream",
            Self::Upstream => "upstream",
            Self::Network => "network",
            Self::Log => "log",
            Self::Posture => "posture",
        }
    }
}
