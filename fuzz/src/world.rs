//! What the targets judge by: certificates, answers and a list that were signed for good, and
//! the moment for which they were. `make fuzz-seeds` makes them.

use hopguard::revocation::crl::{Crl, Limits};
use hopguard::revocation::ocsp::{self, Answer, Question};
use hopguard::trust::{
    Certificate, Instant, KeyRequirements, SignatureVerifier, TrustStore, Usage, verify,
};

use super::verifier::{Indulgent, Taught};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../fixtures/", $name)).as_slice()
    };
}

const ROOT: &[u8] = fixture!("root.der");
const ISSUER: &[u8] = fixture!("issuer.der");

/// The fixtures, parsed.
pub struct World {
    /// Issued the leaves, answers for them, and signed the list.
    pub issuer: Certificate,
    /// Whom the answers are about.
    pub server: Certificate,
    /// The servers and the client that the issuer issued.
    pub issued: [(Certificate, Usage); 3],
    /// Pinned, not issued.
    pub pinned: Certificate,
    /// A moment of every fixture.
    pub at: Instant,
    /// The root, and the issuer below it.
    pub store: TrustStore,
    /// What the answers say.
    pub answers: Vec<Answer>,
    /// The issuer's list.
    pub list: Crl,
    /// Knows the signatures of all of these.
    pub taught: Taught,
}

/// The world, read once a thread: a list may lie in memory that is not for all of them.
pub fn world() -> &'static World {
    thread_local! {
        static WORLD: &'static World = Box::leak(Box::new(World::new()));
    }
    WORLD.with(|world| *world)
}

impl World {
    fn new() -> Self {
        let parse = |der| Certificate::parse(der).unwrap();
        let (issuer, server) = (parse(ISSUER), parse(fixture!("server.der")));
        let issued = [
            (server.clone(), Usage::Server),
            (parse(fixture!("revoked.der")), Usage::Server),
            (parse(fixture!("client.der")), Usage::Client),
        ];
        let at = Instant {
            now: include_str!("../fixtures/now.txt").parse().unwrap(),
            skew: 300,
        };
        let store = Self::store(at, &[]).build().unwrap();
        let (mut answers, mut list) = (Vec::new(), None);
        let taught = Taught::by(|verifier| {
            for (leaf, usage) in &issued {
                let keys = KeyRequirements::default();
                verify(leaf, &store, *usage, at, &keys, verifier).unwrap();
            }
            answers = Self::answers(&issuer, &server, at, verifier);
            Self::forge(&issuer, &server, at, verifier);
            let bytes = fixture!("crl.der").to_vec();
            list = Some(Crl::load(bytes, &[&issuer], at, Limits::default(), verifier).unwrap());
        });
        Self {
            issuer,
            server,
            issued,
            pinned: parse(fixture!("pinned.der")),
            at,
            store,
            answers,
            list: list.unwrap(),
            taught,
        }
    }

    /// The store, with more intermediates.
    pub fn store(at: Instant, more: &[&[u8]]) -> hopguard::trust::TrustStoreBuilder {
        let store = TrustStore::builder(at.now)
            .ca_certificate(ROOT)
            .intermediate(ISSUER);
        more.iter()
            .fold(store, |store, der| store.intermediate(*der))
    }

    fn answers(
        issuer: &Certificate,
        server: &Certificate,
        at: Instant,
        verifier: &dyn SignatureVerifier,
    ) -> Vec<Answer> {
        let question = Question {
            leaf: server,
            issuer,
        };
        let responses = [
            fixture!("ocsp-good.der"),
            fixture!("ocsp-good-by-delegate.der"),
            fixture!("ocsp-revoked.der"),
            fixture!("ocsp-unknown.der"),
        ];
        let demands = ocsp::Demands::default();
        responses
            .map(|response| ocsp::verify(response, &question, &demands, verifier, at).unwrap())
            .to_vec()
    }

    /// An answer of somebody whom another made a responder, in the issuer's name: that somebody
    /// signed it is known, and that the issuer did not sign for somebody.
    fn forge(
        issuer: &Certificate,
        server: &Certificate,
        at: Instant,
        verifier: &dyn SignatureVerifier,
    ) {
        let question = Question {
            leaf: server,
            issuer,
        };
        let forged = fixture!("ocsp-forged.der");
        let judge = |verifier: &dyn SignatureVerifier| {
            ocsp::verify(forged, &question, &ocsp::Demands::default(), verifier, at)
        };
        assert!(judge(&Indulgent(verifier)).is_ok());
        assert!(judge(verifier).is_err());
    }

    /// The question that the answers answer.
    pub fn question(&self) -> Question<'_> {
        Question {
            leaf: &self.server,
            issuer: &self.issuer,
        }
    }
}
