//! Revocation: what a CA knows of its certificates, and how it tells.
//!
//! `openssl` decides and signs: answers of OCSP and CRLs are made by somebody who had no part
//! in reading them. What OpenSSL cannot make (an answer of another time) [`Answer`] makes.
//!
//! ```no_run
//! # async fn example() -> hopguard_testbed::Result<()> {
//! use hopguard_testbed::pki::Pki;
//! use hopguard_testbed::revocation::{Known, Responder};
//!
//! let pki = Pki::new();
//! let responder = Responder::start(&pki.intermediate).await?;
//! let certificate = pki.server("api.test").ocsp_url("http://ocsp.test/").issue();
//! responder.set(&certificate, Known::Revoked);
//! // … have a cluster of Envoy lead to responder.addr() …
//! assert_eq!(responder.requests(), 0);
//! # Ok(())
//! # }
//! ```

mod answer;
mod crl;
mod database;
mod question;
mod responder;
mod server;
mod signing;

pub use self::answer::{Answer, Status};
pub use self::crl::{Extension, List};
pub use self::database::{Database, Known};
pub use self::question::Question;
pub use self::responder::{Responder, response};
pub use self::server::OpensslResponder;
pub use self::signing::Signing;
