//! One server of each class, for HTTP and for TCP, and the certificates.

use std::net::SocketAddr;

use hopguard_testbed::pki::{Issued, Pki};
use hopguard_testbed::revocation::{Known, Responder};
use hopguard_testbed::upstream::{Fault, Upstream, UpstreamBuilder};

use super::model::{CLASSES, Class};

/// The name in the certificates' OCSP URL.
pub const RESPONDER: &str = "ocsp.test";
/// The name that only [`Class::Second`] has besides.
pub const SECOND_NAME: &str = "second.test";

/// The servers of one protocol.
pub struct Servers {
    servers: Vec<(Class, Upstream)>,
}

impl Servers {
    pub async fn new(
        certificates: &Certificates,
        protocol: fn(UpstreamBuilder) -> UpstreamBuilder,
    ) -> Self {
        let mut servers = Vec::new();
        for class in CLASSES {
            let builder = match class {
                Class::Nobody => continue,
                Class::Plaintext => Upstream::plaintext(),
                Class::Broken => Upstream::tls(&certificates.of(class)).fault(Fault::Reset),
                _ => Upstream::tls(&certificates.of(class)),
            };
            // Its answer says who it is.
            let builder = builder.respond(200, format!("{class:?}"));
            servers.push((class, protocol(builder).start().await.unwrap()));
        }
        Self { servers }
    }

    /// The server of a class; nobody is none.
    pub fn of(&self, class: Class) -> Option<&Upstream> {
        let of_class = |(other, _): &&(Class, Upstream)| *other == class;
        self.servers.iter().find(of_class).map(|(_, server)| server)
    }

    /// Where it listens.
    pub fn address(&self, class: Class) -> Option<SocketAddr> {
        self.of(class).map(Upstream::addr)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = (Class, &Upstream)> {
        self.servers.iter().map(|(class, server)| (*class, server))
    }
}

/// Who certifies the servers.
pub struct Certificates {
    pub pki: Pki,
    pub responder: Responder,
}

impl Certificates {
    pub async fn new() -> Self {
        let pki = Pki::new();
        let responder = Responder::start(&pki.intermediate).await.unwrap();
        Self { pki, responder }
    }

    /// A certificate for a server of this class.
    pub fn of(&self, class: Class) -> Issued {
        let right = self.pki.server("api.test").fresh_key();
        let asked = |known| {
            let url = format!("http://{RESPONDER}/");
            let issued = self
                .pki
                .server("api.test")
                .fresh_key()
                .ocsp_url(&url)
                .issue();
            self.responder.set(&issued, known);
            issued
        };
        match class {
            Class::Asked => asked(Known::Good),
            Class::Revoked => asked(Known::Revoked),
            Class::Second => right.dns(SECOND_NAME).issue(),
            Class::Expired => right.expired().issue(),
            Class::Stranger => self.pki.other.server("api.test").issue(),
            Class::Misnamed => self.pki.server("other.test").issue(),
            Class::Good | Class::Plaintext | Class::Broken | Class::Nobody => right.issue(),
        }
    }
}
