//! Whether a certificate is revoked, by evidence: OCSP (RFC 6960) and CRLs
//! (RFC 5280, section 5). Pure: bytes and a time come in, a status goes out;
//! nothing is fetched here.

mod asked;
pub mod crl;
mod lists;
pub mod ocsp;
mod responder;
mod shared_data;
pub mod sources;
mod status;
mod store;

pub use asked::Asked;
pub use lists::{ListAnswer, ListOrder, Lists, Told};
pub use responder::{ListSource, Responder, split_http};
pub use shared_data::{SharedData, Unshared};
pub use status::{Looked, Source, Staple, Status, Trouble};
pub use store::{Fetched, Learnt, MAX_OPEN, Now, Order, Random, Store};
