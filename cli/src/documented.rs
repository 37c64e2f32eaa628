//! The commands that the documents show are commands that this program has.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by it")]

use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What variables of a shell stand for.
const VARIABLES: [(&str, &str); 2] = [
    (
        "$DIGEST",
        "0000000000000000000000000000000000000000000000000000000000000000",
    ),
    ("$PWD", "/home/you"),
];
/// Words between commands, and after one.
const SEPARATORS: [&str; 6] = ["|", "||", "&&", ";", "&", "("];

fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut all = vec![root.join("README.md")];
    let entries = fs::read_dir(root.join("docs")).unwrap();
    all.extend(entries.map(|entry| entry.unwrap().path()));
    all.retain(|path| path.extension().is_some_and(|e| e == "md"));
    assert!(all.len() > 15, "{all:?}");
    all
}

/// The arguments of each call of this program in a line of shell.
fn calls(line: &str) -> Vec<Vec<String>> {
    let mut line = line
        .trim_start_matches("$ ")
        .replace("$(", " ( ")
        .replace("; ", " ; ");
    for (variable, value) in VARIABLES {
        line = line.replace(variable, value);
    }
    let words = shlex::split(&line).unwrap_or_else(|| panic!("no shell reads {line:?}"));
    let commands = words.split(|word| SEPARATORS.contains(&word.as_str()));
    commands
        .filter_map(|command| {
            let (first, rest) = command.split_first()?;
            let is_call = first == "hopguard";
            // What is written where, is the shell's.
            let is_redirection =
                |word: &&String| word.starts_with(['>', '<']) || word.starts_with("2>");
            let own = rest.iter().take_while(|word| !is_redirection(word));
            is_call.then(|| {
                own.map(|word| word.trim_end_matches(')').to_owned())
                    .collect()
            })
        })
        .collect()
}

/// Whether this build takes them.
fn refusal(arguments: &[String]) -> Option<clap::Error> {
    let words = std::iter::once("hopguard".to_owned()).chain(arguments.iter().cloned());
    let error = crate::Arguments::command()
        .try_get_matches_from(words)
        .err()?;
    let is_answer = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    // `push` is there in a build with that feature, as the tests of all are.
    let is_left_out = cfg!(not(feature = "push")) && arguments.first().is_some_and(|a| a == "push");
    (!is_answer && !is_left_out).then_some(error)
}

#[test]
fn commands_in_blocks_are_whole_and_right() {
    let mut count = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let mut language = None;
        // A line that ends with a backslash, or with a pipe, goes on.
        for line in text.replace("\\\n", " ").replace("|\n", "| ").lines() {
            match (line.trim_start().strip_prefix("```"), language) {
                (Some(info), None) => language = Some(info.split(' ').next().unwrap()),
                (Some(_), Some(_)) => language = None,
                (None, Some("sh")) if line.contains("hopguard ") => {}
                (None, Some("console")) if line.starts_with("$ ") && line.contains("hopguard ") => {
                }
                _ => continue,
            }
            if line.trim_start().starts_with("```") {
                continue;
            }
            for arguments in calls(line) {
                let error = refusal(&arguments);
                assert!(
                    error.is_none(),
                    "{}: {line}\n{}",
                    document.display(),
                    error.unwrap()
                );
                count += 1;
            }
        }
    }
    assert!(count > 20, "{count} commands are too few to be all");
}

/// Whether something is left out, which in a text nobody misses.
fn is_unfinished(error: &clap::Error) -> bool {
    let value = error.get(ContextKind::InvalidValue);
    error.kind() == ErrorKind::MissingRequiredArgument
        || matches!(value, Some(ContextValue::String(value)) if value.is_empty())
}

#[test]
fn commands_in_the_text_name_what_is_there() {
    let mut count = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for span in text.split('`').skip(1).step_by(2) {
            if !span.starts_with("hopguard ") || span.contains(['…', '\n']) {
                continue;
            }
            for arguments in calls(span) {
                let error = refusal(&arguments).filter(|error| !is_unfinished(error));
                assert!(
                    error.is_none(),
                    "{}: {span}\n{}",
                    document.display(),
                    error.unwrap()
                );
                count += 1;
            }
        }
    }
    assert!(count > 20, "{count} commands are too few to be all");
}

#[test]
fn what_is_wrong_is_found() {
    for wrong in [
        "hopguard rendr policy.yaml --for envoy",
        "$ hopguard render policy.yaml --fro envoy",
        "hopguard render --for envoy",
        "cat policy.yaml | hopguard validate - --stric > out",
        "hopguard render policy.yaml --for nginx && ls",
        "x=$(hopguard audit)",
    ] {
        let found = calls(wrong)
            .iter()
            .any(|arguments| refusal(arguments).is_some());
        assert!(found, "{wrong}");
    }
    let right = "hopguard schema --files > policy.schema.json; hopguard validate - < policy.yaml";
    let calls = calls(right);
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(calls.iter().all(|arguments| refusal(arguments).is_none()));
}
