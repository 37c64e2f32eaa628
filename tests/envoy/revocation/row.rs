//! A row of a table: what there is to learn of a certificate, what its rule says
//! of that, and what must come of it.

use hopguard_testbed::pki::{Issued, LeafBuilder};
use hopguard_testbed::revocation::{Database, Known, Question, Signing};
use hopguard_testbed::upstream::Reply;
use serde_json::{Value, json};

use super::World;

/// What must come of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Let through, and nothing is said of it.
    Served,
    /// Denied for this cause, with these words in the event's detail.
    Denied(&'static str, &'static str),
    /// Let through with a warning of this cause.
    Warned(&'static str, &'static str),
    /// Let through by a waiver.
    Waived,
}

impl Outcome {
    /// Whether what the client says arrives.
    pub fn is_served(self) -> bool {
        !matches!(self, Self::Denied(..))
    }

    /// The event's name, cause and words.
    pub fn event(self) -> Option<[&'static str; 3]> {
        match self {
            Self::Served | Self::Waived => None,
            Self::Denied(cause, words) => Some(["hopguard.denied", cause, words]),
            Self::Warned(cause, words) => Some(["hopguard.warning", cause, words]),
        }
    }
}

/// How a row makes what there is to learn of its certificate.
type Evidence = Box<dyn Fn(&World, &Issued)>;

/// One row.
pub struct Row {
    pub name: String,
    pub outcome: Outcome,
    /// Who says so, as the event has it; checked where there is an event.
    pub source: Option<&'static str>,
    urls: Vec<String>,
    certificate: fn(LeafBuilder) -> LeafBuilder,
    evidence: Evidence,
    demands: Value,
    waive: Value,
}

impl Row {
    /// A certificate that names the world's responder, which knows nothing of
    /// it; its rule demands revocation and allows nothing. It is let through.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            outcome: Outcome::Served,
            source: None,
            urls: vec!["http://ocsp.test/".to_owned()],
            certificate: |builder| builder,
            evidence: Box::new(|_, _| ()),
            demands: json!({}),
            waive: json!([]),
        }
    }

    /// A certificate that the responder knows to be good.
    pub fn good(name: &str) -> Self {
        Self::new(name).known(Known::Good)
    }

    /// Names the responder on this host.
    pub fn host(self, host: &str) -> Self {
        self.url(&format!("http://{host}/"))
    }

    /// Names this URL of a responder.
    pub fn url(mut self, url: &str) -> Self {
        self.urls = vec![url.to_owned()];
        self
    }

    /// Names no responder.
    pub fn no_url(mut self) -> Self {
        self.urls.clear();
        self
    }

    /// Changes the certificate.
    pub fn certificate(mut self, change: fn(LeafBuilder) -> LeafBuilder) -> Self {
        self.certificate = change;
        self
    }

    /// Makes what there is to learn of the certificate.
    pub fn evidence(mut self, make: impl Fn(&World, &Issued) + 'static) -> Self {
        let before = self.evidence;
        self.evidence = Box::new(move |world, certificate| {
            before(world, certificate);
            make(world, certificate);
        });
        self
    }

    /// What the responder's CA knows of the certificate.
    pub fn known(self, known: Known) -> Self {
        self.evidence(move |world, certificate| world.responder.set(certificate, known))
    }

    /// The responder answers like this.
    pub fn reply(
        self,
        reply: impl Fn(&Database, &Question) -> Reply + Clone + Send + Sync + 'static,
    ) -> Self {
        self.evidence(move |world, certificate| world.responder.reply(certificate, reply.clone()))
    }

    /// The answer is signed like this.
    pub fn signing(self, signing: impl Fn(&World) -> Signing + 'static) -> Self {
        self.evidence(move |world, certificate| world.responder.sign(certificate, signing(world)))
    }

    /// What the rule says of each kind of trouble.
    pub fn demands(mut self, demands: Value) -> Self {
        self.demands = demands;
        self
    }

    /// The rule waives V9.2.4.
    pub fn waived(mut self) -> Self {
        self.waive = json!([{
            "controls": ["V9.2.4"], "reason": "a responder is built", "until": "2099-12-31",
        }]);
        self
    }

    /// What must come of it.
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// It must be denied, with these words in the event's detail.
    pub fn denied(self, cause: &'static str, words: &'static str) -> Self {
        self.outcome(Outcome::Denied(cause, words))
    }

    /// And the event must name this source.
    pub fn by(mut self, source: &'static str) -> Self {
        self.source = Some(source);
        self
    }

    /// It must be let through with a warning.
    pub fn warned(self, cause: &'static str, words: &'static str) -> Self {
        self.outcome(Outcome::Warned(cause, words))
    }

    /// Its certificate, and what there is to learn of it.
    pub fn issue(&self, world: &World, builder: LeafBuilder) -> Issued {
        let builder = self.urls.iter().fold(builder, |b, url| b.ocsp_url(url));
        let certificate = (self.certificate)(builder).issue();
        (self.evidence)(world, &certificate);
        certificate
    }

    /// Its rule, which matches what fits these patterns.
    pub fn rule(&self, matches: Value) -> Value {
        let mut rule = json!({
            "name": self.name,
            "match": matches,
            "require": { "peer_certificate": {
                "trust_stores": ["ca"], "names": "any", "revocation": self.demands,
            }},
        });
        if self.waive != json!([]) {
            rule["waive"] = self.waive.clone();
        }
        rule
    }
}

/// An answer with another content type, or another body.
pub fn good_answer(database: &Database, question: &Question) -> Vec<u8> {
    database.answer(&question.der, &Signing::default()).unwrap()
}
