//! An OCSP responder that is good, or wrong in one chosen way.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::database::{Database, Known};
use super::question::Question;
use super::signing::Signing;
use crate::error::Result;
use crate::pki::{Authority, Issued};
use crate::upstream::{Reply, SeenRequest, Upstream};

/// What is answered to a question.
type Answering = Arc<dyn Fn(&Database, &Question) -> Reply + Send + Sync>;

/// A running responder of one CA: `openssl ocsp` decides and signs, and an [`Upstream`] carries
/// its answers, so that requests are recorded and answers can be held back or made wrong.
#[derive(Debug)]
pub struct Responder {
    server: Upstream,
    state: Arc<State>,
}

struct State {
    database: Arc<Database>,
    /// By serial number.
    chosen: Mutex<HashMap<String, Answering>>,
    others: Mutex<Answering>,
}

impl Responder {
    /// A responder that knows nothing yet, and signs with the CA's own key.
    ///
    /// # Errors
    ///
    /// When it cannot listen, or its files cannot be written.
    pub async fn start(ca: &Authority) -> Result<Self> {
        let state = Arc::new(State {
            database: Arc::new(Database::new(ca)?),
            chosen: Mutex::default(),
            others: Mutex::new(signed(Signing::default())),
        });
        let answering = Arc::clone(&state);
        let server = Upstream::plaintext()
            .handler(move |request| answering.reply(request))
            .start()
            .await?;
        Ok(Self { server, state })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// What it knows of this certificate, from now on.
    pub fn set(&self, certificate: &Issued, known: Known) {
        self.state.database.set(certificate, known);
    }

    /// Answers like this when asked about this certificate, from now on.
    pub fn reply(
        &self,
        certificate: &Issued,
        reply: impl Fn(&Database, &Question) -> Reply + Send + Sync + 'static,
    ) {
        let mut chosen = lock(&self.state.chosen);
        chosen.insert(certificate.serial_hex(), Arc::new(reply));
    }

    /// What it knows of this certificate is signed like this, from now on.
    pub fn sign(&self, certificate: &Issued, signing: Signing) {
        let mut chosen = lock(&self.state.chosen);
        chosen.insert(certificate.serial_hex(), signed(signing));
    }

    /// Changes each answer on its way out, from now on.
    pub fn spoil(&self, spoil: impl Fn(Vec<u8>) -> Reply + Send + Sync + 'static) {
        let signing = Signing::default();
        *lock(&self.state.others) =
            Arc::new(move |database, question| spoil(answer(database, question, &signing)));
    }

    /// How many requests came.
    pub fn requests(&self) -> usize {
        self.server.requests().len()
    }

    /// How many requests about this certificate came.
    pub fn requests_about(&self, certificate: &Issued) -> usize {
        let serial = certificate.serial_hex();
        let requests = self.server.requests();
        let questions = requests.iter().map(Question::of);
        questions
            .filter(|question| question.as_ref().is_ok_and(|q| q.serial_hex == serial))
            .count()
    }

    /// What it knows.
    pub fn database(&self) -> &Arc<Database> {
        &self.state.database
    }

    /// The server that carries the answers.
    pub fn server(&self) -> &Upstream {
        &self.server
    }
}

impl State {
    fn reply(&self, request: &SeenRequest) -> Reply {
        // As RFC 6960 section 2.3 has it: malformedRequest.
        let Ok(question) = Question::of(request) else {
            return response(b"\x30\x03\x0a\x01\x01".to_vec());
        };
        let chosen = lock(&self.chosen).get(&question.serial_hex).cloned();
        let answering = chosen.unwrap_or_else(|| Arc::clone(&lock(&self.others)));
        answering(&self.database, &question)
    }
}

fn signed(signing: Signing) -> Answering {
    Arc::new(move |database, question| response(answer(database, question, &signing)))
}

fn answer(database: &Database, question: &Question, signing: &Signing) -> Vec<u8> {
    database
        .answer(&question.der, signing)
        .unwrap_or_else(|error| panic!("{error}"))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An answer as a responder gives it.
pub fn response(body: Vec<u8>) -> Reply {
    Reply::ok(body).header("content-type", "application/ocsp-response")
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}
