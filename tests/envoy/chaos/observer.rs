//! Holds what came of each request, and what each server got, against the model.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use hopguard_testbed::upstream::PATIENCE;

use super::model::{Causes, Class, Expected, Way};
use super::traffic::{Outcome, Plan};
use super::world::World;

/// What was seen so far.
#[derive(Default)]
pub struct Observer {
    /// How often each thing came of a request.
    counts: BTreeMap<String, u64>,
    marks: u64,
    recent: Vec<Step>,
}

struct Step {
    plans: Vec<Plan>,
    causes: Causes,
}

/// How a TLS handshake begins (RFC 8446 section 5.1).
const HANDSHAKE: [u8; 2] = [22, 3];
/// Steps after which nothing of a client that left can still be on its way.
const LATEST: usize = 3;

impl Observer {
    /// Checks a step: outcomes, causes, and the bytes that each server got.
    pub async fn check(
        &mut self,
        world: &mut World,
        plans: Vec<Plan>,
        outcomes: &[Vec<Outcome>],
        causes: Causes,
        about: &str,
    ) {
        let mut has_word = false;
        for (plan, outcomes) in plans.iter().zip(outcomes) {
            let expected = causes.of(plan.way, plan.client);
            for (mark, outcome) in plan.marks.iter().zip(outcomes) {
                let came = came(world, plan, mark, outcome, &expected).await;
                let is_right = came
                    .as_ref()
                    .is_ok_and(|came| came.as_ref().is_none_or(|came| expected.contains(came)));
                assert!(
                    is_right,
                    "{about}: {plan:?}: {mark}: {outcome:?} ({came:?}), not of {expected:?}"
                );
                let came = came.unwrap();
                has_word |=
                    plan.way == Way::Revocation && came == Some(Expected::Served(Class::Asked));
                let name = came.map_or("the client left".to_owned(), |came| match came {
                    Expected::Served(class) => format!("served by {class:?}"),
                    Expected::Denied(status, cause) => format!("denied {status} {cause}"),
                    Expected::Unreachable => "unreachable".to_owned(),
                    Expected::Ended => "ended by Envoy".to_owned(),
                });
                *self.counts.entry(name).or_default() += 1;
                self.marks += 1;
            }
        }
        let is_word = causes.show_the_responders_word();
        self.recent.push(Step { plans, causes });
        let old = self.recent.len().saturating_sub(LATEST);
        self.recent.drain(..old);
        no_byte_leaked(world, &self.recent, about);
        if has_word && is_word {
            world.learn_word();
        }
    }

    /// Prints what was seen.
    pub fn print(&self, seed: u64, steps: u64) {
        println!("chaos: seed {seed}: {steps} steps, {} requests", self.marks);
        for (what, count) in &self.counts {
            println!("{count:>8}  {what}");
        }
    }

    /// A walk in which nothing happens shows nothing.
    pub fn has_seen_enough(&self, steps: u64) {
        let kinds = |start: &str| self.counts.keys().filter(|k| k.starts_with(start)).count();
        if steps >= 20 {
            assert!(kinds("served by") >= 2, "{:?}", self.counts);
            assert!(kinds("denied 403") >= 2, "{:?}", self.counts);
            assert!(kinds("denied 503") >= 2, "{:?}", self.counts);
        }
    }
}

/// What came of a request, in the words of the model; `None` where its client left.
async fn came(
    world: &World,
    plan: &Plan,
    mark: &str,
    outcome: &Outcome,
    expected: &BTreeSet<Expected>,
) -> Result<Option<Expected>, String> {
    let came = match outcome {
        Outcome::Left => return Ok(None),
        Outcome::Answered(200, body) => {
            let class = super::model::CLASSES
                .into_iter()
                .find(|class| format!("{class:?}") == *body);
            Expected::Served(class.ok_or("an answer of nobody")?)
        }
        Outcome::Answered(status, body) if body.contains("hopguard_denied") => {
            let line = access(world, plan.way, mark).await?;
            let cause = expected.iter().find_map(|expected| match expected {
                Expected::Denied(of, cause) if of == status => {
                    line.contains(&format!(" cause={cause} ")).then_some(*cause)
                }
                _ => None,
            });
            Expected::Denied(*status, cause.ok_or(line)?)
        }
        Outcome::Answered(503, _) => Expected::Unreachable,
        Outcome::Answered(status, body) => return Err(format!("{status} {body}")),
        Outcome::Bytes(bytes) => {
            if bytes != mark.as_bytes() {
                return Err("other bytes".to_owned());
            }
            // Which server it was, the servers say.
            let served = expected.iter().find(|e| matches!(e, Expected::Served(_)));
            *served.ok_or("served")?
        }
        // Of a TCP connection its end is all there is to see.
        Outcome::Failed(_) if plan.way == Way::Tcp => {
            let not_served = expected.iter().find(|e| !matches!(e, Expected::Served(_)));
            *not_served.ok_or("ended")?
        }
        Outcome::Failed(_) => Expected::Ended,
    };
    Ok(Some(came))
}

/// The line of the access log about a request.
async fn access(world: &World, way: Way, mark: &str) -> Result<String, String> {
    let start = format!("ACCESS /{}/{mark} ", way.name());
    let started = Instant::now();
    loop {
        let lines = world.lines();
        if let Some(line) = lines.into_iter().find(|line| line.starts_with(&start)) {
            return Ok(line);
        }
        if started.elapsed() > PATIENCE {
            return Err(format!("no line {start}"));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

impl Step {
    /// Whether this server may have got something.
    fn may_reach(&self, plan: &Plan, class: Class) -> bool {
        let expected = self.causes.of(plan.way, plan.client);
        expected.contains(&Expected::Served(class))
    }

    fn plans(&self, is_tcp: bool) -> impl Iterator<Item = &Plan> {
        let of_kind = move |plan: &&Plan| (plan.way == Way::Tcp) == is_tcp;
        self.plans.iter().filter(of_kind)
    }
}

/// No server got a byte of a request that it may not have. What a client that left
/// had sent may come some steps later.
fn no_byte_leaked(world: &World, steps: &[Step], about: &str) {
    for (servers, is_tcp) in [(&world.http, false), (&world.tcp, true)] {
        for (class, server) in servers.all() {
            let connections = server.seen().connections;
            // Envoy's handshake is no byte of the application.
            let hello = |bytes: &[u8]| class == Class::Plaintext && bytes.starts_with(&HANDSHAKE);
            let bytes: Vec<u8> = connections
                .into_iter()
                .map(|connection| connection.application)
                .filter(|bytes| !hello(bytes))
                .flatten()
                .collect();
            let text = String::from_utf8_lossy(&bytes);
            let mut may_be_any = false;
            for step in steps {
                for plan in step.plans(is_tcp) {
                    let may_be = step.may_reach(plan, class);
                    may_be_any |= may_be;
                    let leaked = plan.marks.iter().find(|mark| text.contains(mark.as_str()));
                    assert!(
                        may_be || leaked.is_none(),
                        "{about}: {class:?} got {leaked:?} of {plan:?}: {text}"
                    );
                }
            }
            assert!(
                may_be_any || bytes.is_empty(),
                "{about}: {class:?} got {text}"
            );
            server.clear();
        }
    }
}
