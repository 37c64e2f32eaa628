//! Whatever the clock does and whatever comes: no status without an answer that
//! says so, and no answer serves beyond its end or the longest time that one is kept.

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

/// An answer, made at a time and good for a while.
struct Made {
    says: Says,
    made: i64,
    good_for: i64,
    der: Vec<u8>,
}

/// Some are good for longer than one is kept.
static ANSWERS: LazyLock<Vec<Made>> = LazyLock::new(|| {
    let made = [
        (Says::Good, NOW - 20 * HOUR, DAY),
        (Says::Good, NOW, 3 * DAY),
        (Says::Revoked, NOW + 6 * HOUR, DAY),
        (Says::Good, NOW + 12 * HOUR, DAY),
        (Says::Unknown, NOW + 18 * HOUR, 3 * DAY),
    ];
    made.into_iter()
        .map(|(says, made, good_for)| {
            let status = match says {
                Says::Good => GOOD.to_vec(),
                Says::Revoked => revoked(None),
                Says::Unknown | Says::Nothing => UNKNOWN.to_vec(),
            };
            let single = Single {
                status,
                this_update: time(made),
                next_update: Some(time(made + good_for)),
                ..Single::good()
            };
            let mut response = Response::of(&single);
            response.produced_at = time(made);
            let der = response.signed();
            Made {
                says,
                made,
                good_for,
                der,
            }
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
        // What came, and from when on it must not serve any more.
        let mut came: Vec<(Says, i64)> = Vec::new();
        for (now, answer) in steps {
            let said = status(&mut store, now);
            let says = match said {
                Status::Good { ask_again, .. } => {
                    prop_assert!(ask_again >= now);
                    let mut good = came.iter().filter(|(says, _)| *says == Says::Good);
                    prop_assert!(good.any(|(_, end)| ask_again <= *end), "kept for longer");
                    Says::Good
                }
                Status::Revoked { .. } => Says::Revoked,
                Status::Unknown { .. } => Says::Unknown,
                Status::None { .. } | Status::Pending => Says::Nothing,
            };
            let backed = came.iter().any(|(said, end)| *said == says && now < *end);
            prop_assert!(
                says == Says::Nothing || backed,
                "{says:?} at {}, of {came:?}",
                now - NOW
            );
            if let Some(order) = store.take_order(now) {
                let Made { says, made, good_for, der } = &ANSWERS[answer.unwrap_or(1)];
                let status = if answer.is_some() { 200 } else { 503 };
                let fetched = Fetched { status, ..ok(der) };
                store.answered(&order, &fetched, at(now));
                let holds = (made - SKEW..made + good_for + SKEW + 1).contains(&now);
                if answer.is_some() && holds {
                    let kept = if *says == Says::Unknown { 60 } else { DAY };
                    let end = (made + good_for + SKEW + 1).min(now + kept);
                    came.push((*says, end));
                }
            }
        }
    }
}
