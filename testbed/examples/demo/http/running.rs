//! A server that runs, or an address where none does.

use std::net::SocketAddr;

use hopguard_testbed::Result;
use hopguard_testbed::upstream::{Upstream, UpstreamBuilder};

use crate::nobody::Nobody;

pub enum Running {
    Upstream(Upstream),
    Nobody(Nobody),
}

impl Running {
    pub async fn start(upstream: Option<UpstreamBuilder>) -> Result<Self> {
        Ok(match upstream {
            Some(upstream) => Self::Upstream(upstream.start().await?),
            None => Self::Nobody(Nobody::new()?),
        })
    }

    pub fn address(&self) -> SocketAddr {
        match self {
            Self::Upstream(upstream) => upstream.addr(),
            Self::Nobody(nobody) => nobody.address(),
        }
    }

    /// Bytes of the application that it received.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Upstream(upstream) => without_hello(&upstream.received()).len() as u64,
            Self::Nobody(_) => 0,
        }
    }
}

/// To a server that does not speak TLS, the ClientHello looks like words of the application.
fn without_hello(received: &[u8]) -> &[u8] {
    match received {
        [22, 3, _, high, low, rest @ ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            rest.get(length..).unwrap_or_default()
        }
        _ => received,
    }
}
