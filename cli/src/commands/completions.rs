//! `hopguard completions`: for shells.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::reply::{Outcome, Reply};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let mut text = Vec::new();
    let mut command = crate::Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "hopguard", &mut text);
    Ok(Reply::fine(String::from_utf8_lossy(&text)))
}
