//! V9.2.1: both directions use certificates we trust, and all else is rejected.

mod clients;
mod keys;
mod near_expiry;
mod pins;
mod purposes;
mod signatures;
mod upstream;
