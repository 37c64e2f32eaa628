//! What every case has, over HTTP or TCP: its line in the table.

use crate::expected::Expected;

/// The parts of the table, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Client,
    Server,
    Revocation,
    ClientHandshake,
    ServerConnection,
    Redis,
    Passthrough,
    Greeting,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct About {
    pub section: Section,
    pub words: &'static str,
    pub control: &'static str,
    pub expected: Expected,
}

impl Section {
    pub fn title(self) -> &'static str {
        match self {
            Self::Client => "HTTP: THE CLIENT",
            Self::Server => "HTTP: THE SERVER",
            Self::Revocation => "HTTP: REVOKED CERTIFICATES",
            Self::ClientHandshake => "HTTP: NO HANDSHAKE WITH THE CLIENT",
            Self::ServerConnection => "HTTP: NO CONNECTION TO THE SERVER",
            Self::Redis => "TCP: REDIS BEHIND ENVOY",
            Self::Passthrough => "TCP: TLS THAT ENVOY PASSES ON",
            Self::Greeting => "TCP: THE SERVER SPEAKS FIRST",
        }
    }
}
