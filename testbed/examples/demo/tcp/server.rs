//! The server of a case.

use std::net::SocketAddr;

use hopguard_testbed::Result;
use hopguard_testbed::upstream::{Upstream, UpstreamBuilder};

use super::redises::{Redises, Which};
use super::talk::BANNER;
use crate::nobody::Nobody;

/// A server, not running yet.
pub enum Server {
    Redis(Which),
    /// Says its banner first, then what it was told.
    Greeting(Box<UpstreamBuilder>),
    /// Does not run.
    Nobody,
}

/// The same, running.
pub enum Running {
    Redis(Which),
    Greeting(Upstream),
    Nobody(Nobody),
}

impl Server {
    pub async fn start(self) -> Result<Running> {
        Ok(match self {
            Self::Redis(which) => Running::Redis(which),
            Self::Nobody => Running::Nobody(Nobody::new()?),
            Self::Greeting(upstream) => {
                Running::Greeting(upstream.tcp_banner(BANNER).start().await?)
            }
        })
    }
}

impl Running {
    pub fn address(&self, redises: &Redises) -> SocketAddr {
        match self {
            Self::Redis(which) => redises.address(*which),
            Self::Greeting(upstream) => upstream.addr(),
            Self::Nobody(nobody) => nobody.address(),
        }
    }

    /// Bytes of its clients that it has got so far, of TLS what was in it.
    pub async fn bytes(&self, redises: &Redises) -> Result<u64> {
        match self {
            Self::Redis(which) => redises.bytes(*which).await,
            Self::Nobody(_) => Ok(0),
            Self::Greeting(upstream) => {
                let seen = upstream
                    .wait_for(|seen| seen.open_connections() == 0)
                    .await?;
                Ok(seen.application().len() as u64)
            }
        }
    }
}
