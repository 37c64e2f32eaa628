//! A listener that nobody can connect to: connections neither succeed nor are refused.

use std::io;
use std::mem;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::error::{Error, Result};

/// How long one connection of its own may take to show in the queue.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often the queue is looked at.
const POLL: Duration = Duration::from_millis(1);

/// A socket that listens, does not accept, and has no room for another connection: Linux
/// drops what else asks to connect, so a client waits until it gives up.
///
/// ```no_run
/// # async fn example() -> hopguard_testbed::Result<()> {
/// use hopguard_testbed::config::Cluster;
/// use hopguard_testbed::upstream::FullBacklog;
///
/// let nowhere = FullBacklog::start().await?;
/// let cluster = Cluster::new("nowhere").endpoint(nowhere.addr());
/// # let _ = cluster;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FullBacklog {
    addr: SocketAddr,
    _listener: Socket,
    /// What fills the queue.
    _own: Socket,
}

impl FullBacklog {
    /// Listens on a free port of 127.0.0.1, and fills the queue.
    ///
    /// # Errors
    ///
    /// When this system does not bound the queue as Linux does, with
    /// `net.ipv4.tcp_abort_on_overflow` off.
    pub async fn start() -> Result<Self> {
        // A backlog of 0 leaves room for one.
        const BACKLOG: i32 = 0;
        let (listener, addr) = listen(BACKLOG).map_err(Error::io("listening on 127.0.0.1"))?;
        let own = Socket::new(Domain::IPV4, Type::STREAM, None).map_err(Error::io("a socket"))?;
        own.connect_timeout(&addr.into(), PATIENCE)
            .map_err(Error::io("filling the backlog"))?;
        let started = Instant::now();
        loop {
            let (waiting, room) = queue(&listener).map_err(Error::io("TCP_INFO"))?;
            if waiting > room {
                return Ok(Self {
                    addr,
                    _listener: listener,
                    _own: own,
                });
            }
            if started.elapsed() > PATIENCE {
                return Err(Error::TimedOut {
                    waiting_for: "the backlog to be full".into(),
                    waited: PATIENCE,
                    seen: format!("{waiting} connections, room for {room}"),
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

fn listen(backlog: i32) -> io::Result<(Socket, SocketAddr)> {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    listener.listen(backlog)?;
    let addr = listener.local_addr()?;
    let addr = addr
        .as_socket()
        .ok_or_else(|| io::Error::other("not an IP address"))?;
    Ok((listener, addr))
}

/// Connections that wait to be accepted, and how many of them there may be without the
/// queue being full. Of a listening socket, TCP_INFO tells both (tcp_get_info in Linux).
fn queue(listener: &Socket) -> io::Result<(u32, u32)> {
    // SAFETY: `tcp_info` is plain integers, for which zero is a value.
    let mut info: libc::tcp_info = unsafe { mem::zeroed() };
    let mut length = mem::size_of_val(&info) as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes to `info`, which is that long.
    let status = unsafe {
        libc::getsockopt(
            listener.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &mut length,
        )
    };
    match status {
        0 => Ok((info.tcpi_unacked, info.tcpi_sacked)),
        _ => Err(io::Error::last_os_error()),
    }
}
