//! An address where no server runs.

use std::net::{Ipv4Addr, SocketAddr};

use hopguard_testbed::{Error, Result};
use tokio::net::TcpSocket;

/// Connections to it are refused, and nobody else can listen there for now.
pub struct Nobody {
    _port: TcpSocket,
    address: SocketAddr,
}

impl Nobody {
    pub fn new() -> Result<Self> {
        Self::bind().map_err(|source| Error::Io {
            doing: "reserving a port".into(),
            source,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn bind() -> std::io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = socket.local_addr()?;
        Ok(Self {
            _port: socket,
            address,
        })
    }
}
