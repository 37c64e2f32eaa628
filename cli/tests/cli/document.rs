//! `docs/cli.md`: its files are the fixtures, its commands print what it says.

use std::path::Path;
use std::process::Command;

use crate::run::{binary, fixtures};

const DOCUMENT: &str = include_str!("../../../docs/cli.md");
/// Lines that an example leaves out.
const LEFT_OUT: &str = "…";

/// The blocks of code of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    DOCUMENT
        .split("\n```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'))
        .collect()
}

#[test]
fn its_files_are_those_of_the_examples() {
    let mut count = 0;
    for block in blocks("yaml") {
        let Some((name, text)) = block.strip_prefix("# ").and_then(|b| b.split_once('\n')) else {
            continue;
        };
        let file = std::fs::read_to_string(fixtures().join(name)).expect(name);
        assert_eq!(file.trim_end(), text, "{name}");
        count += 1;
    }
    assert!(count > 0, "the document shows files");
}

#[test]
fn its_commands_print_what_it_says() {
    let mut count = 0;
    for block in blocks("console") {
        let mut code = 0;
        for example in block.split("$ ").skip(1) {
            let (command, expected) = example.split_once('\n').unwrap_or((example, ""));
            // About the command before it.
            let printed = if command == "echo $?" {
                format!("{code}\n")
            } else {
                let printed;
                (printed, code) = shell(command);
                printed
            };
            assert_printed(command, &printed, expected.trim_end());
            count += 1;
        }
    }
    assert!(count > 0, "the document shows commands");
}

fn shell(command: &str) -> (String, i32) {
    let folder = Path::new(binary()).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{command}")])
        .current_dir(fixtures())
        .env("PATH", format!("{}:{path}", folder.display()))
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    (printed, output.status.code().unwrap())
}

/// That it printed this, but for what the example leaves out.
#[track_caller]
fn assert_printed(command: &str, printed: &str, expected: &str) {
    let mut rest = printed.trim_end();
    let lines: Vec<&str> = expected.lines().collect();
    for (index, part) in lines.split(|line| *line == LEFT_OUT).enumerate() {
        let part = part.join("\n");
        let Some(at) = rest.find(&part).filter(|at| index > 0 || *at == 0) else {
            panic!("{command} prints\n{printed}\nand not\n{part}");
        };
        rest = rest.get(at + part.len()..).unwrap();
    }
    let ends_open = lines.last() == Some(&LEFT_OUT);
    assert!(ends_open || rest.is_empty(), "{command} prints too\n{rest}");
}
