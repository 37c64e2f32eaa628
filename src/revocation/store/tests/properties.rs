//! Whatever the clock does and whatever comes: no answer serves beyond its end or
//! the longest time that one is kept, and the newest that holds is the one that
//! counts.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const SKEW: i64 = 300;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Good,
    Revoked,
    Unknown,
    Nothing,
}

/// Answers, each made at a time of its own and good for a day.
static ANSWERS: LazyLock<Vec<(Says, i64, Vec<u8>)>> = LazyLock::new(|| {
    let made = [
        (Says::Good, NOW - 20 * HOUR),
        (Says::Good, NOW),
        (Says::Revoked, NOW + 6 * HOUR),
        (Says::Good, NOW + 12 * HOUR),
        (Says::Unknown, NOW + 18 * HOUR),
    ];
    made.into_iter()
        .map(|(says, made)| {
            let status = match says {
                Says::Good => GOOD.to_vec(),
                Says::Revoked => revoked(None),
                Says::Unknown | Says::Nothing => UNKNOWN.to_vec(),
            };
            (says, made, answer(&status, made))
        })
        .collect()
});

/// At this time somebody asks, and this answer comes if one was asked for.
fn steps() -> impl Strategy<Value = Vec<(i64, Option<usize>)>> {
    let around = vec![
        NOW - 30 * HOUR,
        NOW,
        NOW + 60,
        NOW + 4 * HOUR,
        NOW + 12 * HOUR,
        NOW + DAY,
        NOW + DAY + SKEW,
        NOW + 36 * HOUR,
        NOW + 50 * HOUR,
    ];
    let time = (select(around), -2..=2i64).prop_map(|(at, by)| at + by);
    vec((time, proptest::option::of(0..5usize)), 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_answer_outlives_its_end(steps in steps()) {
        let mut store = store();
        // What came, when, and by when it must not serve any more.
        let mut came: Vec<(Says, i64, i64)> = Vec::new();
        for (now, answer) in steps {
            let said = status(&mut store, now);
            let says = match said {
                Status::Good { ask_again, .. } => {
                    prop_assert!(ask_again >= now);
                    let ends = came.iter().filter(|c| c.0 == Says::Good).map(|c| c.2);
                    prop_assert!(ends.clone().any(|end| ask_again <= end), "kept for longer");
                    Says::Good
                }
                Status::Revoked { .. } => Says::Revoked,
                Status::Unknown { .. } => Says::Unknown,
                Status::None { .. } | Status::Pending => Says::Nothing,
            };
            let backed = says == Says::Nothing || came.iter().any(|(said, _, end)| *said == says && now < *end);
            prop_assert!(backed, "{says:?} at {}, of {came:?}", now - NOW);
            if let Some(order) = store.take_order(now) {
                let (says, made, der) = &ANSWERS[answer.unwrap_or(1)];
                let fetched = ok(der);
                let fetched = if answer.is_some() { fetched } else { Fetched { status: 503, ..fetched } };
                store.answered(&order, &fetched, at(now));
                let holds = (made - SKEW..made + DAY + SKEW + 1).contains(&now);
                if answer.is_some() && holds {
                    let kept = if *says == Says::Unknown { 60 } else { DAY };
                    let end = (made + DAY + SKEW + 1).min(now + kept);
                    came.push((*says, *made, end));
                }
            }
        }
    }
}
