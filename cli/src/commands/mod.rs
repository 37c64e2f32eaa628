//! The subcommands, one file each.

mod audit;
mod completions;
mod explain;
mod image;
mod inspect;
mod man;
#[cfg(feature = "push")]
mod push;
mod render;
mod report;
mod schema;
mod validate;

use clap::Subcommand;

use crate::reply::{Format, Outcome};

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    Validate(validate::Arguments),
    Render(render::Arguments),
    Inspect(inspect::Arguments),
    Explain(explain::Arguments),
    Schema(schema::Arguments),
    Audit(audit::Arguments),
    Report(report::Arguments),
    Image(image::Arguments),
    #[cfg(feature = "push")]
    Push(push::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// Wrong usage, or a file that cannot be read.
    pub fn run(&self, format: Format) -> Outcome {
        match self {
            Self::Validate(arguments) => validate::run(arguments, format),
            Self::Render(arguments) => render::run(arguments, format),
            Self::Inspect(arguments) => inspect::run(arguments, format),
            Self::Explain(arguments) => explain::run(arguments, format),
            Self::Schema(arguments) => schema::run(arguments),
            Self::Audit(arguments) => audit::run(arguments, format),
            Self::Report(arguments) => report::run(arguments, format),
            Self::Image(arguments) => image::run(arguments, format),
            #[cfg(feature = "push")]
            Self::Push(arguments) => push::run(arguments, format),
            Self::Completions(arguments) => completions::run(arguments),
            Self::Man(arguments) => man::run(arguments),
        }
    }
}
