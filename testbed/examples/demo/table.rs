//! The table, for somebody who has not seen any of this before.

use std::io::IsTerminal;

use crate::case::Side;
use crate::outcome::Outcome;
use crate::world::Running;

const HEAD: &str = "\
hopguard in a real Envoy. Each line is one request: a client sends it to Envoy, Envoy to a server of its own.
  expected, got  the client's status, and hopguard's verdict: permit; deny; waived, by an exception with a date;
                 would_deny, where a rule only reports; \"by Envoy\" where Envoy itself could not connect
  server got     bytes of the request that reached the server: 0 is what a denial is for
  event          the cause in the event that hopguard wrote to Envoy's log, or -
";

/// Prints it; says how many lines are as expected.
pub fn print(running: &[Running], outcomes: &[Outcome]) -> usize {
    let paint = Paint(std::io::stdout().is_terminal());
    println!("{HEAD}");
    let line = |mark: &str, cells: [&str; 6]| {
        let [words, control, expected, got, bytes, event] = cells;
        format!("{mark} {words:<40} {control:<7} {expected:<14} {got:<14} {bytes:>10}  {event}")
            .trim_end()
            .to_owned()
    };
    let mut side = None;
    let mut good = 0;
    for (running, outcome) in running.iter().zip(outcomes) {
        let case = &running.case;
        if side != Some(case.side) {
            let title = match case.side {
                Side::Client => "THE CLIENT",
                Side::Server => "THE SERVER",
            };
            if side.is_some() {
                println!();
            }
            let head = [title, "control", "expected", "got", "server got", "event"];
            println!("{}", paint.bold(&line(" ", head)));
            side = Some(case.side);
        }
        let differences = outcome.differences(case);
        let expected = format!("{} {}", case.expected.status, case.expected.verdict);
        let got = format!("{} {}", outcome.status, outcome.verdict);
        let bytes = outcome.bytes.to_string();
        let cells = [
            case.words,
            case.control,
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

/// Colours, on a terminal.
struct Paint(bool);

impl Paint {
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
