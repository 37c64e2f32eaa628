//! The responders of a policy: what is wanted of each, and how each fares. One
//! that does not answer gets a pause, and then one request until it does; it
//! takes nothing from the others.

use std::collections::VecDeque;

use super::BACK_OFF;
use crate::revocation::asked::Asked;
use crate::revocation::ocsp::CacheKey;
use crate::revocation::responder::{Responder, split_http};
use crate::revocation::status::Trouble;

/// Requests that may be open at one responder: enough for a burst of new peers,
/// and no more than it should get from one worker.
pub const MAX_OPEN: usize = 32;

/// All of them.
pub(super) struct Responders {
    all: Vec<State>,
    /// Where to look first, so that each gets its turn.
    next: usize,
}

struct State {
    responder: Responder,
    wanted: VecDeque<CacheKey>,
    open: usize,
    failures: usize,
    /// In seconds.
    not_before: i64,
    /// What went wrong at the last try.
    detail: String,
}

impl State {
    fn pause_left(&self, now: i64) -> i64 {
        let longest = BACK_OFF.last().copied().unwrap_or(0);
        let left = self.not_before.saturating_sub(now);
        // A pause that ends too late is of a clock that jumped back.
        if left > longest { 0 } else { left.max(0) }
    }

    fn may_ask(&self, now: i64) -> bool {
        let max = if self.failures > 0 { 1 } else { MAX_OPEN };
        self.open < max && self.pause_left(now) == 0
    }
}

impl Responders {
    pub(super) fn new(responders: Vec<Responder>) -> Self {
        let state = |responder| State {
            responder,
            wanted: VecDeque::new(),
            open: 0,
            failures: 0,
            not_before: 0,
            detail: String::new(),
        };
        Self {
            all: responders.into_iter().map(state).collect(),
            next: 0,
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The responder to ask about a certificate: the first that it names and that
    /// the policy has.
    pub(super) fn of(&self, asked: &Asked) -> Option<usize> {
        let hosts = asked.ocsp_urls().iter().filter_map(|url| split_http(url));
        hosts
            .into_iter()
            .find_map(|(host, _)| self.all.iter().position(|s| *s.responder.host == *host))
    }

    /// A responder, and the URL by which this certificate names it.
    pub(super) fn get<'a>(
        &'a self,
        index: usize,
        asked: &'a Asked,
    ) -> Option<(&'a Responder, &'a str)> {
        let responder = &self.all.get(index)?.responder;
        let names_it = |url: &&String| split_http(url).is_some_and(|(h, _)| *responder.host == *h);
        let url = asked.ocsp_urls().iter().find(names_it)?;
        Some((responder, url))
    }

    /// Asks for a certificate, unless the responder has a pause.
    pub(super) fn want(
        &mut self,
        index: usize,
        key: &CacheKey,
        now: i64,
    ) -> Result<(), (Trouble, String)> {
        let Some(state) = self.all.get_mut(index) else {
            return Ok(());
        };
        match state.pause_left(now) {
            0 => {
                state.wanted.push_back(key.clone());
                Ok(())
            }
            left => {
                let detail = format!("{}; it is asked again in {left} s", state.detail);
                Err((Trouble::Unreachable, detail))
            }
        }
    }

    pub(super) fn has_wanted(&self, now: i64) -> bool {
        let mut all = self.all.iter();
        all.any(|state| !state.wanted.is_empty() && state.may_ask(now))
    }

    /// The next certificate to ask for, and of whom; it counts as open then.
    pub(super) fn take_wanted(&mut self, now: i64) -> Option<(usize, CacheKey)> {
        let count = self.all.len();
        for step in 0..count {
            let index = (self.next + step) % count;
            let state = self.all.get_mut(index)?;
            if !state.may_ask(now) {
                continue;
            }
            if let Some(key) = state.wanted.pop_front() {
                state.open += 1;
                self.next = index + 1;
                return Some((index, key));
            }
        }
        None
    }

    /// A request is no longer open.
    pub(super) fn closed(&mut self, index: usize) {
        if let Some(state) = self.all.get_mut(index) {
            state.open = state.open.saturating_sub(1);
        }
    }

    pub(super) fn succeeded(&mut self, index: usize) {
        if let Some(state) = self.all.get_mut(index) {
            state.failures = 0;
            state.not_before = 0;
        }
    }

    /// It does not work. Returns what else was wanted of it.
    pub(super) fn failed(&mut self, index: usize, detail: &str, now: i64) -> VecDeque<CacheKey> {
        let Some(state) = self.all.get_mut(index) else {
            return VecDeque::new();
        };
        // What was sent before the first failure fails along with it.
        if state.pause_left(now) == 0 {
            let pause = BACK_OFF.get(state.failures).or(BACK_OFF.last());
            state.not_before = now.saturating_add(pause.copied().unwrap_or(0));
            state.failures = state.failures.saturating_add(1);
        }
        detail.clone_into(&mut state.detail);
        std::mem::take(&mut state.wanted)
    }
}
