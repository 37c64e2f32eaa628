//! One case: who comes, through which listener, for which server, and what
//! should come of it.

use hopguard_testbed::TlsVersion;
use hopguard_testbed::config::UpstreamTls;
use hopguard_testbed::pki::Issued;

use super::server::Server;
use crate::about::{About, Section};
use crate::caller::Caller;
use crate::expected::{Answer, Expected};

/// What a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// TCP: plaintext, or TLS that Envoy does not open.
    Tcp,
    Tls,
    /// TLS; it asks for a certificate, and takes any or none: hopguard is to judge.
    TlsWithCertificate,
}

/// One line of the table.
pub struct Case {
    pub about: About,
    /// Of the listener and of the cluster; rules match it.
    pub name: &'static str,
    pub door: Door,
    pub caller: Caller,
    pub server: Server,
    /// How Envoy speaks with the server.
    pub tls: Option<UpstreamTls>,
    /// Whether Envoy connects to the server only when the client's handshake is complete, and
    /// says so to hopguard.
    pub connects_late: bool,
}

/// A case with TLS to the client and to the server.
pub fn case(
    section: Section,
    name: &'static str,
    words: &'static str,
    control: &'static str,
    server: Server,
    tls: Option<UpstreamTls>,
) -> Case {
    Case {
        about: About {
            section,
            words,
            control,
            expected: Expected::allowed(Answer::Answered),
        },
        name,
        door: Door::Tls,
        caller: Caller::Tls,
        server,
        tls,
        connects_late: false,
    }
}

impl Case {
    pub fn at(mut self, door: Door) -> Self {
        self.door = door;
        self
    }

    pub fn plaintext(mut self) -> Self {
        self.caller = Caller::Plaintext;
        self
    }

    pub fn certificate(mut self, name: &'static str, certificate: Issued) -> Self {
        self.caller = Caller::Certificate(name, certificate);
        self
    }

    pub fn asks_for(mut self, server_name: &'static str) -> Self {
        self.caller = Caller::ServerName(server_name);
        self
    }

    pub fn offers(mut self, server_name: &'static str, min: TlsVersion, max: TlsVersion) -> Self {
        self.caller = Caller::Versions(server_name, min, max);
        self
    }

    pub fn connects_late(mut self) -> Self {
        self.connects_late = true;
        self
    }

    /// The server answers, and nothing is said of it.
    pub fn allowed(self) -> Self {
        self.expects(Expected::allowed(Answer::Answered))
    }

    /// Neither side gets a byte of the other.
    pub fn denied(self, cause: &'static str) -> Self {
        self.expects(Expected::denied(Answer::Closed, cause))
    }

    /// The server answers, and the event says that it would not have.
    pub fn reported(self, cause: &'static str) -> Self {
        self.expects(Expected::reported(Answer::Answered, cause))
    }

    /// The server answers, by a waiver.
    pub fn waived(self) -> Self {
        self.expects(Expected::waived(Answer::Answered))
    }

    /// Envoy itself comes to no connection, and an event says so.
    pub fn failed(self, cause: &'static str) -> Self {
        self.expects(Expected::failed(Answer::Closed, cause))
    }

    fn expects(mut self, expected: Expected) -> Self {
        self.about.expected = expected;
        self
    }
}
