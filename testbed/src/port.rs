//! Ports for those who have to name one.

use std::net::{Ipv4Addr, TcpListener};

use crate::error::{Error, Result};

/// A port of 127.0.0.1 that was free a moment ago. Only for what cannot listen on port 0:
/// an address where nobody listens, or a listener that two epochs of Envoy share.
///
/// # Errors
///
/// When the system has none.
pub fn free_port() -> Result<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(Error::io("a free port"))
}
