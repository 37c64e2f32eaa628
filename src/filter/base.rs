//! What every role has: the proxy, its telemetry, and one timer.

use std::rc::Rc;

use super::ask::{self, Ask, Calls};
use super::gate::NextLook;
use super::judge::Judge;
use crate::decision::{Direction, Finding, Policy, Verdict};
use crate::host::{CallAnswer, CallId, Host, Level};
use crate::revocation::Told;
use crate::telemetry::{Before, Exporter, Reporter, Request, Subject, metrics, text};

/// The proxy, the telemetry and the timer of a role.
pub struct Base<H> {
    /// The proxy.
    pub host: H,
    /// Events and counters.
    pub reporter: Reporter,
    /// Calls to OCSP responders.
    pub calls: Calls,
    /// Calls that another worker was to make, and did not.
    takeover: Vec<Ask>,
    tick_ms: u32,
    /// A wake-up was asked for and has not come yet.
    wake_is_due: bool,
    /// The time of the last tick, in seconds, while ticks come often.
    ticked_at: Option<i64>,
}

/// A call of the plugin's own.
#[derive(Debug)]
pub enum Call {
    /// To a source of revocation.
    Ask(Ask),
    /// To the collector.
    Export(Request),
}

impl Call {
    /// Makes it. Only from a callback of the root context, and while nothing is
    /// borrowed.
    pub fn make(&self, host: &impl Host) -> Option<CallId> {
        match self {
            Self::Ask(ask) => ask::send(ask, host),
            Self::Export(request) => request.send(host),
        }
    }
}

impl<H: Host> Base<H> {
    /// For the root context with this id, which goes into the ids of events.
    pub fn new(
        host: H,
        root: u32,
        policy: &Policy,
        ports: &ask::Ports,
        evidence: ask::Evidence,
    ) -> Self {
        let exporter = policy
            .collector
            .clone()
            .map(|collector| Exporter::new(&host, collector));
        Self {
            host,
            reporter: Reporter::new(root, exporter),
            calls: Calls::new(evidence, Rc::clone(&ports.data), policy.clock_skew_seconds),
            takeover: Vec::new(),
            tick_ms: 0,
            wake_is_due: false,
            ticked_at: None,
        }
    }

    /// The time in seconds. While the timer ticks for the counters, the time of
    /// its last tick is near enough, and spares each request a host call.
    pub fn now_seconds(&self) -> i64 {
        self.ticked_at
            .unwrap_or_else(|| seconds(self.host.now_nanos()))
    }

    /// Counts a verdict, and what it says is to be looked at.
    pub fn count(&mut self, direction: Direction, verdict: &Verdict) {
        self.reporter
            .metrics
            .decision(&self.host, direction, verdict);
    }

    /// Leaves a verdict in the filter state, and writes its event where it is
    /// worth one (where there is a subject): then the event's id comes back.
    pub fn tell(
        &mut self,
        verdict: &Verdict,
        subject: Option<Subject>,
        before: Before,
    ) -> Option<String> {
        self.reporter
            .leave_in_filter_state(&self.host, verdict, before);
        subject.map(|subject| self.reporter.finding(&self.host, verdict, &subject))
    }

    /// Counts what happened in the caches when a connection was judged anew.
    pub fn count_misses(&mut self, judge: &mut Judge) {
        let direction = judge.direction().as_str();
        let misses = judge.take_misses();
        let evicted = i64::try_from(misses.evicted_flows).unwrap_or(i64::MAX);
        let metrics = &mut self.reporter.metrics;
        metrics.certificate_cache(&self.host, judge.direction(), misses.certificates);
        metrics.add(&self.host, &metrics::FLOW_CACHE, &[direction, "miss"], 1);
        metrics.add(
            &self.host,
            &metrics::FLOW_CACHE,
            &[direction, "eviction"],
            evicted,
        );
    }

    /// Counts what happened in the cache of certificates.
    pub fn count_certificates(&mut self, judge: &mut Judge) {
        let misses = judge.take_misses();
        let metrics = &mut self.reporter.metrics;
        metrics.certificate_cache(&self.host, judge.direction(), misses.certificates);
    }

    /// Whether the timer ticks as often as the counters of what passes need it.
    pub const fn ticks_for_counters(&self) -> bool {
        self.ticked_at.is_some()
    }

    /// The notices of a verdict that are to be told now, if it has any.
    pub fn news<'v>(&mut self, direction: Direction, verdict: &'v Verdict) -> Vec<&'v Finding> {
        if verdict.notices.is_empty() {
            return Vec::new();
        }
        self.reporter.news(&self.host, direction, verdict)
    }

    /// Writes the event of a notice.
    pub fn warn(&mut self, notice: &Finding, verdict: &Verdict, subject: &Subject) {
        self.reporter.warning(&self.host, notice, verdict, subject);
    }

    /// Writes and counts the event of a connection that failed.
    pub fn tell_failure(&mut self, finding: &Finding, verdict: &Verdict, subject: &Subject) {
        self.reporter.failure(&self.host, finding, verdict, subject);
    }

    /// Counts streams that begin or cease to wait.
    pub fn gauge_pending(&mut self, by: i64) {
        self.reporter
            .metrics
            .add(&self.host, &metrics::GATE_PENDING, &[], by);
    }

    /// Counts a wait by how it ended.
    pub fn count_wait(&mut self, result: &str) {
        self.reporter
            .metrics
            .add(&self.host, &metrics::GATE_WAITS, &[result], 1);
    }

    /// Sets the timer to what is due next, and none while nothing is: a look at
    /// the gate, telemetry, or (within a batch) what else `is_waiting`.
    pub fn schedule(&mut self, is_waiting: bool, look: impl FnOnce(u64) -> NextLook) {
        let now = self.host.now_nanos();
        let mut look = look(now);
        if self.calls.has_orders(seconds(now)) || !self.takeover.is_empty() {
            look.soon = true;
            look.after_ms = Some(1);
        } else if self.calls.waits_for_others() {
            look.after_ms = Some(
                look.after_ms
                    .map_or(ask::LOOK_MS, |ms| ms.min(ask::LOOK_MS)),
            );
        }
        if look.soon && !self.wake_is_due {
            self.wake_is_due = self.host.wake_soon();
        }
        let flush = self.reporter.next_flush(now).map(millis);
        let lists = self.calls.lists_due(ask::moment(now, 0));
        let lists = lists.map(|due| millis(due.saturating_sub(now)));
        let batch = is_waiting.then_some(metrics::BATCH_MS);
        let tick_ms = [look.after_ms, flush, lists, batch]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(0);
        if tick_ms != self.tick_ms {
            self.tick_ms = tick_ms;
            self.host.set_tick(tick_ms);
        }
        self.ticked_at = (1..=metrics::BATCH_MS)
            .contains(&tick_ms)
            .then(|| seconds(now));
    }

    /// A call that is due, to be made when nothing is borrowed.
    pub fn take_call(&mut self) -> Option<Call> {
        let ask = self.takeover.pop();
        let ask = ask.or_else(|| self.calls.take(&self.host));
        ask.map(Call::Ask).or_else(|| {
            let request = self.reporter.take_request(self.host.now_nanos());
            request.map(Call::Export)
        })
    }

    /// That call was made, or could not be.
    pub fn called(&mut self, call: Call, id: Option<CallId>) {
        match call {
            Call::Ask(ask) => {
                if let Some(outcome) = self.calls.sent(ask, id, &self.host) {
                    self.count_fetch(&outcome);
                }
            }
            Call::Export(_) => self.reporter.sent(&self.host, id),
        }
    }

    /// Takes the answer to a call. Returns the cluster that was called.
    pub fn answered(&mut self, answer: &mut CallAnswer) -> Option<String> {
        match self.calls.answered(answer, &self.host) {
            Some(outcome) => {
                self.count_fetch(&outcome);
                Some(outcome.cluster)
            }
            None => self.reporter.answered(&self.host, answer),
        }
    }

    fn count_fetch(&mut self, outcome: &ask::Outcome) {
        if let Some(told) = &outcome.told {
            self.tell_of_list(told);
        } else if let Some(result) = outcome.result {
            self.count_fetched(outcome.source, result);
        }
    }

    fn count_fetched(&mut self, source: &str, result: &str) {
        self.reporter.metrics.add(
            &self.host,
            &metrics::REVOCATION_FETCHES,
            &[source, result],
            1,
        );
    }

    fn tell_of_list(&mut self, told: &Told) {
        self.count_fetched("crl", told.result);
        if told.is_news {
            let level = match told.result {
                "loaded" | "unchanged" => Level::Info,
                _ => Level::Warn,
            };
            let detail = text::clean_to(&told.detail, text::MAX_REASON);
            let line = format!("hopguard: CRL {}: {}: {detail}", told.url, told.result);
            self.host.log(level, &line);
        }
    }

    /// The wake-up came that was asked for.
    pub const fn on_wake(&mut self) {
        self.wake_is_due = false;
    }

    /// The timer fired. Whether there is news of a certificate that others asked
    /// about.
    pub fn on_tick(&mut self) -> bool {
        // A wake-up that has not come by now may never come.
        self.wake_is_due = false;
        self.reporter.flush(&self.host, false);
        if let Some(told) = self.calls.load_lists(&self.host) {
            self.tell_of_list(&told);
        }
        let (news, make) = self.calls.look_at_others(&self.host);
        self.takeover.extend(make);
        news
    }

    /// The last chance to print what was folded.
    pub fn on_shutdown(&mut self) {
        self.calls.give_up();
        self.reporter.flush(&self.host, true);
    }
}

/// A pause in nanoseconds as one of a timer, in milliseconds: never none.
pub fn millis(nanos: u64) -> u32 {
    u32::try_from(nanos.div_ceil(1_000_000).max(1)).unwrap_or(u32::MAX)
}

/// Whole seconds of a time in nanoseconds.
pub fn seconds(nanos: u64) -> i64 {
    i64::try_from(nanos / 1_000_000_000).unwrap_or(i64::MAX)
}
