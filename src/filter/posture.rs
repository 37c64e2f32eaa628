//! The `posture` role: a service of its own, which asks the admin interface how
//! the proxy's own TLS is doing, and tells of what changed.

use super::base::{millis, seconds};
use crate::decision::Policy;
use crate::host::{CallAnswer, CallId, Host};
use crate::posture::{Counters, Judge, Listing, MAX_ANSWER, Page, Watch};
use crate::telemetry::{Exporter, Reporter, Request, metrics};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;
/// Milliseconds beyond a call's own time-out before it is given up for lost.
const MARGIN_MS: u64 = 5_000;

/// The state of a root context that looks at the proxy.
pub struct Posture<H> {
    host: H,
    reporter: Reporter,
    judge: Judge,
    watch: Watch,
    step: Step,
    tick_ms: u32,
}

/// What it is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Look again at this time, in nanoseconds; or earlier, where the clock jumped
    /// back and it is further away than the interval.
    Wait(u64),
    /// Ask for this page now.
    Ask(Page),
    /// Wait for the answer to this call, until then.
    Listen(Page, CallId, u64),
}

/// A call of its own.
#[derive(Debug)]
pub enum Call {
    /// For a page of the admin interface.
    Look {
        /// Which one.
        page: Page,
        /// The cluster that leads there.
        cluster: Box<str>,
        /// The request's authority.
        authority: Box<str>,
        /// Milliseconds before it is given up.
        timeout_ms: u32,
    },
    /// To the collector.
    Export(Request),
}

impl Call {
    /// Makes it. Only from a callback of the root context, and while nothing is
    /// borrowed.
    pub fn make(&self, host: &impl Host) -> Option<CallId> {
        match self {
            Self::Look {
                page,
                cluster,
                authority,
                timeout_ms,
            } => {
                let headers = [
                    (":method", "GET"),
                    (":path", page.path()),
                    (":authority", authority),
                    ("accept", "application/json"),
                    (
                        "user-agent",
                        concat!("hopguard/", env!("CARGO_PKG_VERSION")),
                    ),
                ];
                // One byte more, so that a larger one is known as such.
                host.call(cluster, &headers, b"", *timeout_ms, MAX_ANSWER + 1)
            }
            Self::Export(request) => request.send(host),
        }
    }
}

impl<H: Host> Posture<H> {
    /// Under this policy; `None` where it says nothing of the posture. `root` goes
    /// into the ids of events.
    pub fn new(host: H, root: u32, policy: Policy) -> Option<Self> {
        let demands = policy.posture?;
        let exporter = policy.collector.map(|to| Exporter::new(&host, to));
        Some(Self {
            reporter: Reporter::new(root, exporter),
            judge: Judge {
                demands,
                expiry_warning_seconds: policy.expiry_warning_seconds,
                skew: policy.clock_skew_seconds,
            },
            watch: Watch::default(),
            step: Step::Wait(host.now_nanos()),
            tick_ms: 0,
            host,
        })
    }

    /// The timer fired.
    pub fn on_tick(&mut self) {
        let now = self.host.now_nanos();
        match self.step {
            Step::Wait(at) if at <= now || at - now > self.interval() => {
                self.step = Step::Ask(Page::Certificates);
            }
            Step::Listen(page, _, until) if until <= now => {
                self.unreachable(page, "no answer in time");
            }
            _ => {}
        }
        self.reporter.flush(&self.host, false);
        self.schedule();
    }

    /// A call that is due, to be made when nothing is borrowed.
    pub fn take_call(&mut self) -> Option<Call> {
        if let Step::Ask(page) = self.step {
            let demands = &self.judge.demands;
            let timeout_ms = demands.timeout_ms;
            let until = self.host.now_nanos() + (u64::from(timeout_ms) + MARGIN_MS) * MS;
            // Its id is not known yet; no call has this one (they count from 1).
            self.step = Step::Listen(page, CallId(0), until);
            return Some(Call::Look {
                page,
                cluster: demands.cluster.clone(),
                authority: demands.authority.clone(),
                timeout_ms,
            });
        }
        let request = self.reporter.take_request(self.host.now_nanos());
        request.map(Call::Export)
    }

    /// That call was made, or could not be.
    pub fn called(&mut self, call: &Call, id: Option<CallId>) {
        match (call, id, self.step) {
            (Call::Look { page, .. }, Some(id), Step::Listen(_, _, until)) => {
                self.step = Step::Listen(*page, id, until);
            }
            (Call::Look { page, .. }, ..) => {
                self.unreachable(*page, "no such cluster, or no server in it");
            }
            (Call::Export(_), id, _) => self.reporter.sent(&self.host, id),
        }
        self.schedule();
    }

    /// The answer to a call came.
    pub fn on_answer(&mut self, answer: &CallAnswer) {
        match self.step {
            Step::Listen(page, id, _) if id == answer.id => self.take_answer(page, answer),
            _ => {
                self.reporter.answered(&self.host, answer);
            }
        }
        self.schedule();
    }

    /// The root context is gone.
    pub fn on_shutdown(&mut self) {
        self.reporter.flush(&self.host, true);
    }

    /// Sets the timer to what is due next.
    pub fn schedule(&mut self) {
        let now = self.host.now_nanos();
        let due = match self.step {
            Step::Wait(at) => at.saturating_sub(now).min(self.interval()),
            Step::Ask(_) => 0,
            Step::Listen(_, _, until) => until.saturating_sub(now),
        };
        let due = due.min(self.reporter.next_flush(now).unwrap_or(u64::MAX));
        let tick_ms = millis(due);
        if tick_ms != self.tick_ms {
            self.tick_ms = tick_ms;
            self.host.set_tick(tick_ms);
        }
    }

    fn take_answer(&mut self, page: Page, answer: &CallAnswer) {
        match answer.status {
            200 => {}
            // Envoy's own answers where it could not connect, and after the
            // time-out; 0 is none.
            0 | 503 | 504 => return self.unreachable(page, status(answer.status)),
            other => {
                self.watch.refused(page, format!("HTTP status {other}"));
                return self.looked(page, "invalid", None);
            }
        }
        let now = seconds(self.host.now_nanos());
        match page {
            Page::Certificates => match Listing::read(&answer.body) {
                Ok(listing) => {
                    self.watch.certificates(&listing, &self.judge, now);
                    self.looked(page, "read", Some(&listing));
                }
                Err(error) => {
                    self.watch.invalid(page, &error);
                    self.looked(page, "invalid", None);
                }
            },
            Page::Counters => {
                let result = match Counters::read(&answer.body) {
                    Ok(counters) => {
                        self.watch.counters(counters);
                        "read"
                    }
                    Err(error) => {
                        self.watch.invalid(page, &error);
                        "invalid"
                    }
                };
                self.looked(page, result, None);
            }
        }
    }

    fn unreachable(&mut self, page: Page, why: &str) {
        self.watch.unreachable(page, why.to_owned());
        self.looked(page, "unreachable", None);
    }

    /// Tells what is new, and goes on: to the other page, or to the next look.
    fn looked(&mut self, page: Page, result: &str, listing: Option<&Listing>) {
        let (host, reporter) = (&self.host, &mut self.reporter);
        reporter
            .metrics
            .add(host, &metrics::POSTURE_LOOKS, &[result], 1);
        for news in self.watch.take_news() {
            reporter.posture(host, &news, &self.judge.demands.cluster);
        }
        reporter.gauge_posture(host, &self.watch, listing);
        self.step = match page {
            Page::Certificates if result != "unreachable" => Step::Ask(Page::Counters),
            _ => {
                let interval = self.interval();
                let pause = match result {
                    "unreachable" => {
                        interval.min(u64::from(self.watch.retry_seconds(page)) * SECOND)
                    }
                    _ => interval,
                };
                Step::Wait(host.now_nanos() + pause)
            }
        };
    }

    /// In nanoseconds.
    fn interval(&self) -> u64 {
        u64::from(self.judge.demands.interval_seconds) * SECOND
    }
}

const fn status(status: u32) -> &'static str {
    match status {
        503 => "HTTP status 503 (Envoy's own, where it could not connect)",
        504 => "HTTP status 504 (Envoy's own, after the time-out)",
        _ => "no answer",
    }
}
