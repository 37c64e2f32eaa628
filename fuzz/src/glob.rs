//! Text as a pattern (first line) and what it is to match (the rest), against a matcher that
//! anyone can follow.

use hopguard::trust::glob::{Glob, MAX_LEN, MAX_WILDCARDS};

pub fn fuzz_target(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (pattern, text) = text.split_once('\n').unwrap_or((text, ""));
    for (flat, parsed) in [
        (false, Glob::parse(pattern)),
        (true, Glob::parse_flat(pattern)),
    ] {
        let Ok(glob) = parsed else {
            continue;
        };
        assert_eq!(glob.as_str(), pattern);
        assert!((1..=MAX_LEN).contains(&pattern.len()));
        assert!(pattern.matches('*').count() <= 2 * MAX_WILDCARDS);
        assert_eq!(glob.is_literal(), !pattern.contains('*'));
        if text.len() <= 4 * MAX_LEN {
            let tokens = tokens(pattern.as_bytes(), flat);
            let expected = matches(&tokens, text.as_bytes());
            assert_eq!(glob.matches(text), expected, "{pattern:?} {text:?}");
        }
        // Without its wildcards, a pattern matches itself.
        assert!(glob.matches(&pattern.replace('*', "")) || pattern.is_empty());
    }
}

enum Token {
    Literal(u8),
    Within,
    Across,
}

fn tokens(pattern: &[u8], flat: bool) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern;
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (b'*', [b'*', after @ ..]) => {
                tokens.push(Token::Across);
                after
            }
            (b'*', after) => {
                tokens.push(if flat { Token::Across } else { Token::Within });
                after
            }
            (literal, after) => {
                tokens.push(Token::Literal(*literal));
                after
            }
        };
    }
    tokens
}

/// Row by row: which prefixes of the text the pattern so far can be.
fn matches(tokens: &[Token], text: &[u8]) -> bool {
    let mut row = vec![false; text.len() + 1];
    row[0] = true;
    for token in tokens {
        let mut next = vec![false; text.len() + 1];
        for end in 0..=text.len() {
            next[end] = match token {
                Token::Literal(byte) => end > 0 && row[end - 1] && text[end - 1] == *byte,
                Token::Across => row[end] || end > 0 && next[end - 1],
                Token::Within => row[end] || end > 0 && next[end - 1] && text[end - 1] != b'/',
            };
        }
        row = next;
    }
    row[text.len()]
}
