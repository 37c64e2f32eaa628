//! What a subcommand says, and the code that it ends with.

use std::fmt::{self, Display};

use anstyle::{AnsiColor, Style};
pub use hopguard_engine::text::clean;
use serde::Serialize;

/// How a result is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// What goes to the standard output and the standard error, with colours.
#[derive(Debug, Default)]
pub struct Reply {
    pub out: String,
    pub err: String,
    pub has_findings: bool,
}

/// Why there is no result: wrong usage, or a file that cannot be read.
#[derive(Debug)]
pub struct Failure(pub String);

/// A reply, or why there is none.
pub type Outcome = Result<Reply, Failure>;

impl Reply {
    /// For the standard output, and nothing was found.
    pub fn fine(out: impl Into<String>) -> Self {
        Self {
            out: out.into(),
            ..Self::default()
        }
    }

    /// A value as indented JSON.
    ///
    /// # Errors
    /// None that is known: what is printed has no key that is no text.
    pub fn json(value: &impl Serialize, has_findings: bool) -> Outcome {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Failure(format!("the result cannot be written: {error}")))?;
        Ok(Self {
            out: text + "\n",
            err: String::new(),
            has_findings,
        })
    }

    /// One sentence on the standard error.
    pub fn error(message: &str) -> Self {
        Self {
            err: format!("{}: {message}\n", painted("error", ERROR)),
            ..Self::default()
        }
    }

    /// 0, or 1 where something was found.
    pub const fn exit_code(&self) -> u8 {
        if self.has_findings { 1 } else { 0 }
    }
}

pub const ERROR: Style = AnsiColor::Red.on_default().bold();
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
pub const HEADING: Style = Style::new().bold();
pub const FAINT: Style = Style::new().dimmed();

/// Text in a style.
pub fn painted(text: impl Display, style: Style) -> impl Display {
    struct Painted<T>(T, Style);

    impl<T: Display> Display for Painted<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}{}{}", self.1.render(), self.0, self.1.render_reset())
        }
    }

    Painted(text, style)
}
