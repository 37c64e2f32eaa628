//! Turns verdicts into events, counters and filter state.

use std::rc::Rc;

use super::event::{Event, Kind, Subject};
use super::exporter::{Exporter, Request};
use super::filter_state;
use super::fold::{EventKey, Fold};
use super::metrics::{self, Metrics};
use super::posture;
use crate::decision::{
    Cause, DAY, Direction, Finding, Generations, Outcome, Requirement, RuleIndex, Verdict,
};
use crate::host::{CallAnswer, CallId, Host, Level};
use crate::posture::{Listing, News, Watch};

/// What makes two notices the same: cause, control, side, rule, and certificate.
type Told = (Cause, Requirement, Direction, RuleIndex, Option<[u8; 32]>);

/// What is known of the verdict in the filter state, before another is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing: it must be read.
    Unknown,
    /// There is one, so that of a permit there is nothing to say.
    Permitted,
    /// This one, or none.
    Known(Option<Outcome>),
}

/// Notices that are remembered, twice, so as not to be told again the same day;
/// one that is forgotten is told again, and flood control is still there.
const TOLD_HALF: usize = 512;

/// The telemetry of one root context.
#[derive(Debug)]
pub struct Reporter {
    root: u32,
    events: u64,
    fold: Fold,
    told: Generations<Told, u64>,
    exporter: Option<Exporter>,
    /// The counters.
    pub metrics: Metrics,
}

impl Reporter {
    /// For the root context with this id, which goes into the ids of events.
    pub fn new(root: u32, exporter: Option<Exporter>) -> Self {
        Self {
            root,
            events: 0,
            fold: Fold::default(),
            told: Generations::new(TOLD_HALF),
            exporter,
            metrics: Metrics::default(),
        }
    }

    /// Leaves a decision in the filter state: with its count, all there is to do
    /// for one that is not worth an event.
    ///
    /// A request has a verdict for each hop; its filter state tells of the
    /// gravest, and of the first of equals. Each value costs the request more
    /// than a microsecond, to read or to write: so a permit is written without
    /// its rule, cause and control only where something was, or would have been,
    /// denied, and an upstream that permits adds nothing to what the downstream
    /// role wrote.
    pub fn leave_in_filter_state(&self, host: &impl Host, verdict: &Verdict, before: Before) {
        let other = match before {
            Before::Permitted if verdict.outcome == Outcome::Permit => Some(Outcome::Permit),
            Before::Permitted | Before::Unknown => host
                .filter_state(filter_state::VERDICT)
                .and_then(|name| Outcome::parse(&name)),
            Before::Known(other) => other,
        };
        if other.is_some_and(|other| other >= verdict.outcome) {
            return;
        }
        host.set_filter_state(filter_state::VERDICT, verdict.outcome.as_str());
        if verdict.outcome > Outcome::Permit {
            host.set_filter_state(filter_state::RULE, &verdict.rule.name);
        }
        if verdict.outcome >= Outcome::WouldDeny
            && let Some(finding) = verdict.primary()
        {
            host.set_filter_state(filter_state::CAUSE, finding.cause.code());
            host.set_filter_state(filter_state::CONTROL, finding.requirement.as_str());
        }
    }

    /// Writes the event of a verdict that is not a plain permit. Returns the
    /// event's id, for the answer to the client.
    pub fn finding(&mut self, host: &impl Host, verdict: &Verdict, subject: &Subject) -> String {
        let id = self.next_id(host.now_nanos());
        if matches!(verdict.outcome, Outcome::Deny | Outcome::WouldDeny)
            && let Some(finding) = verdict.primary()
        {
            self.write(host, verdict.outcome.into(), finding, verdict, subject, &id);
        }
        id
    }

    /// The notices of a verdict that are to be written now: each once a day. What
    /// of them is counted, counts with the verdict.
    pub fn news<'v>(
        &mut self,
        host: &impl Host,
        direction: Direction,
        verdict: &'v Verdict,
    ) -> Vec<&'v Finding> {
        let now = host.now_nanos();
        let day = DAY.unsigned_abs() * 1_000_000_000;
        let mut news = Vec::new();
        for notice in &verdict.notices {
            let sha256 = match (&verdict.certificate, notice.cause) {
                (Some(of), Cause::CertificateNearExpiry) => Some(of.sha256),
                _ => None,
            };
            let (cause, requirement) = (notice.cause, notice.requirement);
            let key = (cause, requirement, direction, verdict.rule_index, sha256);
            let is_news = match self.told.get(&key) {
                // A clock that jumped back makes it news again.
                Some(told) => now < told || now - told >= day,
                None => true,
            };
            if is_news {
                self.told.insert(key, now);
                news.push(notice);
            }
        }
        news
    }

    /// Writes the event of a notice.
    pub fn warning(
        &mut self,
        host: &impl Host,
        notice: &Finding,
        verdict: &Verdict,
        subject: &Subject,
    ) {
        let id = self.next_id(host.now_nanos());
        self.write(host, Kind::Warning, notice, verdict, subject, &id);
    }

    /// Writes and counts the event of a connection that failed.
    pub fn failure(
        &mut self,
        host: &impl Host,
        finding: &Finding,
        verdict: &Verdict,
        subject: &Subject,
    ) {
        let direction = subject.direction.as_str();
        let labels = [direction, finding.cause.code(), &verdict.rule.name];
        self.metrics.add(host, &metrics::TLS_FAILURES, &labels, 1);
        let id = self.next_id(host.now_nanos());
        self.write(host, Kind::TlsFailure, finding, verdict, subject, &id);
    }

    /// Writes what changed in the proxy's own posture. It is not folded: each is
    /// told once, and no more at a time than [`crate::posture::Watch`] gives.
    pub fn posture(&mut self, host: &impl Host, news: &News, cluster: &str) {
        let now = host.now_nanos();
        let id = self.next_id(now);
        self.metrics.add(host, &metrics::EVENTS, &["logged"], 1);
        let (level, event) = posture::event(news, cluster, &id, now);
        self.print(host, level, &event, now);
    }

    /// Sets the gauges of the proxy's own posture: what is wrong, and where a list
    /// of certificates came, what is in it.
    pub fn gauge_posture(&mut self, host: &impl Host, watch: &Watch, listing: Option<&Listing>) {
        posture::gauge_conditions(&mut self.metrics, host, watch);
        if let Some(listing) = listing {
            let now = i64::try_from(host.now_nanos() / 1_000_000_000).unwrap_or(i64::MAX);
            posture::gauge_certificates(&mut self.metrics, host, listing, now);
        }
    }

    /// Tells the host of the decisions that it was not told of, and prints the
    /// summaries that are due, or all of them.
    pub fn flush(&mut self, host: &impl Host, all: bool) {
        self.metrics.flush(host);
        let now = host.now_nanos();
        for summary in self.fold.flush(now, all) {
            let id = self.next_id(now);
            let event = Event::of_summary(&summary, &id, now);
            self.print(host, Level::Warn, &event, now);
        }
        if let Some(exporter) = &mut self.exporter {
            exporter.count(host, &mut self.metrics);
        }
    }

    /// The request to the collector that is due.
    pub fn take_request(&mut self, now: u64) -> Option<Request> {
        self.exporter.as_mut()?.take_due(now)
    }

    /// That request is on its way, or could not be sent.
    pub fn sent(&mut self, host: &impl Host, call: Option<CallId>) {
        if let Some(exporter) = &mut self.exporter {
            exporter.sent(host, &mut self.metrics, call);
        }
    }

    /// Takes the answer to a call. Returns the cluster of the collector, if the
    /// call was to it.
    pub fn answered(&mut self, host: &impl Host, answer: &CallAnswer) -> Option<String> {
        let exporter = self.exporter.as_mut()?;
        let now = host.now_nanos();
        exporter
            .answered(host, &mut self.metrics, answer, now)
            .then(|| exporter.cluster().to_owned())
    }

    fn print(&mut self, host: &impl Host, level: Level, event: &Event, now: u64) {
        host.log(level, &event.to_line());
        if let Some(exporter) = &mut self.exporter {
            exporter.push(event, level, now);
        }
    }

    /// When [`Reporter::flush`] has something to do, in nanoseconds.
    pub fn next_flush(&self, now: u64) -> Option<u64> {
        let batch = self
            .metrics
            .has_batched()
            .then_some(u64::from(metrics::BATCH_MS) * 1_000_000);
        let export = self.exporter.as_ref().and_then(|e| e.next_due(now));
        [batch, self.fold.next_flush(now), export]
            .into_iter()
            .flatten()
            .min()
    }

    fn write(
        &mut self,
        host: &impl Host,
        kind: Kind,
        finding: &Finding,
        verdict: &Verdict,
        subject: &Subject,
        id: &str,
    ) {
        let now = host.now_nanos();
        let key = EventKey {
            direction: subject.direction,
            cause: finding.cause,
            outcome: verdict.outcome,
            rule: Rc::from(&*verdict.rule.name),
            cluster: subject.facts.cluster.as_deref().map(Rc::from),
        };
        self.fold.make_room(now);
        if !self.fold.admit(key, id, now) {
            self.metrics.add(host, &metrics::EVENTS, &["folded"], 1);
            return;
        }
        self.metrics.add(host, &metrics::EVENTS, &["logged"], 1);
        let level = match kind {
            Kind::Denied | Kind::TlsFailure => Level::Error,
            Kind::WouldDeny
            | Kind::Warning
            | Kind::Posture
            | Kind::PostureEnded
            | Kind::Summary => Level::Warn,
        };
        let event = Event::of_finding(kind, finding, verdict, subject, id, now);
        self.print(host, level, &event, now);
    }

    /// An id for an event: unique in the process as far as two workers do not
    /// write an event in one nanosecond with equal counts.
    fn next_id(&mut self, now: u64) -> String {
        self.events += 1;
        format!("{now:x}-{:x}-{:x}", self.root, self.events)
    }
}
