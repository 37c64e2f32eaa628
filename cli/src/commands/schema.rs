//! `hopguard schema`: the form of policies, for editors and other tools.

use crate::reply::{Outcome, Reply};
use crate::schema;

/// Print the form of policies as JSON Schema (draft 2020-12)
///
/// What the plugin takes; docs/policy.schema.json is the same. A policy of this
/// form may still be refused, for what its values say: see validate.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Of policies as operators write them: files may be named
    #[arg(long)]
    files: bool,
    /// The same as a page for people, in Markdown: docs/policy-reference.md
    #[arg(long)]
    markdown: bool,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let mut schema = schema::of_the_plugin()?;
    if arguments.files {
        schema::allow_files(&mut schema)?;
    }
    if arguments.markdown {
        return Ok(Reply::fine(schema::markdown(&schema)));
    }
    Reply::json(&schema, false)
}
