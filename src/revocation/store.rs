//! What is known of the certificates asked about, and what is to be fetched.
//! Pure: it says what to fetch, and takes what came.

use std::rc::Rc;

use hashbrown::HashMap;

use super::asked::Asked;
use super::lists::Lists;
use super::ocsp::{
    self, Answer, CacheKey, CertIdHash, Demands, Nonce, NonceDemand, OcspError, REQUEST_TYPE,
    RESPONSE_TYPE,
};
use super::responder::{Responder, split_http};
use super::status::{Looked, Source, Staple, Status, Trouble};
use crate::trust::{Instant, SignatureVerifier};

mod entry;
mod responders;

use entry::Entry;
use responders::Responders;

pub use responders::MAX_OPEN;

/// Certificates whose status is kept: as many as verdicts on certificates are
/// (`decision::certificates`). Those asked for last stay.
pub const MAX_ENTRIES: usize = 4_096;
/// Seconds before the first and between the last tries after a failure.
const BACK_OFF: [i64; 5] = [1, 2, 5, 15, 30];

/// The evidence of one root context.
pub struct Store {
    lists: Lists,
    responders: Responders,
    /// OCSP responses of the policy.
    responses: Rc<[Vec<u8>]>,
    max_wait_nanos: u64,
    verifier: Rc<dyn SignatureVerifier>,
    random: Random,
    entries: HashMap<CacheKey, Entry>,
    clock: u64,
}

/// Random octets that nobody can predict; `None` where the host has none.
pub type Random = fn() -> Option<[u8; 32]>;

/// A request to a responder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What the answer is about.
    pub key: CacheKey,
    /// The Envoy cluster that leads to the responder.
    pub cluster: Box<str>,
    /// The request's authority.
    pub authority: String,
    /// Its path.
    pub path: String,
    /// The body of a POST; `None` for a GET.
    pub body: Option<Vec<u8>>,
    /// Milliseconds before it is given up.
    pub timeout_ms: u32,
    /// When the answer came that is known, in nanoseconds; 0 for none.
    pub newer_than: u64,
    responder: usize,
    nonce: NonceDemand,
}

impl Order {
    /// The content type of the request.
    pub const fn content_type(&self) -> Option<&'static str> {
        match self.body {
            Some(_) => Some(REQUEST_TYPE),
            None => None,
        }
    }
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched<'a> {
    /// The HTTP status; 0 for no answer.
    pub status: u32,
    /// The content type.
    pub content_type: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learnt {
    /// Whether other workers may learn from it.
    pub is_news: bool,
    /// `good`, `revoked`, `unknown` or a kind of trouble.
    pub result: &'static str,
}

/// A moment, in the two measures that are needed.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Nanoseconds since the Unix epoch.
    pub nanos: u64,
    /// Seconds since the Unix epoch, and the clock skew.
    pub at: Instant,
}

impl Store {
    /// A store that may ask these responders, and has these lists and responses.
    pub fn new(
        lists: Lists,
        responders: Vec<Responder>,
        responses: Rc<[Vec<u8>]>,
        max_wait_ms: u32,
        verifier: Rc<dyn SignatureVerifier>,
        random: Random,
    ) -> Self {
        Self {
            lists,
            responders: Responders::new(responders),
            responses,
            max_wait_nanos: u64::from(max_wait_ms) * 1_000_000,
            verifier,
            random,
            entries: HashMap::new(),
            clock: 0,
        }
    }

    /// The lists.
    pub const fn lists(&mut self) -> &mut Lists {
        &mut self.lists
    }

    /// Does a part of what is left to load of a list.
    pub fn load_lists(&mut self, now: Now) -> Option<super::Told> {
        self.lists.step(self.verifier.as_ref(), now)
    }

    /// The status of a certificate, and what a staple is worth that came along.
    ///
    /// All sources are asked, but no responder about what a list revokes. Revoked
    /// wins over all; then good; then an answer that is on its way over what went
    /// wrong elsewhere.
    pub fn look_up(&mut self, asked: &Rc<Asked>, staple: Option<&[u8]>, now: Now) -> Looked {
        let by_lists = self.lists.status(asked, now);
        let responder = match by_lists {
            Some(Status::Revoked { .. }) => None,
            _ => self.responders.of(asked),
        };
        let (by_ocsp, staple) = self.by_ocsp(asked, responder, staple, now);
        Looked {
            status: match by_lists {
                Some(by_lists) => by_lists.or(by_ocsp, now.at.now),
                None => by_ocsp,
            },
            staple,
        }
    }

    fn by_ocsp(
        &mut self,
        asked: &Rc<Asked>,
        responder: Option<usize>,
        staple: Option<&[u8]>,
        now: Now,
    ) -> (Status, Staple) {
        let can_know = responder.is_some()
            || staple.is_some()
            || !self.responses.is_empty()
            || self.entries.contains_key(asked.key());
        if !can_know {
            let status = Status::None {
                trouble: Trouble::NoSource,
                detail: "the certificate names no OCSP responder of the policy".to_owned(),
            };
            return (status, Staple::Absent);
        }
        self.clock += 1;
        let Some(mut entry) = self.take_entry(asked, now) else {
            let status = Status::None {
                trouble: Trouble::Unreachable,
                detail: format!("{MAX_ENTRIES} certificates are being asked about already"),
            };
            return (status, Staple::Absent);
        };
        entry.used = self.clock;
        entry.forget_ended(now.at.now);
        let staple = self.read_staple(&mut entry, staple, now);
        if let Some(index) = responder {
            if entry.is_due(now.at.now) {
                match self.responders.want(index, asked.key(), now.at.now) {
                    Ok(()) => entry.open(now.nanos),
                    Err(trouble) => entry.trouble = Some(trouble),
                }
            }
        } else if entry.trouble.is_none() {
            entry.trouble = Some(match &staple {
                Staple::Refused(trouble, detail) => (*trouble, detail.clone()),
                _ => (
                    Trouble::NoSource,
                    "the certificate names no OCSP responder of the policy".to_owned(),
                ),
            });
        }
        let status = entry.status(now, self.max_wait_nanos);
        self.entries.insert(asked.key().clone(), entry);
        (status, staple)
    }

    /// The entry of a certificate, out of the table; a new one knows what the
    /// policy's responses say. `None` where there is no room.
    fn take_entry(&mut self, asked: &Rc<Asked>, now: Now) -> Option<Entry> {
        if let Some(entry) = self.entries.remove(asked.key()) {
            return Some(entry);
        }
        if !self.make_room() {
            return None;
        }
        let mut entry = Entry::new(Rc::clone(asked));
        let responses = Rc::clone(&self.responses);
        for response in responses.iter() {
            match self.verify(asked, response, NonceDemand::NotSent, now.at) {
                Ok(answer) => {
                    entry.learn(answer, Source::OcspPolicy, now.nanos, now.at.now);
                }
                Err(OcspError::NoMatch) => {}
                Err(error) => entry.trouble = Some((trouble_of(&error), error.to_string())),
            }
        }
        Some(entry)
    }

    fn read_staple(&self, entry: &mut Entry, staple: Option<&[u8]>, now: Now) -> Staple {
        let Some(staple) = staple else {
            return Staple::Absent;
        };
        match self.verify(&entry.asked, staple, NonceDemand::NotSent, now.at) {
            Ok(answer) => {
                entry.learn(answer, Source::OcspStaple, now.nanos, now.at.now);
                Staple::Holds
            }
            Err(error) => Staple::Refused(trouble_of(&error), error.to_string()),
        }
    }

    /// The next request to send, if there is one and few enough are open.
    pub fn take_order(&mut self, now: i64) -> Option<Order> {
        loop {
            let (index, key) = self.responders.take_wanted(now)?;
            let entry = self.entries.get(&key);
            let order = entry.and_then(|entry| self.order(index, entry, key.clone()));
            if order.is_some() {
                return order;
            }
            self.responders.closed(index);
            if let Some(entry) = self.entries.get_mut(&key) {
                let detail = "it cannot be asked: the host has no random numbers";
                entry.fail((Trouble::Unreachable, detail.to_owned()), now);
            }
        }
    }

    /// A request came back, or could not be sent.
    pub fn answered(&mut self, order: &Order, fetched: &Fetched<'_>, now: Now) -> Learnt {
        self.responders.closed(order.responder);
        let result = self.read(order, fetched, now.at);
        match &result {
            Err(Failure::Responder(detail)) => {
                let left = self.responders.failed(order.responder, detail, now.at.now);
                // Nobody waits for one that does not answer.
                for key in left {
                    self.fail(&key, (Trouble::Unreachable, detail.clone()), now.at.now);
                }
            }
            _ => self.responders.succeeded(order.responder),
        }
        match result {
            Ok(answer) => Learnt {
                is_news: self.entries.get_mut(&order.key).is_some_and(|entry| {
                    let seconds = now.at.now;
                    let source = Source::OcspResponder;
                    let is_news = entry.learn(answer, source, now.nanos, seconds);
                    if !is_news {
                        entry.pause(seconds);
                    }
                    is_news
                }),
                result: answer.status.as_str(),
            },
            Err(Failure::Responder(detail)) => {
                self.fail(&order.key, (Trouble::Unreachable, detail), now.at.now);
                Learnt {
                    is_news: false,
                    result: Trouble::Unreachable.as_str(),
                }
            }
            Err(Failure::Answer(trouble, detail)) => {
                self.fail(&order.key, (trouble, detail), now.at.now);
                Learnt {
                    is_news: false,
                    result: trouble.as_str(),
                }
            }
        }
    }

    /// Another worker's answer, which came to it at this time, in nanoseconds.
    /// Returns whether it is of use; if not, nothing has changed.
    pub fn shared(&mut self, order: &Order, answer: &[u8], came_at: u64, now: Now) -> bool {
        let Some(entry) = self.entries.get(&order.key) else {
            return false;
        };
        // A nonce was for the worker that asked.
        let Ok(answer) = self.verify(&entry.asked, answer, NonceDemand::NotSent, now.at) else {
            return false;
        };
        let entry = self.entries.get_mut(&order.key);
        let is_of_use = entry
            .is_some_and(|entry| entry.learn(answer, Source::OcspResponder, came_at, now.at.now));
        if is_of_use {
            self.responders.closed(order.responder);
        }
        is_of_use
    }

    /// Whether there is anybody to ask.
    pub fn has_responders(&self) -> bool {
        !self.responders.is_empty()
    }

    /// Whether something is to be sent.
    pub fn has_orders(&self, now: i64) -> bool {
        self.responders.has_wanted(now)
    }

    fn fail(&mut self, key: &CacheKey, trouble: (Trouble, String), now: i64) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.fail(trouble, now);
        }
    }

    fn read(&self, order: &Order, fetched: &Fetched<'_>, at: Instant) -> Result<Answer, Failure> {
        match fetched.status {
            0 => {
                return Err(Failure::Responder(format!(
                    "the responder did not answer by way of the cluster {:?}",
                    order.cluster
                )));
            }
            200 => {}
            status => {
                let detail = format!("the responder answered with HTTP status {status}");
                return Err(match status {
                    429 | 500.. => Failure::Responder(detail),
                    _ => Failure::Answer(Trouble::Unreachable, detail),
                });
            }
        }
        let media_type = fetched.content_type.split(';').next().unwrap_or_default();
        if !media_type.trim().eq_ignore_ascii_case(RESPONSE_TYPE) {
            return Err(Failure::Answer(
                Trouble::Invalid,
                format!("the answer is {media_type:?} and not {RESPONSE_TYPE}"),
            ));
        }
        let Some(entry) = self.entries.get(&order.key) else {
            let detail = "nobody waits for it any more".to_owned();
            return Err(Failure::Answer(Trouble::Unreachable, detail));
        };
        self.verify(&entry.asked, fetched.body, order.nonce, at)
            .map_err(|error| Failure::Answer(trouble_of(&error), error.to_string()))
    }

    fn verify(
        &self,
        asked: &Asked,
        response: &[u8],
        nonce: NonceDemand,
        at: Instant,
    ) -> Result<Answer, OcspError> {
        let demands = Demands {
            nonce,
            ..Demands::default()
        };
        let verifier = self.verifier.as_ref();
        ocsp::verify(response, &asked.question(), &demands, verifier, at)
    }

    fn order(&self, index: usize, entry: &Entry, key: CacheKey) -> Option<Order> {
        let (responder, url) = self.responders.get(index, &entry.asked)?;
        let (authority, path) = split_http(url)?;
        let nonce = match responder.nonce {
            true => NonceDemand::Required(Nonce::new((self.random)()?)),
            false => NonceDemand::NotSent,
        };
        let question = entry.asked.question();
        let request = ocsp::request(&question, CertIdHash::Sha1, nonce.nonce());
        // An answer with a nonce is nobody else's: no cache could keep it.
        let get = ocsp::get_path(url, &request).filter(|_| !responder.nonce);
        let (path, body) = match get {
            Some(path) => (path, None),
            None if path.is_empty() => ("/".to_owned(), Some(request)),
            None => (path.to_owned(), Some(request)),
        };
        Some(Order {
            key,
            cluster: responder.cluster.clone(),
            authority,
            path,
            body,
            timeout_ms: responder.timeout_ms,
            newer_than: entry.came_at(),
            responder: index,
            nonce,
        })
    }

    /// Drops what was not asked for for longest, an eighth at a time, so that the
    /// search for it is rare; what is being asked for stays. Whether there is
    /// room.
    fn make_room(&mut self) -> bool {
        if self.entries.len() < MAX_ENTRIES {
            return true;
        }
        let mut used: Vec<u64> = self
            .entries
            .values()
            .filter(|entry| !entry.is_open())
            .map(|entry| entry.used)
            .collect();
        used.sort_unstable();
        let Some(bound) = used.get(used.len() / 8).copied() else {
            return false;
        };
        self.entries
            .retain(|_, entry| entry.used > bound || entry.is_open());
        true
    }
}

/// Why a request brought no status.
enum Failure {
    /// The responder does not work: whatever it is asked next would fail, too.
    Responder(String),
    /// The answer is of no use.
    Answer(Trouble, String),
}

const fn trouble_of(error: &OcspError) -> Trouble {
    match error {
        OcspError::NotNow(_) | OcspError::Refused(_) => Trouble::Unreachable,
        OcspError::Stale { .. } => Trouble::Stale,
        OcspError::NoMatch | OcspError::NotYetValid { .. } | OcspError::Invalid(_) => {
            Trouble::Invalid
        }
    }
}

#[cfg(test)]
mod tests;
