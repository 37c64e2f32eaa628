//! V9.2.3: encrypted connections that carry something sensitive are
//! authenticated. Clients by their certificate; this Envoy by its own, or by a
//! credential in the request.

mod clients;
mod ourselves;
