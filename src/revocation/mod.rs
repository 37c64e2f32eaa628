//! Whether a certificate is revoked, by evidence: OCSP (RFC 6960) and CRLs
//! (RFC 5280, section 5). Pure: bytes and a time come in, a status goes out;
//! nothing is fetched here.

mod asked;
pub mod crl;
pub mod ocsp;
mod responder;
pub mod sources;
mod status;
mod store;

pub use asked::Asked;
pub use responder::Responder;
pub use status::{Source, Status, Trouble};
pub use store::{Fetched, MAX_OPEN, Now, Order, Store, content_type};
