//! The cases of HTTP with their servers, running.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use hopguard_testbed::client::Request;
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::{Error, Result};

use super::case::Case;
use super::listener::listener;
use super::running::Running;
use super::server::Server;
use super::{cluster, curl};
use crate::about::About;
use crate::access::Access;
use crate::expected::Answer;
use crate::outcome::Visit;
use crate::pki::{Certificates, HOST};
use crate::plugin::Plugin;

/// All cases of HTTP.
pub struct Scene<'a> {
    certificates: &'a Certificates,
    acts: Vec<Act>,
}

/// A case with its servers.
struct Act {
    case: Case,
    cluster: Cluster,
    servers: Vec<Running>,
    id: String,
}

impl<'a> Scene<'a> {
    pub async fn start(cases: Vec<Case>, certificates: &'a Certificates) -> Result<Self> {
        let mut acts = Vec::new();
        for (index, mut case) in cases.into_iter().enumerate() {
            let id = format!("demo-{}", index + 1);
            let mut servers = std::mem::take(&mut case.servers);
            if servers.is_empty() {
                servers.push(Server::tls(&certificates.company.server(HOST).issue()));
            }
            let name = case.cluster.unwrap_or(&id);
            let (cluster, servers) = cluster::start(name, servers, case.choice).await?;
            acts.push(Act {
                case,
                cluster,
                servers,
                id,
            });
        }
        Ok(Self { certificates, acts })
    }

    /// Adds listeners and clusters.
    pub fn configure(&self, mut bootstrap: Bootstrap, plugin: &Plugin<'_>) -> Bootstrap {
        let mut listeners: BTreeMap<&'static str, HttpListener> = BTreeMap::new();
        for act in &self.acts {
            let name = act.case.listener;
            let listener = listeners
                .remove(name)
                .unwrap_or_else(|| listener(name, self.certificates, plugin));
            listeners.insert(name, listener.route(act.route()));
            bootstrap = bootstrap.cluster(act.cluster.clone().filter(plugin.upstream()));
        }
        listeners.into_values().fold(bootstrap, Bootstrap::http)
    }

    /// Sends the request of each case.
    pub async fn run(&self, envoy: &Envoy) -> Result<Vec<Visit>> {
        let mut visits = Vec::new();
        for act in &self.acts {
            let case = &act.case;
            let answer = act.send(envoy.listener(case.listener).await?).await?;
            let logged = match case.has_no_request() {
                true => case.listener,
                false => &act.id,
            };
            visits.push(Visit {
                answer,
                access: Access::wait(envoy, logged).await?,
                bytes: act.bytes(),
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
        for act in &self.acts {
            let port = envoy.listener(act.case.listener).await?.port();
            commands.push(curl::command(&act.case, port, &act.path(), directory)?);
        }
        Ok(commands)
    }
}

impl Act {
    /// The path that leads to the case's servers.
    fn path(&self) -> String {
        format!("/{}/", self.id)
    }

    fn route(&self) -> Route {
        let cluster = self.case.cluster.unwrap_or(&self.id);
        self.case.choice.route(Route::prefix(&self.path(), cluster))
    }

    async fn send(&self, listener: SocketAddr) -> Result<Answer> {
        let mut request = Request::post(&self.path(), "the application's secret")
            .host(HOST)
            .header("x-request-id", &self.id);
        if let Some((name, value)) = self.case.header {
            request = request.header(name, value);
        }
        match self.case.caller.client(listener).send(request).await {
            Ok(response) => Ok(Answer::Status(response.status)),
            Err(error @ Error::TimedOut { .. }) => Err(error),
            // No handshake, or an alert in place of HTTP.
            Err(_) => Ok(Answer::Closed),
        }
    }

    /// Bytes of the application that any of the case's servers received.
    fn bytes(&self) -> u64 {
        self.servers.iter().map(Running::bytes).sum()
    }
}
