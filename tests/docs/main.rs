//! The documents point at what is there, and say what the program does: links, names
//! of files, codes, examples.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by it"
)]

mod causes;
mod examples;
mod links;
mod names;
mod pages;
mod reliability;
mod unsafe_code;
