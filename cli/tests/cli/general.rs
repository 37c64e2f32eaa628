//! What all subcommands share.

use std::process::{Command, Stdio};

use crate::run::{binary, fixtures, hopguard};

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in [
        &[][..],
        &["no-such-command"],
        &["validate"],
        &["validate", "--no-such-option", "policy.yaml"],
        &["validate", "--at", "yesterday", "policy.yaml"],
        &["validate", "--format", "xml", "policy.yaml"],
        &["man", "no-such-command"],
        &["completions", "no-such-shell"],
    ] {
        let run = hopguard(arguments);
        assert_eq!(run.code, 2, "{arguments:?} {run:?}");
        assert!(run.out.is_empty() && !run.err.is_empty(), "{run:?}");
    }
}

#[test]
fn the_help_tells_the_exit_codes() {
    for arguments in [&["--help"][..], &["-h"]] {
        let run = hopguard(arguments);
        assert_eq!(run.code, 0);
        for line in ["0  fine", "1  findings", "2  wrong usage"] {
            assert!(run.out.contains(line), "{}", run.out);
        }
    }
}

#[test]
fn every_subcommand_has_help_and_a_manual_page() {
    let help = hopguard(&["help"]).out;
    let commands = help.split("Commands:").nth(1).unwrap();
    let names: Vec<&str> = commands
        .lines()
        .take_while(|line| !line.starts_with("Options:"))
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty() && *name != "help")
        .collect();
    assert!(names.contains(&"validate"), "{help}");
    for name in names {
        let page = hopguard(&["man", name]);
        assert_eq!(page.code, 0, "{name}");
        assert!(
            page.out.contains(&format!(".TH hopguard-{name} 1")),
            "{name}"
        );
        assert_eq!(hopguard(&[name, "--help"]).code, 0, "{name}");
    }
    assert!(hopguard(&["man"]).out.contains(".TH hopguard 1"));
}

#[test]
fn completions_are_what_the_shell_reads() {
    let run = hopguard(&["completions", "bash"]);
    assert_eq!(run.code, 0);
    let mut bash = Command::new("bash")
        .arg("-n")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(bash.stdin.as_mut().unwrap(), run.out.as_bytes()).unwrap();
    drop(bash.stdin.take());
    assert!(bash.wait().unwrap().success());
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        assert!(
            hopguard(&["completions", shell]).out.contains("validate"),
            "{shell}"
        );
    }
}

#[test]
fn colours_are_for_terminals_alone() {
    let colours = |variables: &[(&str, &str)]| {
        let output = Command::new(binary())
            .args(["validate", "broken.yaml"])
            .current_dir(fixtures())
            .env_remove("NO_COLOR")
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(!colours(&[]), "no terminal");
    assert!(colours(&[("CLICOLOR_FORCE", "1")]));
    assert!(!colours(&[("NO_COLOR", "1")]));
}

#[test]
fn a_reader_that_leaves_does_no_harm() {
    let mut child = Command::new(binary())
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{output:?}");
}
