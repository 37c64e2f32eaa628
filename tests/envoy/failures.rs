//! Each failed attempt to connect makes one event, with the right code: every
//! class of failure with a real peer, in every place that sees it.

mod alone;
mod filtered;
mod flood;
mod good;
mod http;
mod inbound;
mod multitude;
mod once;
mod once_tcp;
mod races;
mod tcp;
mod variety;
mod versions;
