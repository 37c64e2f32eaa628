//! The client: a few keep-alive connections, and as little work on them as can be.

use std::time::{Duration, Instant};

use hopguard_testbed::client::{Client, RawConnection};
use tokio::task::JoinSet;

use crate::Result;

const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nhost: api.test\r\nuser-agent: bench\r\naccept: */*\r\n\r\n";
/// How an answer of the backend ends; any other is waited for in vain.
const END: &[u8] = b"\r\n\r\nok";

/// Connections to one listener.
pub struct Load(Vec<RawConnection>);

impl Load {
    /// Opens that many, and sends a request on each.
    pub async fn open(client: &Client, connections: usize) -> Result<Self> {
        let mut load = Self(Vec::new());
        for _ in 0..connections {
            load.0.push(client.raw().await?);
        }
        load.burst(1).await?;
        Ok(load)
    }

    /// Sends that many requests on each connection, on all of them at once;
    /// returns how long each took.
    pub async fn burst(&mut self, each: usize) -> Result<Vec<Duration>> {
        let mut tasks = JoinSet::new();
        for mut connection in self.0.drain(..) {
            tasks.spawn(async move {
                let mut times = Vec::with_capacity(each);
                for _ in 0..each {
                    let start = Instant::now();
                    connection.write(REQUEST).await?;
                    connection.read_until(END).await?;
                    times.push(start.elapsed());
                }
                Ok::<_, hopguard_testbed::Error>((connection, times))
            });
        }
        let mut all = Vec::new();
        while let Some(task) = tasks.join_next().await {
            let (connection, times) = task??;
            self.0.push(connection);
            all.extend(times);
        }
        Ok(all)
    }
}
