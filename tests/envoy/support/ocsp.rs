//! An OCSP responder: `openssl ocsp` decides and signs, and a server of the
//! testbed carries its answers, so that requests are counted and answers can be
//! made wrong.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Mutex};

use data_encoding::BASE64;
use hopguard_testbed::pki::{Authority, Issued};
use hopguard_testbed::upstream::{Reply, SeenRequest, Upstream};
use tempfile::TempDir;

/// What the responder knows of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    Good,
    Revoked,
}

/// Changes an answer on its way out.
type Spoil = Box<dyn Fn(Vec<u8>) -> Reply + Send + Sync>;

/// A running responder of one CA.
pub struct Responder {
    server: Upstream,
    state: Arc<State>,
}

struct State {
    directory: TempDir,
    known: Mutex<BTreeMap<String, Known>>,
    spoil: Mutex<Option<Spoil>>,
}

impl Responder {
    /// A responder that knows nothing yet, and signs with the CA's own key.
    pub async fn start(ca: &Authority) -> Self {
        let directory = TempDir::new().unwrap();
        ca.write_to(directory.path(), "ca").unwrap();
        let state = Arc::new(State {
            directory,
            known: Mutex::default(),
            spoil: Mutex::default(),
        });
        let answering = Arc::clone(&state);
        let server = Upstream::plaintext()
            .handler(move |request| answering.reply(request))
            .start()
            .await
            .unwrap();
        Self { server, state }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// What it knows of this certificate, from now on.
    pub fn set(&self, certificate: &Issued, known: Known) {
        let serial = certificate.serial_hex().to_uppercase();
        self.state.known.lock().unwrap().insert(serial, known);
    }

    /// Answers in this way, from now on.
    pub fn spoil(&self, spoil: impl Fn(Vec<u8>) -> Reply + Send + Sync + 'static) {
        *self.state.spoil.lock().unwrap() = Some(Box::new(spoil));
    }

    /// How many requests came.
    pub fn requests(&self) -> usize {
        self.server.requests().len()
    }

    /// The server that carries the answers.
    pub fn server(&self) -> &Upstream {
        &self.server
    }
}

impl State {
    fn reply(&self, request: &SeenRequest) -> Reply {
        let question = if request.method == "GET" {
            let encoded = request.path.rsplit('/').next().unwrap_or_default();
            let encoded = encoded
                .replace("%2B", "+")
                .replace("%2F", "/")
                .replace("%3D", "=");
            BASE64.decode(encoded.as_bytes()).unwrap()
        } else {
            request.body.clone()
        };
        let answer = self.answer(&question);
        match &*self.spoil.lock().unwrap() {
            Some(spoil) => spoil(answer),
            None => response(answer),
        }
    }

    fn answer(&self, question: &[u8]) -> Vec<u8> {
        let path = |name: &str| self.directory.path().join(name);
        let mut index = String::new();
        for (serial, known) in &*self.known.lock().unwrap() {
            let (status, revoked) = match known {
                Known::Good => ("V", ""),
                Known::Revoked => ("R", "250101000000Z,keyCompromise"),
            };
            index +=
                &format!("{status}\t491231235959Z\t{revoked}\t{serial}\tunknown\t/CN={serial}\n");
        }
        std::fs::write(path("index"), index).unwrap();
        std::fs::write(path("question"), question).unwrap();
        let output = Command::new("openssl")
            .arg("ocsp")
            .arg("-index")
            .arg(path("index"))
            .arg("-CA")
            .arg(path("ca.pem"))
            .arg("-rsigner")
            .arg(path("ca.pem"))
            .arg("-rkey")
            .arg(path("ca.key"))
            .arg("-reqin")
            .arg(path("question"))
            .arg("-respout")
            .arg(path("answer"))
            .args(["-ndays", "1", "-resp_no_certs"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        std::fs::read(path("answer")).unwrap()
    }
}

/// An answer as a responder gives it.
pub fn response(body: Vec<u8>) -> Reply {
    Reply::ok(body).header("content-type", "application/ocsp-response")
}
