//! Which rule decides, against a model that walks them; and what the cache of
//! verdicts keeps, whatever the clock does.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::decision::certificates::Question;
use crate::trust::glob::Glob;
use crate::trust::tests::pki::{authority, valid};

const WORDS: &[&str] = &["a", "b", "ab", "ba", "a/b", "/a", "/a/b", ""];

/// A pattern and what it means, in words that need no matcher.
#[derive(Clone, Copy, Debug)]
enum Means {
    All,
    Only(&'static str),
    BeginsWith(&'static str),
    EndsWith(&'static str),
}

impl Means {
    fn glob(self) -> Glob {
        let pattern = match self {
            Self::All => "**".to_owned(),
            Self::Only(word) => word.to_owned(),
            Self::BeginsWith(word) => format!("{word}**"),
            Self::EndsWith(word) => format!("**{word}"),
        };
        Glob::parse(&pattern).unwrap()
    }

    fn holds(self, value: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(word) => value == word,
            Self::BeginsWith(word) => value.starts_with(word),
            Self::EndsWith(word) => value.ends_with(word),
        }
    }
}

fn means() -> impl Strategy<Value = Means> {
    let word = || {
        select(
            WORDS
                .iter()
                .copied()
                .filter(|w| !w.is_empty())
                .collect::<Vec<_>>(),
        )
    };
    prop_oneof![
        Just(Means::All),
        word().prop_map(Means::Only),
        word().prop_map(Means::BeginsWith),
        word().prop_map(Means::EndsWith),
    ]
}

/// The lists of a rule: clusters, server names, hosts, paths.
type Lists = [Vec<Means>; 4];
/// What a connection and its request show of the same.
type Shown = [Option<&'static str>; 4];

fn lists() -> impl Strategy<Value = Lists> {
    let list = || prop_oneof![2 => Just(Vec::new()), 3 => vec(means(), 1..3)];
    [list(), list(), list(), list()]
}

fn shown() -> impl Strategy<Value = Shown> {
    let fact = || option::weighted(0.8, select(WORDS));
    [fact(), fact(), fact(), fact()]
}

fn rule(name: usize, lists: &Lists) -> Rule {
    let globs = |index: usize| lists[index].iter().map(|means| means.glob()).collect();
    Rule {
        name: name.to_string().into(),
        selector: Selector {
            clusters: globs(0),
            server_names: globs(1),
            hosts: globs(2),
            paths: globs(3),
            ..Selector::default()
        },
        ..strict_default()
    }
}

/// The first rule of which every list that is not empty has one pattern that the
/// fact is of; an absent fact is of none. Where there is none, the default.
fn first(rules: &[Lists], shown: &Shown) -> usize {
    let holds = |lists: &Lists| {
        lists.iter().zip(shown).all(|(list, fact)| {
            list.is_empty() || fact.is_some_and(|fact| list.iter().any(|m| m.holds(fact)))
        })
    };
    rules.iter().position(holds).unwrap_or(rules.len())
}

fn instants(around: &'static [i64]) -> impl Strategy<Value = Vec<i64>> {
    vec(
        (select(around), -3..=3i64).prop_map(|(at, by)| at + by),
        1..24,
    )
}

const BEGIN: i64 = NOW;
const END: i64 = NOW + 1_000;
const SKEW: i64 = 60;
const MOMENTS: &[i64] = &[
    BEGIN - 10_000,
    BEGIN - SKEW,
    BEGIN,
    BEGIN + 300,
    END,
    END + SKEW,
    END + SKEW + 300,
    END + 10_000,
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_first_rule_that_matches_decides(rules in vec(lists(), 0..8), shown in shown()) {
        let set = RuleSet::new(
            rules.iter().enumerate().map(|(name, lists)| rule(name, lists)).collect(),
            strict_default(),
        );
        let text = |fact: Option<&str>| fact.map(str::to_owned);
        let facts = ConnectionFacts {
            cluster: text(shown[0]),
            server_name: text(shown[1]),
            ..ConnectionFacts::default()
        };
        let request = RequestFacts {
            host: text(shown[2]),
            path: text(shown[3]),
            headers: Vec::new(),
        };
        let candidates = set.candidates(&facts);
        let (index, decided_by) = set.first_match(&candidates, &request);
        let expected = first(&rules, &shown);
        prop_assert_eq!(usize::from(index), expected);
        let name = if expected == rules.len() { "default".to_owned() } else { expected.to_string() };
        prop_assert_eq!(&*decided_by.name, name.as_str());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is remembered must be what would come out anew, but that a rejection
    /// may be up to 300 seconds old.
    #[test]
    fn the_cache_never_outlives_a_certificate(times in instants(MOMENTS)) {
        let ca = authority("ca", |params| valid(params, BEGIN - 50_000, END + 50_000));
        let leaf = ca.leaf(|params| valid(params, BEGIN, END));
        let mut bench = bench(&ca, &leaf, dns("peer.example.com"));
        let demands = bench.rule().demands.peer.take().unwrap();
        let mut kept = Certificates::new(Rc::new(NoHost));
        let mut rejected_at = None;
        for now in times {
            let question = Question {
                direction: Direction::Upstream,
                rule: 0,
                demands: &demands,
                sha256: *leaf.parsed().sha256(),
                now,
                skew: u32::try_from(SKEW).unwrap(),
            };
            let is_accepted = kept.judge(&question, &mut bench.source).result.is_ok();
            if !is_accepted && kept.take_counts().misses > 0 {
                rejected_at = Some(now);
            }
            let anew = Certificates::new(Rc::new(NoHost)).judge(&question, &mut bench.source);
            let is_valid = (BEGIN - SKEW..=END + SKEW).contains(&now);
            prop_assert_eq!(anew.result.is_ok(), is_valid);
            if is_accepted != is_valid {
                prop_assert!(!is_accepted, "accepted outside of its validity, at {}", now - BEGIN);
                let age = now - rejected_at.unwrap();
                prop_assert!((0..300).contains(&age), "a rejection {} seconds old", age);
            }
        }
    }
}
