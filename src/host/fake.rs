//! A host in memory, for tests of the filters without a proxy.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::attributes::Path;
use super::ports::{CallId, Host, Level, MetricId, MetricKind};
use crate::decision::Direction;

/// What a stream did that its host would carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Answered with this status and body.
    Respond(u32, String),
    /// Let go on.
    Resume,
    /// An L4 connection, let go on.
    ResumeConnection,
    /// An L4 connection, closed.
    Close,
}

/// What workers share, by key, with its version.
pub type Shared = HashMap<String, (Vec<u8>, u32)>;

/// A host in memory.
#[derive(Debug, Default)]
pub struct FakeHost {
    /// The time, in nanoseconds.
    pub now: Cell<u64>,
    /// Attributes by stream.
    pub properties: RefCell<HashMap<(u32, Path), Vec<u8>>>,
    /// Request headers by stream.
    pub headers: RefCell<HashMap<(u32, String), Vec<u8>>>,
    /// What was done to which stream, in order.
    pub acts: RefCell<Vec<(u32, Act)>>,
    /// Filter state by stream.
    pub filter_state: RefCell<HashMap<(u32, String), String>>,
    /// What a side of an L4 connection sent, by stream.
    pub first_bytes: RefCell<HashMap<(u32, Direction), Vec<u8>>>,
    /// What the workers share, by key, with its version.
    pub shared: Rc<RefCell<Shared>>,
    /// Bodies of calls, in order; their ids count from 1.
    pub calls: RefCell<Vec<String>>,
    /// Where the calls went: cluster and path, in order.
    pub called: RefCell<Vec<(String, String)>>,
    /// Log lines that are events.
    pub lines: RefCell<Vec<String>>,
    /// The other log lines.
    pub notes: RefCell<Vec<(Level, String)>>,
    /// The timer.
    pub tick: Cell<u32>,
    /// Wake-ups asked for.
    pub wakes: Cell<u32>,
    /// Whether the downstream role runs, too.
    pub guards_clients: Cell<bool>,
    /// Whether wake-ups are possible.
    pub can_wake: Cell<bool>,
    /// Properties asked for.
    pub reads: RefCell<Vec<Path>>,
    metrics: RefCell<Vec<(String, i64)>>,
    stream: Cell<u32>,
}

impl FakeHost {
    /// Sets an attribute of a stream.
    pub fn set(&self, stream: u32, path: Path, value: impl AsRef<[u8]>) {
        self.properties
            .borrow_mut()
            .insert((stream, path), value.as_ref().to_vec());
    }

    /// Removes an attribute of a stream.
    pub fn unset(&self, stream: u32, path: Path) {
        self.properties.borrow_mut().remove(&(stream, path));
    }

    /// Sets a request header of a stream.
    pub fn header(&self, stream: u32, name: &str, value: impl AsRef<[u8]>) {
        self.headers
            .borrow_mut()
            .insert((stream, name.to_owned()), value.as_ref().to_vec());
    }

    /// The sum of the metrics whose names hold all of these texts.
    pub fn metric(&self, parts: &[&str]) -> i64 {
        self.metrics
            .borrow()
            .iter()
            .filter(|(name, _)| parts.iter().all(|p| name.contains(p)))
            .map(|(_, value)| value)
            .sum()
    }
}

impl Host for std::rc::Rc<FakeHost> {
    fn now_nanos(&self) -> u64 {
        self.now.get()
    }

    fn property(&self, path: Path) -> Option<Vec<u8>> {
        self.reads.borrow_mut().push(path);
        self.properties
            .borrow()
            .get(&(self.stream.get(), path))
            .cloned()
    }

    fn property_at(&self, path: &[u8]) -> Option<Vec<u8>> {
        let properties = self.properties.borrow();
        let (_, value) = properties
            .iter()
            .find(|((stream, at), _)| *stream == self.stream.get() && *at == path)?;
        Some(value.clone())
    }

    fn request_header(&self, name: &str) -> Option<Vec<u8>> {
        self.headers
            .borrow()
            .get(&(self.stream.get(), name.to_owned()))
            .cloned()
    }

    fn filter_state(&self, name: &'static str) -> Option<Vec<u8>> {
        self.filter_state
            .borrow()
            .get(&(self.stream.get(), name.to_owned()))
            .map(|value| value.clone().into_bytes())
    }

    fn guards_clients(&self) -> bool {
        self.guards_clients.get()
    }

    fn set_filter_state(&self, name: &str, value: &str) {
        self.filter_state
            .borrow_mut()
            .insert((self.stream.get(), name.to_owned()), value.to_owned());
    }

    fn log(&self, level: Level, line: &str) {
        if line.starts_with('{') {
            self.lines.borrow_mut().push(line.to_owned());
        } else {
            self.notes.borrow_mut().push((level, line.to_owned()));
        }
    }

    fn respond(&self, status: u32, _: &str, _: &str, body: &str) {
        let act = Act::Respond(status, body.to_owned());
        self.acts.borrow_mut().push((self.stream.get(), act));
    }

    fn resume(&self) {
        self.acts
            .borrow_mut()
            .push((self.stream.get(), Act::Resume));
    }

    fn first_bytes(&self, from: Direction, max: usize) -> Vec<u8> {
        let sent = self.first_bytes.borrow();
        let sent = sent.get(&(self.stream.get(), from));
        sent.map(|bytes| bytes.iter().copied().take(max).collect())
            .unwrap_or_default()
    }

    fn resume_connection(&self) {
        let act = (self.stream.get(), Act::ResumeConnection);
        self.acts.borrow_mut().push(act);
    }

    fn close_connection(&self) {
        self.acts.borrow_mut().push((self.stream.get(), Act::Close));
    }

    fn call(
        &self,
        cluster: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        _: u32,
        _: usize,
    ) -> Option<CallId> {
        let path = headers.iter().find(|(name, _)| *name == ":path");
        let path = path.map_or_else(String::new, |(_, path)| (*path).to_owned());
        self.called.borrow_mut().push((cluster.to_owned(), path));
        let mut calls = self.calls.borrow_mut();
        calls.push(String::from_utf8_lossy(body).into_owned());
        u32::try_from(calls.len()).ok().map(CallId)
    }

    fn select(&self, stream: u32) {
        self.stream.set(stream);
    }

    fn set_tick(&self, millis: u32) {
        self.tick.set(millis);
    }

    fn wake_soon(&self) -> bool {
        if self.can_wake.get() {
            self.wakes.set(self.wakes.get() + 1);
        }
        self.can_wake.get()
    }

    fn define_metric(&self, _: MetricKind, name: &str) -> Option<MetricId> {
        let mut metrics = self.metrics.borrow_mut();
        let position = metrics
            .iter()
            .position(|(n, _)| n == name)
            .unwrap_or_else(|| {
                metrics.push((name.to_owned(), 0));
                metrics.len() - 1
            });
        u32::try_from(position).ok().map(MetricId)
    }

    fn add_metric(&self, id: MetricId, offset: i64) {
        let index = usize::try_from(id.0).unwrap_or(usize::MAX);
        if let Some((_, value)) = self.metrics.borrow_mut().get_mut(index) {
            *value += offset;
        }
    }

    fn set_metric(&self, id: MetricId, value: u64) {
        let index = usize::try_from(id.0).unwrap_or(usize::MAX);
        if let Some((_, known)) = self.metrics.borrow_mut().get_mut(index) {
            *known = i64::try_from(value).unwrap_or(i64::MAX);
        }
    }
}

impl crate::revocation::SharedData for std::rc::Rc<FakeHost> {
    fn get(&self, key: &str) -> Option<(Vec<u8>, u32)> {
        self.shared.borrow().get(key).cloned()
    }

    fn set(&self, key: &str, value: &[u8], version: u32) -> bool {
        let mut shared = self.shared.borrow_mut();
        let known = shared.get(key).map_or(0, |(_, version)| *version);
        if version != 0 && version != known {
            return false;
        }
        shared.insert(key.to_owned(), (value.to_vec(), known + 1));
        true
    }
}
