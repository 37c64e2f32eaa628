//! `hopguard man`: the manual page.

use clap::CommandFactory;
use clap_mangen::Man;

use crate::reply::{Failure, Outcome, Reply};

/// Print the manual page of hopguard, or of one of its subcommands
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The subcommand
    subcommand: Option<String>,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let mut command = crate::Arguments::command();
    // So that usage lines name the whole command.
    command.build();
    let command = match &arguments.subcommand {
        None => command,
        Some(name) => command
            .find_subcommand(name)
            .cloned()
            .ok_or_else(|| Failure(format!("there is no subcommand {name:?}")))?,
    };
    let mut page = Vec::new();
    Man::new(command)
        .render(&mut page)
        .map_err(|error| Failure(format!("the page cannot be written: {error}")))?;
    Ok(Reply::fine(String::from_utf8_lossy(&page)))
}
