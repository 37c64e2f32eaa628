//! `hopguard`: checks, explains and renders policies, with the code of the plugin.
//!
//! One file a subcommand, under `commands`; [`policy`] reads what operators
//! write and knows where each field stands; [`reply`] is what a subcommand says.

mod certificate;
mod commands;
#[cfg(test)]
mod documented;
mod envoy;
mod facts;
mod image;
mod moment;
mod policy;
mod reply;
mod role;
mod schema;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use commands::Command;
use reply::{Failure, Format, Reply};

const EXIT_CODES: &str = "\
Exit codes:
  0  fine
  1  findings: an error in the policy, a connection that is denied, a certificate that nobody
     trusts, a control that is not met
  2  wrong usage, or a file that cannot be read or written";

/// Checks, explains and renders hopguard's policies, and audits Envoys, with the code
/// of the plugin
#[derive(Debug, Parser)]
#[command(name = "hopguard", version, after_help = EXIT_CODES)]
struct Arguments {
    /// How to print the result
    #[arg(long, global = true, value_enum, default_value_t)]
    format: Format,
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (reply, code) = match arguments.command.run(arguments.format) {
        Ok(reply) => {
            let code = reply.exit_code();
            (reply, code)
        }
        Err(Failure(message)) => (Reply::error(&message), 2),
    };
    match print(&reply) {
        Ok(()) => ExitCode::from(code),
        // Whoever reads has seen enough, as in `hopguard … | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(code),
        Err(_) => ExitCode::from(2),
    }
}

/// Prints a reply; colours are left out where no terminal shows them.
fn print(reply: &Reply) -> io::Result<()> {
    let mut err = anstream::AutoStream::auto(io::stderr().lock());
    err.write_all(reply.err.as_bytes())?;
    err.flush()?;
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    out.write_all(reply.out.as_bytes())?;
    out.flush()
}
