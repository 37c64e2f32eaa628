//! The plugin's decisions for whoever is no proxy.
//!
//! The command (`cli/`) and the component (`component/`) ask here, so that both say the same,
//! and what the plugin would say that sees the facts for the first time. Nothing is kept between
//! two questions, and no clock is read: the same facts at the same time have the same verdict.
//!
//! | module | concern |
//! |---|---|
//! | [`explanation`] | the verdict, and how it came about |
//! | [`judging`] | the decision over a connection's facts |
//! | [`connection`] | what a connection shows, and whether one can show that |
//! | [`document`] | from the text of a policy to a policy, and what its rules are |
//! | [`stores`] | which trust stores trust a certificate |
//! | [`certificate`] | what is to be seen in a certificate |
//! | [`text`] | text of a peer's, made fit for a line |

pub mod certificate;
pub mod connection;
pub mod document;
pub mod explanation;
pub mod judging;
pub mod stores;
pub mod text;
