//! The cases of TCP with their servers, running.

use std::path::Path;

use hopguard_testbed::Result;
use hopguard_testbed::config::{Bootstrap, Cluster};
use hopguard_testbed::envoy::Envoy;

use super::case::Case;
use super::command;
use super::listener::listener;
use super::redises::{Redises, Which};
use super::server::{Running, Server};
use super::talk;
use crate::about::About;
use crate::access::Access;
use crate::outcome::Visit;
use crate::pki::Certificates;
use crate::plugin::Plugin;

/// All cases of TCP.
pub struct Scene<'a> {
    certificates: &'a Certificates,
    redises: Redises,
    acts: Vec<Act>,
}

/// A case with its server.
struct Act {
    case: Case,
    server: Running,
}

impl<'a> Scene<'a> {
    pub async fn start(cases: Vec<Case>, certificates: &'a Certificates) -> Result<Self> {
        let redises = Redises::start(certificates).await?;
        let mut acts = Vec::new();
        for mut case in cases {
            let server = std::mem::replace(&mut case.server, Server::Redis(Which::Good));
            let server = server.start().await?;
            acts.push(Act { case, server });
        }
        Ok(Self {
            certificates,
            redises,
            acts,
        })
    }

    /// Adds listeners and clusters.
    pub fn configure(&self, mut bootstrap: Bootstrap, plugin: &Plugin<'_>) -> Bootstrap {
        for Act { case, server } in &self.acts {
            let mut cluster = Cluster::new(case.name).endpoint(server.address(&self.redises));
            if let Some(tls) = &case.tls {
                cluster = cluster.tls(tls.clone());
            }
            bootstrap = bootstrap
                .tcp(listener(case, self.certificates, plugin))
                .cluster(cluster);
        }
        bootstrap
    }

    /// Has the client of each case talk, one after the other, for some share a server.
    pub async fn run(&self, envoy: &Envoy) -> Result<Vec<Visit>> {
        let mut visits = Vec::new();
        for Act { case, server } in &self.acts {
            let before = server.bytes(&self.redises).await?;
            let client = case.caller.client(envoy.listener(case.name).await?);
            let answer = match server {
                Running::Redis(_) | Running::Nobody(_) => talk::with_redis(&client).await?,
                Running::Greeting(_) => talk::with_greeting(&client).await?,
            };
            // By now Envoy is done with both of its connections.
            let access = Access::wait(envoy, case.name).await?;
            let bytes = server.bytes(&self.redises).await? - before;
            visits.push(Visit {
                answer,
                access,
                bytes: bytes.max(sent_unopened(envoy, case).await?),
            });
        }
        Ok(visits)
    }

    pub fn abouts(&self) -> impl Iterator<Item = &About> {
        self.acts.iter().map(|act| &act.case.about)
    }

    /// A command line for each case.
    pub async fn commands(&self, envoy: &Envoy, directory: &Path) -> Result<Vec<String>> {
        let mut commands = Vec::new();
        for Act { case, server } in &self.acts {
            let port = envoy.listener(case.name).await?.port();
            commands.push(match server {
                Running::Redis(_) | Running::Nobody(_) => {
                    command::redis(&case.caller, port, directory)?
                }
                Running::Greeting(_) => command::greeting(port),
            });
        }
        Ok(commands)
    }
}

/// Of TLS that Envoy passes on, a server counts only what was in it; a ClientHello would be too
/// much already. Envoy counts what it sent.
async fn sent_unopened(envoy: &Envoy, case: &Case) -> Result<u64> {
    if case.tls.is_some() {
        return Ok(0);
    }
    let counter = format!("cluster.{}.upstream_cx_tx_bytes_total", case.name);
    Ok(envoy.stat(&counter).await?.unwrap_or_default())
}
