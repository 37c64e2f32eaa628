//! The table, for somebody who has not seen any of this before.

use std::io::IsTerminal;

use serde_json::Value;

use crate::about::About;
use crate::outcome::Outcome;

const HEAD: &str = "\
hopguard in a real Envoy. Each line is a client that comes to Envoy, and is led to a server of its own.
  expected, got  what the client got: the status of HTTP; over TCP, answered, or closed before any answer. And the
                 verdict: permit; deny; waived, by an exception with a date; would_deny, where a rule only reports;
                 \"by Envoy\" where Envoy itself could not connect or ended the client's handshake
  server got     bytes of what the client said that reached the server: 0 is what a denial is for
  event          the cause in the event that hopguard wrote to Envoy's log, or -
";

/// Prints it; says how many lines are as expected.
pub fn print(lines: &[(About, Outcome)]) -> usize {
    let paint = Paint::new();
    println!("{HEAD}");
    let mut section = None;
    let mut good = 0;
    for (about, outcome) in lines {
        if section != Some(about.section) {
            if section.is_some() {
                println!();
            }
            let title = about.section.title();
            let head = [title, "control", "expected", "got", "server got", "event"];
            println!("{}", paint.bold(&line(" ", head)));
            section = Some(about.section);
        }
        let differences = outcome.differences(about);
        let expected = format!("{} {}", about.expected.answer, about.expected.verdict);
        let got = format!("{} {}", outcome.answer, outcome.verdict);
        let bytes = outcome.bytes.to_string();
        let cells = [
            about.words,
            about.control,
            &expected,
            &got,
            &bytes,
            &outcome.causes(),
        ];
        if differences.is_empty() {
            good += 1;
            println!("{}", paint.verdict(&outcome.verdict, &line("✓", cells)));
        } else {
            println!("{}", paint.red(&line("✗", cells)));
            for difference in differences {
                println!("{}", paint.red(&format!("    {difference}")));
            }
        }
    }
    good
}

/// Prints the events that belong to no line.
pub fn print_unexplained(events: &[Value]) {
    let paint = Paint::new();
    for event in events {
        println!("{}", paint.red(&format!("✗ an event too many: {event}")));
    }
}

fn line(mark: &str, cells: [&str; 6]) -> String {
    let [words, control, expected, got, bytes, event] = cells;
    format!("{mark} {words:<42} {control:<7} {expected:<19} {got:<19} {bytes:>10}  {event}")
        .trim_end()
        .to_owned()
}

/// Colours, on a terminal.
struct Paint(bool);

impl Paint {
    fn new() -> Self {
        Self(std::io::stdout().is_terminal())
    }

    fn bold(&self, text: &str) -> String {
        self.with("1", text)
    }

    fn red(&self, text: &str) -> String {
        self.with("1;31", text)
    }

    fn verdict(&self, verdict: &str, text: &str) -> String {
        match verdict {
            "permit" => self.with("32", text),
            "deny" => self.with("36", text),
            _ => self.with("33", text),
        }
    }

    fn with(&self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
