//! A random walk: servers that die, rotate certificates and go plaintext, a
//! responder that misbehaves, policies that change or cannot be, clients that
//! leave, an Envoy that drains and is hot-restarted; and requests all the while.
//! A model that knows nothing of hopguard says what may come of each, and every
//! server is watched by it.
//!
//! The walk is in steps: in each, one thing changes while requests are under way,
//! so each may meet the world before or after, and nothing else. A seed gives the
//! same walk again: `CHAOS_SEED=… CHAOS_STEPS=… make chaos`.

mod action;
mod model;
mod observer;
mod servers;
mod switch;
mod traffic;
mod world;

use self::action::Action;
use self::model::Causes;
use self::observer::Observer;
use self::traffic::Plan;
use self::world::World;

/// Steps of a run that is not told: what continuous integration has time for.
const STEPS: u64 = 40;
/// Its seed: any will do, and the same each time.
const SEED: u64 = 20_261_124;
/// Clients at a time.
const CLIENTS: usize = 6;

#[tokio::test]
async fn no_walk_leads_to_a_leaked_byte_or_a_wrong_verdict() {
    let number = |name: &str, default: u64| match std::env::var(name) {
        Ok(text) if !text.is_empty() => text.parse().unwrap_or_else(|_| panic!("{name}: {text}")),
        _ => default,
    };
    let seed = number("CHAOS_SEED", SEED);
    let steps = number("CHAOS_STEPS", STEPS);
    println!("chaos: CHAOS_SEED={seed} CHAOS_STEPS={steps}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut world = World::new().await;
    let mut observer = Observer::default();
    for step in 0..steps {
        let action = Action::choose(&mut random, step);
        let plans: Vec<Plan> = (0..CLIENTS)
            .map(|client| Plan::choose(&mut random, step, client))
            .collect();
        let before = world.state();
        let addresses = world.addresses().await;
        let clients = world.clients();
        let traffic = traffic::run(&plans, &addresses, &clients);
        let (outcomes, ()) = tokio::join!(traffic, world.apply(&action));
        let causes = Causes::new(&before, &world.state(), &action);
        let about = format!(
            "CHAOS_SEED={seed} CHAOS_STEPS={} (step {step}: {action:?})",
            step + 1
        );
        observer
            .check(&mut world, plans, &outcomes, causes, &about)
            .await;
    }
    world.is_whole().await;
    observer.print(seed, steps);
    observer.has_seen_enough(steps);
}
