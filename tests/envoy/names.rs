//! V9.2.1: a certificate is worth something for the names that it presents, and
//! the peer must present the one that it was meant to have (RFC 9525).

mod clients;
mod references;
mod servers;
