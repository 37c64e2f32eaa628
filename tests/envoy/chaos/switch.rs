//! An address behind which servers change.

use std::mem::take;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

type Target = Option<SocketAddr>;

/// Hands each connection to the server that is behind it now. A change cuts those
/// that are open.
pub struct Switch {
    address: SocketAddr,
    behind: Arc<Mutex<Behind>>,
    accepting: JoinHandle<()>,
}

struct Behind {
    target: watch::Sender<Target>,
    open: Vec<JoinHandle<()>>,
}

impl Switch {
    /// With this server behind it; without one, connections are reset.
    pub async fn new(target: Target) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let behind = Arc::new(Mutex::new(Behind {
            target: watch::Sender::new(target),
            open: Vec::new(),
        }));
        let shared = Arc::clone(&behind);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut behind = shared.lock().await;
                let watched = behind.target.subscribe();
                behind.open.retain(|open| !open.is_finished());
                behind.open.push(tokio::spawn(forward(stream, watched)));
            }
        });
        Self {
            address,
            behind,
            accepting,
        }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts another server behind it, and returns once no connection leads to the
    /// one before.
    pub async fn turn(&self, target: Target) {
        let mut behind = self.behind.lock().await;
        // Also where it is the same one.
        behind.target.send_replace(target);
        for open in take(&mut behind.open) {
            open.await.unwrap();
        }
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn forward(mut near: TcpStream, mut watched: watch::Receiver<Target>) {
    let reset = |stream: &TcpStream| {
        let _ = socket2::SockRef::from(stream).set_linger(Some(std::time::Duration::ZERO));
    };
    let target = *watched.borrow();
    let through = async {
        match target {
            Some(target) => match TcpStream::connect(target).await {
                Ok(mut far) => copy_bidirectional(&mut near, &mut far).await.is_ok(),
                Err(_) => false,
            },
            None => false,
        }
    };
    let is_over = tokio::select! {
        is_over = through => is_over,
        _ = watched.changed() => false,
    };
    if !is_over {
        reset(&near);
    }
}
