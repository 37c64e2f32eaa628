//! Whether one pattern has all texts of another.

use std::collections::BTreeSet;

use super::{Automaton, Glob, States};

/// Pairs of state sets that are looked at. Patterns that people write take a few
/// dozen; made ones could take exponentially many, and are told apart no further.
const MAX_PAIRS: usize = 10_000;

impl Glob {
    /// Whether every text of the `other` pattern is of this one too. Both are
    /// patterns over segments, or neither. `false` where that takes too long to
    /// tell.
    ///
    /// ```
    /// use hopguard::trust::glob::Glob;
    ///
    /// let all = Glob::parse("/v2/**")?;
    /// let some = Glob::parse("/v2/*/items")?;
    /// assert!(all.covers(&some) && !some.covers(&all));
    /// # Ok::<(), hopguard::trust::glob::GlobError>(())
    /// ```
    pub fn covers(&self, other: &Self) -> bool {
        match (&self.states, &other.states) {
            (_, None) => self.matches(&other.pattern),
            // A pattern with a wildcard has more texts than one.
            (None, Some(_)) => false,
            (Some(ours), Some(others)) => {
                self.pattern == other.pattern || ours.covers(others).unwrap_or(false)
            }
        }
    }
}

impl Automaton {
    /// Both are run side by side over every text, by the sets of states that they
    /// can be in; `None` if these are too many.
    fn covers(&self, other: &Self) -> Option<bool> {
        let alphabet = alphabet(self, other);
        let start = (other.start(), self.start());
        let mut seen = BTreeSet::from([start]);
        let mut open = vec![start];
        while let Some((others, ours)) = open.pop() {
            if other.accepts(&others) && !self.accepts(&ours) {
                return Some(false);
            }
            for byte in &alphabet {
                let next: (States, States) = (other.step(others, *byte), self.step(ours, *byte));
                if !next.0.is_empty() && seen.insert(next) {
                    open.push(next);
                }
            }
            if seen.len() > MAX_PAIRS {
                return None;
            }
        }
        Some(true)
    }
}

/// The bytes that make a difference, and one that makes none.
fn alphabet(a: &Automaton, b: &Automaton) -> Vec<u8> {
    let literals = a.literals.iter().chain(&b.literals);
    let mut bytes: BTreeSet<u8> = literals.map(|(byte, _)| *byte).collect();
    bytes.insert(b'/');
    bytes.extend((0..=u8::MAX).find(|byte| !bytes.contains(byte)));
    bytes.into_iter().collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_it_matches_in_every_case() {
        for (wide, narrow) in [
            ("*", "*"),
            ("**", "*"),
            ("**", "/a/*"),
            ("/v2/**", "/v2/*/items"),
            ("/v2/**", "/v2/**/items"),
            ("/**/b", "/a/*/b"),
            ("a*", "ab*"),
            ("a*c", "abc"),
            ("*a*", "*ba*"),
            ("**a**", "*a*"),
        ] {
            let (wide, narrow) = (Glob::parse(wide).unwrap(), Glob::parse(narrow).unwrap());
            assert!(wide.covers(&narrow), "{wide} {narrow}");
            assert!(wide == narrow || !narrow.covers(&wide), "{narrow} {wide}");
        }
    }

    #[test]
    fn patterns_that_only_look_alike_do_not_cover() {
        for (a, b) in [
            ("/v2/*", "/v2/**"),
            ("/v2/*/*", "/v2/**"),
            ("*b", "*a"),
            ("a*b*c", "a*c"),
            ("*/x", "x"),
            ("abc", "a*"),
        ] {
            let (a, b) = (Glob::parse(a).unwrap(), Glob::parse(b).unwrap());
            assert!(!a.covers(&b), "{a} {b}");
        }
    }

    #[test]
    fn in_a_flat_pattern_a_slash_is_a_byte_like_any_other() {
        let parse = |text| Glob::parse_flat(text).unwrap();
        assert!(parse("a*").covers(&parse("a*/b")));
        assert!(parse("*").covers(&parse("a/b")));
    }

    /// Against the matcher: what is covered matches wherever the other does.
    #[test]
    fn texts_agree() {
        let pieces = ["a", "b", "/", "*", "**"];
        let mut patterns = Vec::new();
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    patterns.extend(Glob::parse(&format!("{a}{b}{c}")));
                }
            }
        }
        let letters = ["", "a", "b", "/", "x"];
        let mut texts = BTreeSet::new();
        for a in letters {
            for b in letters {
                for c in letters {
                    for d in letters {
                        texts.insert(format!("{a}{b}{c}{d}"));
                    }
                }
            }
        }
        for wide in &patterns {
            for narrow in &patterns {
                // Texts of four bytes tell these patterns of three pieces apart.
                let by_text = texts
                    .iter()
                    .all(|text| !narrow.matches(text) || wide.matches(text));
                assert_eq!(wide.covers(narrow), by_text, "{wide} {narrow}");
            }
        }
    }

    #[test]
    fn patterns_made_to_take_long_end() {
        let deep = "*a".repeat(16);
        let wide = Glob::parse(&format!("{deep}{}", "b".repeat(100))).unwrap();
        let narrow = Glob::parse(&format!("**{}", "a".repeat(200))).unwrap();
        assert!(!wide.covers(&narrow));
    }
}
