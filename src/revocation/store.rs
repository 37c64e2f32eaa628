//! What is known of the certificates asked for, and what is to be fetched. Pure:
//! it says what to fetch, and takes what came.

use std::collections::VecDeque;
use std::rc::Rc;

use hashbrown::HashMap;

use super::asked::Asked;
use super::crl::{self, Crl, CrlStatus};
use super::ocsp::{
    self, Answer, CacheKey, CertIdHash, CertStatus, Demands, OcspError, REQUEST_TYPE, RESPONSE_TYPE,
};
use super::responder::{Responder, split_http};
use super::status::{Source, Status, Trouble};
use crate::trust::{Instant, SignatureVerifier};

/// Certificates whose status is kept: as many as verdicts on certificates are
/// (`decision::certificates`). Those asked for last stay.
pub const MAX_ENTRIES: usize = 4_096;
/// Requests that may be open at once: enough for a burst of new peers, and no
/// more than a responder should get from one worker.
pub const MAX_OPEN: usize = 64;
/// Seconds that a status is kept at the longest, whatever its responder says:
/// the seven days of RFC 5019, section 4, are too long for a revocation to go
/// unseen where a responder answers for that long.
const MAX_KEPT: i64 = 24 * 3_600;
/// The same where the responder does not know the certificate: it may be a new
/// one that it learns of soon.
const MAX_KEPT_UNKNOWN: i64 = 60;
/// Seconds before the first and between the last tries after a failure.
const BACK_OFF: [i64; 5] = [1, 2, 5, 15, 30];

/// The evidence of one root context.
pub struct Store {
    responders: Vec<Responder>,
    crls: Vec<Rc<Crl>>,
    max_wait_nanos: u64,
    verifier: Rc<dyn SignatureVerifier>,
    entries: HashMap<CacheKey, Entry>,
    wanted: VecDeque<CacheKey>,
    open: usize,
    clock: u64,
}

struct Entry {
    asked: Rc<Asked>,
    known: Option<Known>,
    fetch: Fetch,
    failures: usize,
    trouble: Option<(Trouble, String)>,
    /// When it was last asked for, by a clock that counts questions.
    used: u64,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    answer: Answer,
    /// When it came, in nanoseconds.
    came_at: u64,
    /// When to fetch the next one, in seconds.
    refresh_at: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fetch {
    /// Not before this second.
    Idle { not_before: i64 },
    /// Wanted or on its way, since (in nanoseconds).
    Open { since: u64 },
}

/// A request to a responder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What the answer is to be given back with.
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

/// A moment, in the two measures that are needed.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Nanoseconds since the Unix epoch.
    pub nanos: u64,
    /// Seconds since the Unix epoch, and the clock skew.
    pub at: Instant,
}

impl Store {
    /// A store that may ask these responders, and has these lists.
    pub fn new(
        responders: Vec<Responder>,
        crls: Vec<Rc<Crl>>,
        max_wait_ms: u32,
        verifier: Rc<dyn SignatureVerifier>,
    ) -> Self {
        Self {
            responders,
            crls,
            max_wait_nanos: u64::from(max_wait_ms) * 1_000_000,
            verifier,
            entries: HashMap::new(),
            wanted: VecDeque::new(),
            open: 0,
            clock: 0,
        }
    }

    /// The status of a certificate. All sources are asked, and revoked wins; a
    /// list comes before a responder, since it costs nothing.
    pub fn status(&mut self, asked: &Rc<Asked>, now: Now) -> Status {
        let from_lists = self.by_lists(asked, now.at);
        match from_lists {
            Some(status @ (Status::Revoked { .. } | Status::Good { .. })) => status,
            other => {
                let by_responder = self.by_responder(asked, now);
                match (by_responder, other) {
                    // That there is no responder is no reason to hide what is
                    // wrong with the lists.
                    (
                        Status::None {
                            trouble: Trouble::NoSource,
                            ..
                        },
                        Some(other),
                    ) => other,
                    (status, _) => status,
                }
            }
        }
    }

    fn by_lists(&self, asked: &Asked, at: Instant) -> Option<Status> {
        let question = asked.question()?;
        let lists: Vec<&Crl> = self.crls.iter().map(Rc::as_ref).collect();
        match crl::status(&lists, question.leaf, question.issuer, at) {
            CrlStatus::Good { valid_until, .. } => Some(Status::Good {
                ask_again: valid_until.saturating_add(1),
                source: Source::Crl,
            }),
            CrlStatus::Revoked { revoked_at, .. } => Some(Status::Revoked {
                since: revoked_at,
                source: Source::Crl,
            }),
            CrlStatus::Stale { error, .. } => Some(Status::None {
                trouble: Trouble::Stale,
                detail: error.to_string(),
            }),
            CrlStatus::NotCovered(_) => None,
        }
    }

    fn by_responder(&mut self, asked: &Rc<Asked>, now: Now) -> Status {
        if self.responder_of(asked).is_none() {
            return Status::None {
                trouble: Trouble::NoSource,
                detail: "the certificate names no OCSP responder of the policy".to_owned(),
            };
        }
        self.clock += 1;
        self.make_room(asked.key());
        let clock = self.clock;
        let entry = self
            .entries
            .entry(asked.key().clone())
            .or_insert_with(|| Entry {
                asked: Rc::clone(asked),
                known: None,
                fetch: Fetch::Idle { not_before: 0 },
                failures: 0,
                trouble: None,
                used: clock,
            });
        entry.used = clock;
        let seconds = now.at.now;
        entry.known = entry.known.filter(|k| seconds < k.answer.valid_until);
        let is_due = entry.known.is_none_or(|k| seconds >= k.refresh_at);
        if is_due
            && let Fetch::Idle { not_before } = entry.fetch
            && seconds >= not_before
        {
            entry.fetch = Fetch::Open { since: now.nanos };
            self.wanted.push_back(asked.key().clone());
        }
        entry.status(now, self.max_wait_nanos)
    }

    /// The next request to send, if there is one and few enough are open.
    pub fn take_order(&mut self) -> Option<Order> {
        while self.open < MAX_OPEN {
            let key = self.wanted.pop_front()?;
            let Some(entry) = self.entries.get(&key) else {
                continue;
            };
            let newer_than = entry.known.map_or(0, |known| known.came_at);
            if let Some(order) = self.order(&entry.asked, newer_than) {
                self.open += 1;
                return Some(order);
            }
        }
        None
    }

    /// A request came back, or could not be sent.
    /// Returns whether it is an answer that holds, and news.
    pub fn answered(&mut self, key: &CacheKey, fetched: &Fetched<'_>, now: Now) -> bool {
        self.open = self.open.saturating_sub(1);
        let result = match self.entries.get(key) {
            Some(entry) => self.read(&entry.asked, fetched, now.at),
            None => return false,
        };
        let Some(entry) = self.entries.get_mut(key) else {
            return false;
        };
        match result {
            Ok(answer) => entry.learn(answer, now.nanos, now.at.now),
            Err(trouble) => {
                entry.fail(trouble, now.at.now);
                false
            }
        }
    }

    /// Another worker's answer, which came to it at this time, in nanoseconds.
    /// Returns whether it is of use; if not, nothing has changed.
    pub fn shared(&mut self, key: &CacheKey, answer: &[u8], came_at: u64, now: Now) -> bool {
        let fetched = Fetched {
            status: 200,
            content_type: RESPONSE_TYPE,
            body: answer,
        };
        let Some(entry) = self.entries.get(key) else {
            return false;
        };
        let Ok(answer) = self.read(&entry.asked, &fetched, now.at) else {
            return false;
        };
        let is_of_use = self
            .entries
            .get_mut(key)
            .is_some_and(|entry| entry.learn(answer, came_at, now.at.now));
        if is_of_use {
            self.open = self.open.saturating_sub(1);
        }
        is_of_use
    }

    /// Whether there is anybody to ask.
    pub const fn has_responders(&self) -> bool {
        !self.responders.is_empty()
    }

    /// Whether something waits to be sent.
    pub fn has_orders(&self) -> bool {
        self.open < MAX_OPEN && !self.wanted.is_empty()
    }

    fn read(
        &self,
        asked: &Asked,
        fetched: &Fetched<'_>,
        at: Instant,
    ) -> Result<Answer, (Trouble, String)> {
        match fetched.status {
            0 => {
                return Err((
                    Trouble::Unreachable,
                    "the responder did not answer".to_owned(),
                ));
            }
            200 => {}
            status => {
                return Err((
                    Trouble::Unreachable,
                    format!("the responder answered with HTTP status {status}"),
                ));
            }
        }
        let media_type = fetched.content_type.split(';').next().unwrap_or_default();
        if !media_type.trim().eq_ignore_ascii_case(RESPONSE_TYPE) {
            return Err((
                Trouble::Invalid,
                format!("the answer is {media_type:?} and not {RESPONSE_TYPE}"),
            ));
        }
        let question = asked
            .question()
            .ok_or((Trouble::NoSource, "the certificate is pinned".to_owned()))?;
        let demands = Demands::default();
        ocsp::verify(
            fetched.body,
            &question,
            &demands,
            self.verifier.as_ref(),
            at,
        )
        .map_err(|error| (trouble_of(&error), error.to_string()))
    }

    fn responder_of<'a>(&'a self, asked: &'a Asked) -> Option<(&'a Responder, &'a str)> {
        asked.ocsp_urls().iter().find_map(|url| {
            let (host, _) = split_http(url)?;
            let responder = self.responders.iter().find(|r| *r.host == *host)?;
            Some((responder, url.as_str()))
        })
    }

    fn order(&self, asked: &Asked, newer_than: u64) -> Option<Order> {
        let (responder, url) = self.responder_of(asked)?;
        let (authority, path) = split_http(url)?;
        let request = ocsp::request(&asked.question()?, CertIdHash::Sha1, None);
        let get = ocsp::get_path(url, &request);
        let (path, body) = match get {
            Some(path) => (path, None),
            None if path.is_empty() => ("/".to_owned(), Some(request)),
            None => (path.to_owned(), Some(request)),
        };
        Some(Order {
            key: asked.key().clone(),
            cluster: responder.cluster.clone(),
            authority,
            path,
            body,
            timeout_ms: responder.timeout_ms,
            newer_than,
        })
    }

    /// Drops what was not asked for for longest, an eighth at a time, so that the
    /// search for it is rare.
    fn make_room(&mut self, key: &CacheKey) {
        if self.entries.len() < MAX_ENTRIES || self.entries.contains_key(key) {
            return;
        }
        let mut used: Vec<u64> = self
            .entries
            .values()
            .filter(|entry| matches!(entry.fetch, Fetch::Idle { .. }))
            .map(|entry| entry.used)
            .collect();
        used.sort_unstable();
        let bound = used.get(used.len() / 8).copied().unwrap_or(u64::MAX);
        self.entries
            .retain(|_, entry| entry.used > bound || matches!(entry.fetch, Fetch::Open { .. }));
    }
}

impl Entry {
    fn status(&self, now: Now, max_wait_nanos: u64) -> Status {
        if let Some(known) = self.known {
            return match known.answer.status {
                CertStatus::Good => Status::Good {
                    // While the next answer is on its way, each question is
                    // asked anew: it may say otherwise.
                    ask_again: known.refresh_at.clamp(now.at.now, known.answer.valid_until),
                    source: Source::Ocsp,
                },
                CertStatus::Revoked { at, .. } => Status::Revoked {
                    since: at,
                    source: Source::Ocsp,
                },
                CertStatus::Unknown => Status::Unknown,
            };
        }
        let waited = |since| {
            now.nanos
                .checked_sub(since)
                .is_none_or(|w| w >= max_wait_nanos)
        };
        match (self.fetch, &self.trouble) {
            (Fetch::Open { since }, None) if !waited(since) => Status::Pending,
            (Fetch::Open { .. }, None) => Status::None {
                trouble: Trouble::Unreachable,
                detail: "the responder did not answer in time".to_owned(),
            },
            (_, Some((trouble, detail))) => Status::None {
                trouble: *trouble,
                detail: detail.clone(),
            },
            (Fetch::Idle { .. }, None) => Status::None {
                trouble: Trouble::Unreachable,
                detail: "the responder was not asked yet".to_owned(),
            },
        }
    }

    /// Takes an answer. Whether it is news, and still of use.
    fn learn(&mut self, answer: Answer, came_at: u64, now: i64) -> bool {
        let came = i64::try_from(came_at / 1_000_000_000).unwrap_or(now);
        let kept = came.saturating_add(match answer.status {
            CertStatus::Unknown => MAX_KEPT_UNKNOWN,
            CertStatus::Good | CertStatus::Revoked { .. } => MAX_KEPT,
        });
        if kept <= now {
            return false;
        }
        self.fetch = Fetch::Idle { not_before: 0 };
        self.failures = 0;
        self.trouble = None;
        if self
            .known
            .is_some_and(|known| !answer.may_replace(&known.answer))
        {
            // An older one, replayed or from a responder that lags: what is
            // known stays, and is asked for again after a while.
            self.fetch = Fetch::Idle {
                not_before: now.saturating_add(BACK_OFF.last().copied().unwrap_or(30)),
            };
            return false;
        }
        let answer = Answer {
            valid_until: answer.valid_until.min(kept),
            ..answer
        };
        // Ahead of its end, each certificate at a time of its own: between the
        // half and three quarters of what is left.
        let left = answer.valid_until.saturating_sub(now).max(0);
        let jitter = i64::from(self.asked.leaf().sha256().first().copied().unwrap_or(0));
        let refresh_at = now + left / 2 + left / 4 * jitter / 256;
        self.known = Some(Known {
            answer,
            came_at,
            refresh_at,
        });
        true
    }

    fn fail(&mut self, trouble: (Trouble, String), now: i64) {
        let pause = BACK_OFF
            .get(self.failures)
            .or(BACK_OFF.last())
            .copied()
            .unwrap_or(30);
        self.failures = self.failures.saturating_add(1);
        self.fetch = Fetch::Idle {
            not_before: now.saturating_add(pause),
        };
        self.trouble = Some(trouble);
    }
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

/// The headers of a request, apart from what an [`Order`] says.
pub const fn content_type(order: &Order) -> Option<&'static str> {
    match order.body {
        Some(_) => Some(REQUEST_TYPE),
        None => None,
    }
}

#[cfg(test)]
mod tests;
