//! One case: who asks, through which listener, for which server, and what
//! should come of it.

use hopguard_testbed::TlsVersion;
use hopguard_testbed::pki::Issued;

use super::cluster::Choice;
use super::server::Server;
use crate::about::{About, Section};
use crate::caller::Caller;
use crate::expected::{Answer, Expected};
use crate::pki::HOST;

const OK: Answer = Answer::Status(200);
const UNAVAILABLE: Answer = Answer::Status(503);

/// One line of the table.
pub struct Case {
    pub about: About,
    pub listener: &'static str,
    pub caller: Caller,
    pub header: Option<(&'static str, &'static str)>,
    /// The cluster's name, where the policy matches it.
    pub cluster: Option<&'static str>,
    /// Empty: one that nothing is wrong with.
    pub servers: Vec<Server>,
    /// Which of them the request goes to.
    pub choice: Choice,
}

/// A case about the client; the server is one that nothing is wrong with.
pub fn client(words: &'static str, control: &'static str) -> Case {
    Case {
        caller: Caller::Plaintext,
        ..case(Section::Client, words, control)
    }
}

/// A case about the server; the client is one that nothing is wrong with.
pub fn server(words: &'static str, control: &'static str) -> Case {
    case(Section::Server, words, control)
}

/// A case about a certificate that may be revoked, of the server unless a client is given.
pub fn revocation(words: &'static str) -> Case {
    case(Section::Revocation, words, "V9.2.4")
}

/// A client that no handshake comes about with.
pub fn failing_client(words: &'static str) -> Case {
    case(Section::ClientHandshake, words, "V9.2.5")
}

/// A server that no connection comes about with.
pub fn failing_server(words: &'static str) -> Case {
    case(Section::ServerConnection, words, "V9.2.5")
}

fn case(section: Section, words: &'static str, control: &'static str) -> Case {
    Case {
        about: About {
            section,
            words,
            control,
            expected: Expected::allowed(OK),
        },
        listener: "public",
        caller: Caller::Tls,
        header: None,
        cluster: None,
        servers: Vec::new(),
        choice: Choice::Any,
    }
}

impl Case {
    pub fn at(mut self, listener: &'static str) -> Self {
        self.listener = listener;
        self
    }

    pub fn plaintext(mut self) -> Self {
        self.caller = Caller::Plaintext;
        self
    }

    pub fn tls(mut self) -> Self {
        self.caller = Caller::Tls;
        self
    }

    pub fn only(mut self, version: TlsVersion) -> Self {
        self.caller = Caller::Versions(HOST, version, version);
        self
    }

    pub fn certificate(mut self, name: &'static str, certificate: Issued) -> Self {
        self.caller = Caller::Certificate(name, certificate);
        self
    }

    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    pub fn cluster<const N: usize>(mut self, name: &'static str, servers: [Server; N]) -> Self {
        self.cluster = Some(name);
        self.servers = servers.into();
        self
    }

    pub fn sends_to(mut self, choice: Choice) -> Self {
        self.choice = choice;
        self
    }

    /// The request arrives, and nothing is said of it.
    pub fn allowed(self) -> Self {
        self.expects(Expected::allowed(OK))
    }

    /// The client gets hopguard's answer, the server not a byte.
    pub fn denied(self, cause: &'static str) -> Self {
        let answer = match (self.about.section, &self.caller) {
            (Section::Client, _) | (_, Caller::Certificate(..)) => Answer::Status(403),
            _ => UNAVAILABLE,
        };
        self.expects(Expected::denied(answer, cause))
    }

    /// The request arrives, and the event says that it would not have.
    pub fn reported(self, cause: &'static str) -> Self {
        self.expects(Expected::reported(OK, cause))
    }

    /// The request arrives by a waiver.
    pub fn waived(self) -> Self {
        self.expects(Expected::waived(OK))
    }

    /// An event says this besides.
    pub fn event(self, cause: &'static str) -> Self {
        let expected = self.about.expected.with_event(cause);
        self.expects(expected)
    }

    /// Envoy itself comes to no connection, and an event says so.
    pub fn failed(self, cause: &'static str) -> Self {
        let answer = match self.about.section {
            Section::ClientHandshake => Answer::Closed,
            _ => UNAVAILABLE,
        };
        self.expects(Expected::failed(answer, cause))
    }

    /// Whether there is no request, for want of a handshake.
    pub fn has_no_request(&self) -> bool {
        self.about.expected.answer == Answer::Closed
    }

    fn expects(mut self, expected: Expected) -> Self {
        self.about.expected = expected;
        self
    }
}
