//! Envoy's admin interface.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::Value;

use crate::client::{Client, Request};
use crate::error::{Error, Result};

/// Asks the admin interface at an address.
#[derive(Clone, Debug)]
pub(super) struct Admin {
    addr: SocketAddr,
    client: Client,
}

impl Admin {
    pub(super) fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            client: Client::plaintext(addr),
        }
    }

    pub(super) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(super) async fn get(&self, path: &str) -> Result<String> {
        self.ask("GET", path).await
    }

    pub(super) async fn post(&self, path: &str) -> Result<String> {
        self.ask("POST", path).await
    }

    pub(super) async fn json(&self, path: &str) -> Result<Value> {
        let body = self.get(path).await?;
        serde_json::from_str(&body).map_err(|error| Error::Admin {
            path: path.into(),
            answer: format!("{error}: {body}"),
        })
    }

    pub(super) async fn listener(&self, name: &str) -> Result<Option<SocketAddr>> {
        let listeners = self.json("/listeners?format=json").await?;
        let statuses = listeners["listener_statuses"].as_array();
        Ok(statuses
            .into_iter()
            .flatten()
            .find(|status| status["name"] == name)
            .and_then(|status| {
                let address = &status["local_address"]["socket_address"];
                let ip = address["address"].as_str()?.parse().ok()?;
                Some(SocketAddr::new(
                    ip,
                    u16::try_from(address["port_value"].as_u64()?).ok()?,
                ))
            }))
    }

    /// Counters and gauges whose name begins with `prefix`.
    pub(super) async fn stats(&self, prefix: &str) -> Result<BTreeMap<String, u64>> {
        let stats = self.json("/stats?format=json").await?;
        let stats = stats["stats"].as_array().into_iter().flatten();
        Ok(stats
            .filter_map(|stat| Some((stat["name"].as_str()?, stat["value"].as_u64()?)))
            .filter(|(name, _)| name.starts_with(prefix))
            .map(|(name, value)| (name.to_owned(), value))
            .collect())
    }

    async fn ask(&self, method: &str, path: &str) -> Result<String> {
        let response = self.client.send(Request::new(method, path)).await?;
        match response.status {
            200 => Ok(response.text()),
            status => Err(Error::Admin {
                path: path.into(),
                answer: format!("{status}: {}", response.text()),
            }),
        }
    }
}
