//! What the plugin says that an Envoy shows, in each pinned version, and the table of
//! docs/versions.md.

use std::collections::{BTreeMap, BTreeSet};

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, UpstreamTls,
};
use hopguard_testbed::envoy::{Envoy, pinned_versions};
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::json;

use crate::support::{filter, policy};

const TABLE: &str = include_str!("../../../docs/versions.md");

/// The cells of a row.
fn cells(line: &str) -> Vec<&str> {
    let inner = line.trim().trim_matches('|');
    inner.split('|').map(str::trim).collect()
}

/// What is shown by each version, as the table says.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let (_, table) = TABLE.split_once("## What each shows").unwrap();
    let mut lines = table.lines().filter(|line| line.starts_with('|'));
    let versions = cells(lines.next().unwrap());
    let mut shown: BTreeMap<String, BTreeSet<String>> = versions[1..]
        .iter()
        .map(|version| ((*version).to_owned(), BTreeSet::new()))
        .collect();
    // The second line is that of dashes.
    let rows = table
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'));
    for row in rows.skip(2) {
        let row = cells(row);
        let name = row[0].trim_matches('`');
        for (version, cell) in versions[1..].iter().zip(&row[1..]) {
            match *cell {
                "yes" => assert!(shown.get_mut(*version).unwrap().insert(name.to_owned())),
                "no" => {}
                other => panic!("{name}, {version}: {other:?}"),
            }
        }
    }
    shown
}

/// The names in a list with commas.
fn names(list: &str) -> impl Iterator<Item = String> {
    list.split(", ").map(|name| name.trim().to_owned())
}

/// What the plugin said, of attributes that not every Envoy has, and of functions.
fn told(envoy: &Envoy) -> BTreeSet<String> {
    const EVERYWHERE: [&str; 2] = ["tls_version", "sha256_peer_certificate_digest"];
    let mut told = BTreeSet::new();
    for line in envoy.logs() {
        if let Some((_, offers)) = line.split_once("; host: ") {
            let found = offers
                .split("; ")
                .filter(|part| !part.starts_with("without"));
            told.extend(found.flat_map(names));
        }
        let shown = line
            .split_once("hopguard: of ")
            .and_then(|(_, rest)| rest.split_once(" connections this Envoy shows "));
        if let Some((side, attributes)) = shown {
            let object = if side == "upstream" {
                side
            } else {
                "connection"
            };
            let all = names(attributes).filter(|name| !EVERYWHERE.contains(&name.as_str()));
            told.extend(all.map(|name| format!("{object}.{name}")));
        }
    }
    told
}

#[tokio::test]
async fn each_version_shows_what_the_table_says() {
    let documented = documented();
    let versions: BTreeSet<_> = pinned_versions().into_iter().map(str::to_owned).collect();
    assert_eq!(versions, documented.keys().cloned().collect());
    let pki = Pki::new();
    let own = pki.server("api.test").issue();
    let upstream = Upstream::tls(&own).start().await.unwrap();
    let policy = policy(
        &pki,
        json!({ "default_trust_stores": ["ca"], "downstream": [{
            "name": "clients",
            "require": { "peer_certificate": { "trust_stores": ["ca"], "names": "any" } },
        }]}),
    );
    for (version, shown) in documented {
        let listener = HttpListener::new("front")
            .tls(DownstreamTls::new(&own).accept_any_client())
            .filter(filter("downstream", &policy))
            .route(Route::all("backend"));
        let open = HttpListener::new("open").route(Route::all("backend"));
        let cluster = Cluster::new("backend")
            .endpoint(upstream.addr())
            .tls(UpstreamTls::new().sni("api.test"))
            .filter(filter("upstream", &policy));
        let envoy = Envoy::builder()
            .config(Bootstrap::new().http(listener).http(open).cluster(cluster))
            .version(&version)
            .start()
            .await
            .unwrap();
        let client = Client::tls(envoy.listener("front").await.unwrap())
            .certificate(&pki.client("web").issue());
        let open = Client::plaintext(envoy.listener("open").await.unwrap());
        let is_judged = shown.contains("connection.peer_certificate");
        for _ in 0..2 {
            let status = client.send(Request::get("/")).await.unwrap().status;
            assert_eq!(status, if is_judged { 200 } else { 403 }, "{version}");
            let status = open.get("/").await.unwrap().status;
            assert_eq!(status, if is_judged { 200 } else { 503 }, "{version}");
        }

        assert_eq!(told(&envoy), shown, "{version}");
        let missing = |level: &str, side: &str, attribute: &str| {
            let words = format!("of {side} connections this Envoy does not show {attribute} ");
            let lines = envoy.logs().into_iter();
            lines
                .filter(|line| line.contains(&words) && line.contains(level))
                .count()
        };
        // Once, though there were two connections or more.
        for side in ["downstream", "upstream"] {
            let expected = usize::from(!is_judged);
            assert_eq!(missing("[warning]", side, "peer_certificate"), expected);
            assert_eq!(missing("[info]", side, "peer_certificate"), 0);
        }
        // No rule of this policy needs it.
        let expected = usize::from(!shown.contains("upstream.server_name"));
        assert_eq!(missing("[info]", "upstream", "server_name"), expected);
        assert!(!envoy.logs().iter().any(|line| line.contains("panicked")));
    }
}
