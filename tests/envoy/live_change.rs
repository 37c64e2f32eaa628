//! A policy changes while Envoy runs: by the extension config, listener and
//! cluster discovery services (ECDS, LDS, CDS), here from files. A good one takes
//! over without a failed request; one that cannot be changes nothing.

mod at_start;
mod clusters;
mod filters;
mod listeners;
mod load;
mod roles;
mod tcp;
mod waiting;
pub mod watched;

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{Cluster, HttpListener, Route, UpstreamTls};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use self::load::Load;
use crate::support::{metric, metric_is, policy};

/// Workers; connections are dealt out evenly.
const WORKERS: u32 = 2;

/// A policy that lets everything through by a rule of this name, in both
/// directions, and all but `/secret` where that is guarded.
fn named(pki: &Pki, rule: &str, secret_is_guarded: bool) -> Value {
    // Neither hop has it.
    let newest = json!({ "min_tls_version": "1.3" });
    let waiver = json!({ "controls": ["V9.2.2"], "reason": "a test", "until": "2099-12-31" });
    // The filter state names the rule of what is waived, not of a plain permit.
    let mut rules = vec![json!({ "name": rule, "require": newest, "waive": [waiver] })];
    if secret_is_guarded {
        let secret = json!({ "paths": ["/secret"] });
        rules.insert(
            0,
            json!({ "name": "secret", "match": secret, "require": newest }),
        );
    }
    policy(
        pki,
        json!({ "default_trust_stores": ["ca"], "downstream": rules, "upstream": rules }),
    )
}

/// A policy that cannot be.
fn broken(policy: &Value) -> Value {
    let mut policy = policy.clone();
    policy["mode"] = json!("repot");
    policy
}

/// What the plugin says of [`broken`] ones.
const WHY_BROKEN: &str = "hopguard: the policy is refused: mode: ";

/// A listener `front` that leads to the cluster `backend`, and answers with the
/// rule that judged the request.
fn front() -> HttpListener {
    let rule = json!({ "header": {
        "key": "x-rule",
        "value": "%FILTER_STATE(wasm.hopguard.rule:PLAIN)%",
    }});
    HttpListener::new("front")
        .merge(json!({ "connection_balance_config": { "exact_balance": {} } }))
        .manager(json!({ "route_config": {
            "response_headers_to_add": [rule],
            // It may come later.
            "validate_clusters": false,
        }}))
        .route(Route::all("backend"))
}

/// A cluster `backend` of this server, in TLS 1.2.
fn backend(upstream: &Upstream) -> Cluster {
    Cluster::new("backend")
        .endpoint(upstream.addr())
        .tls(UpstreamTls::new().sni("api.test"))
}

async fn start(bootstrap: impl Into<Value>) -> Envoy {
    // A listener that was replaced says so with the next answer, not with some.
    Envoy::builder()
        .config(bootstrap)
        .concurrency(WORKERS)
        .arg("--drain-strategy")
        .arg("immediate")
        .start()
        .await
        .unwrap()
}

/// How a policy reaches a running Envoy, and the counters of what became of it.
struct Way<'a> {
    put: &'a dyn Fn(&Value),
    /// The prefix of `update_success` and `update_rejected`.
    stats: &'a str,
    /// The status of what is denied.
    denial: u16,
}

impl<'a> Way<'a> {
    /// ECDS, HTTP filter of a listener.
    fn listeners_filter(put: &'a dyn Fn(&Value)) -> Self {
        Self::new(put, "extension_config_discovery.http_filter.hopguard", 403)
    }

    /// ECDS, HTTP filter of a cluster.
    fn clusters_filter(put: &'a dyn Fn(&Value)) -> Self {
        let stats = "extension_config_discovery.upstream_http_filter.hopguard";
        Self::new(put, stats, 503)
    }

    /// ECDS, L4 filter: what it denies has no status.
    fn network_filter(put: &'a dyn Fn(&Value)) -> Self {
        let stats = "extension_config_discovery.network_filter.hopguard";
        Self::new(put, stats, 0)
    }

    /// CDS.
    fn cluster(put: &'a dyn Fn(&Value)) -> Self {
        Self::new(put, "cluster_manager.cds", 503)
    }

    /// LDS.
    fn listener(put: &'a dyn Fn(&Value)) -> Self {
        Self::new(put, "listener_manager.lds", 403)
    }

    fn new(put: &'a dyn Fn(&Value), stats: &'a str, denial: u16) -> Self {
        Self { put, stats, denial }
    }

    async fn updates(&self, envoy: &Envoy, result: &str) -> u64 {
        let name = format!("{}.update_{result}", self.stats);
        envoy.stat(&name).await.unwrap().unwrap_or(0)
    }

    /// Puts a policy that Envoy takes.
    async fn accepted(&self, envoy: &Envoy, policy: &Value) {
        let before = self.updates(envoy, "success").await;
        (self.put)(policy);
        let name = format!("{}.update_success", self.stats);
        envoy.wait_for_stat(&name, |n| n > before).await.unwrap();
    }

    /// Puts a policy that Envoy refuses.
    async fn rejected(&self, envoy: &Envoy, policy: &Value) {
        let before = self.updates(envoy, "rejected").await;
        (self.put)(policy);
        let name = format!("{}.update_rejected", self.stats);
        envoy.wait_for_stat(&name, |n| n > before).await.unwrap();
    }
}

/// Waits until every worker works under the last of so many policies. A new one is
/// configured once in each worker, and twice in the main thread: for trial, and
/// for good.
async fn configured(envoy: &Envoy, policies: u64) {
    let count = policies * (u64::from(WORKERS) + 2);
    metric_is(envoy, &["configurations", "accepted"], count).await;
}

/// Under load, changes the policy from `before` to another, to one that cannot
/// be, and to a third one.
async fn change_under_load(pki: &Pki, envoy: &Envoy, client: &Client, way: Way<'_>) {
    let secret = async || {
        let response = client.send(Request::get("/secret")).await;
        response.unwrap().status
    };
    let load = Load::start(client, 4);
    load.until_rule("before").await;
    load.go_on(10).await;
    assert_eq!(secret().await, 200);

    let after = named(pki, "after", true);
    way.accepted(envoy, &after).await;
    load.until_rule("after").await;
    assert_eq!(secret().await, way.denial);
    let accepted = metric(envoy, &["configurations", "accepted"]).await;

    way.rejected(envoy, &broken(&named(pki, "never", false)))
        .await;
    let why = envoy.wait_for_log(|line| line.contains(WHY_BROKEN)).await;
    assert!(why.unwrap().contains("[error]"));
    metric_is(envoy, &["configurations", "rejected"], 1).await;
    load.go_on(10).await;
    assert_eq!(secret().await, way.denial);
    assert_eq!(
        metric(envoy, &["configurations", "accepted"]).await,
        accepted
    );

    way.accepted(envoy, &named(pki, "again", false)).await;
    load.until_rule("again").await;
    load.go_on(10).await;
    assert_eq!(secret().await, 200);
    metric_is(envoy, &["configurations", "rejected"], 1).await;

    for answers in load.end().await {
        let failed = answers.iter().find(|answer| answer.status != 200);
        assert!(failed.is_none(), "{failed:?} of {}", answers.len());
        let mut rules: Vec<_> = answers.iter().map(|a| a.rule.as_str()).collect();
        rules.dedup();
        assert_eq!(rules, ["before", "after", "again"]);
    }
}
