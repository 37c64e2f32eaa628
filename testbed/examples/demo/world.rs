//! Everything that runs: the servers, and one Envoy in front of them.

use std::path::Path;

use hopguard_testbed::config::{Bootstrap, Cluster, stats_tags};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::{Result, free_port};
use serde_json::Value;

use crate::about::About;
use crate::outcome::Outcome;
use crate::pki::Certificates;
use crate::plugin::Plugin;
use crate::{events, http, tcp};

/// Metrics have their labels as where a user follows the shipped configuration.
const SHIPPED: &str = include_str!("../../../envoy/envoy.yaml");

/// The Envoy between all clients and servers, and its cases.
pub struct World<'a> {
    pub envoy: Envoy,
    http: http::Scene<'a>,
    tcp: tcp::Scene<'a>,
}

/// What came of all cases.
pub struct Report {
    pub lines: Vec<(About, Outcome)>,
    /// Events that belong to none of them.
    pub unexplained: Vec<Value>,
}

impl<'a> World<'a> {
    pub async fn start(certificates: &'a Certificates, policy: &Value) -> Result<Self> {
        let plugin = Plugin::new(policy)?;
        let http = http::Scene::start(http::cases(certificates), certificates).await?;
        let tcp = tcp::Scene::start(tcp::cases(certificates), certificates).await?;
        let admin = free_port()?;
        let bootstrap = Bootstrap::new()
            .merge(stats_tags(SHIPPED))
            .extension(plugin.posture())
            .cluster(Cluster::new("admin").endpoint(([127, 0, 0, 1], admin).into()))
            .cluster(Cluster::new("ocsp").endpoint(certificates.responder.addr()))
            .cluster(Cluster::new("broken-ocsp").endpoint(certificates.broken_responder.addr()))
            .cluster(Cluster::new("crl").endpoint(certificates.partner_lists.addr()));
        let bootstrap = http.configure(bootstrap, &plugin);
        let bootstrap = tcp.configure(bootstrap, &plugin);
        let envoy = Envoy::builder().config(bootstrap).admin_port(admin);
        let envoy = envoy.start().await?;
        Ok(Self { envoy, http, tcp })
    }

    /// Plays each case, and collects what came of it.
    pub async fn run(&self) -> Result<Report> {
        let mut visits = self.http.run(&self.envoy).await?;
        visits.extend(self.tcp.run(&self.envoy).await?);
        let mut events = events::all(&self.envoy).await?;
        // About Envoy itself, and of no case: clients may ask for a staple that it has not.
        events.retain(|event| event["event.name"] != "hopguard.posture");
        let lines = self
            .abouts()
            .zip(visits)
            .map(|(about, visit)| {
                let of_case = events::take(&mut events, &visit.access);
                (*about, Outcome::new(visit, &of_case))
            })
            .collect();
        Ok(Report {
            lines,
            unexplained: events,
        })
    }

    /// A command line for each case; writes the clients' certificates to the directory.
    pub async fn commands(&self, directory: &Path) -> Result<Vec<(About, String)>> {
        let mut commands = self.http.commands(&self.envoy, directory).await?;
        commands.extend(self.tcp.commands(&self.envoy, directory).await?);
        Ok(self.abouts().copied().zip(commands).collect())
    }

    fn abouts(&self) -> impl Iterator<Item = &About> {
        self.http.abouts().chain(self.tcp.abouts())
    }
}
