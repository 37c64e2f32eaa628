//! What is told of a verdict: events, counters, filter state, and what a client
//! gets to see.

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, UpstreamTls,
};
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use crate::support::{
    ACCESS_LOG, SUMMARY, access, events, exactly_events, filter, metric, policy, start,
};

/// How many events of a kind are printed before they are only counted.
const BURST: u64 = 10;

#[tokio::test]
async fn a_flood_is_folded_and_no_denial_goes_uncounted() {
    const FLOOD: u64 = 37;
    let policy = policy(
        &Pki::new(),
        json!({ "downstream": [{ "name": "other", "match": { "paths": ["/other"] } }] }),
    );
    let listener = HttpListener::new("front")
        .filter(filter("downstream", &policy))
        .route(Route::direct("/", 200, ""));
    let envoy = start(Bootstrap::new().http(listener)).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    let mut ids = Vec::new();
    let connection = client.connect().await.unwrap();
    for _ in 0..FLOOD {
        let response = connection.send(Request::get("/")).await.unwrap();
        assert_eq!(response.status, 403);
        ids.push(id_of(&response.text()));
    }
    // Of another rule: not the same event.
    assert_eq!(client.get("/other").await.unwrap().status, 403);

    let logged = exactly_events(&envoy, BURST as usize + 1).await;
    assert_eq!(logged.last().unwrap()["hopguard.rule"], "other");
    for (event, id) in logged.iter().zip(&ids).take(BURST as usize) {
        assert_eq!(event["hopguard.event.id"], **id);
    }
    let folded = metric(&envoy, &["hopguard.events", "folded"]).await;
    assert_eq!(folded, FLOOD - BURST);
    let decided = ["hopguard.decisions", "deny", "plaintext", "rule.=.default;"];
    assert_eq!(metric(&envoy, &decided).await, FLOOD);
    let all: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(all.len(), ids.len(), "an id is given once");

    // The last chance to say it.
    envoy.quit().await.unwrap();
    let summaries: Vec<_> = events(&envoy)
        .into_iter()
        .filter(|e| e["event.name"] == SUMMARY)
        .collect();
    assert_eq!(summaries.len(), 1, "{summaries:#?}");
    let summary = &summaries[0];
    assert_eq!(summary["hopguard.folded.count"], FLOOD - BURST);
    assert_eq!(summary["error.type"], "plaintext");
    assert_eq!(summary["hopguard.rule"], "default");
    assert_eq!(summary["hopguard.verdict"], "deny");
    assert_eq!(summary["hopguard.folded.sample"], *ids[BURST as usize]);
}

/// The id in the body of a denial.
fn id_of(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["code"], "hopguard_denied");
    assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
    body["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_access_log_shows_the_gravest_verdict_of_both_hops() {
    let pki = Pki::new();
    let secure = Upstream::tls(&pki.server("api.test").issue())
        .start()
        .await
        .unwrap();
    let plain = Upstream::plaintext().start().await.unwrap();
    let waive = json!([{
        "controls": ["V9.2.1", "V9.2.2"], "reason": "legacy", "until": "2099-12-31",
    }]);
    let rules = |matches: &str| {
        json!([
            { "name": "waives", "match": { matches: ["waived"] }, "waive": waive },
            { "name": "reports", "match": { matches: ["would_deny"] }, "mode": "report" },
        ])
    };
    let policy = policy(
        &pki,
        json!({
            "default_trust_stores": ["ca"],
            "downstream": rules("filter_chains"),
            "upstream": rules("clusters"),
        }),
    );
    // In ascending gravity.
    const VERDICTS: [&str; 4] = ["permit", "waived", "would_deny", "deny"];
    let mut bootstrap = Bootstrap::new();
    for verdict in VERDICTS {
        let cluster = match verdict {
            "permit" => Cluster::new(verdict)
                .endpoint(secure.addr())
                .tls(UpstreamTls::new().sni("api.test")),
            _ => Cluster::new(verdict).endpoint(plain.addr()),
        };
        let mut listener = HttpListener::new(verdict)
            .access_log(ACCESS_LOG)
            .filter(filter("downstream", &policy));
        if verdict == "permit" {
            listener = listener.tls(DownstreamTls::new(&pki.server("api.test").issue()));
        }
        for cluster in VERDICTS {
            listener = listener.route(Route::prefix(&format!("/{verdict}-{cluster}"), cluster));
        }
        bootstrap = bootstrap
            .cluster(cluster.filter(filter("upstream", &policy)))
            .http(listener);
    }
    let envoy = start(bootstrap).await;

    for (down, downstream) in VERDICTS.iter().enumerate() {
        let address = envoy.listener(downstream).await.unwrap();
        let client = match *downstream {
            "permit" => Client::tls(address),
            _ => Client::plaintext(address),
        };
        for (up, upstream) in VERDICTS.iter().enumerate() {
            let path = format!("/{downstream}-{upstream}");
            let status = client.get(&path).await.unwrap().status;
            let expected = match (*downstream, *upstream) {
                ("deny", _) => 403,
                (_, "deny") => 503,
                _ => 200,
            };
            assert_eq!(status, expected, "{path}");
            let gravest = VERDICTS[down.max(if expected == 403 { 0 } else { up })];
            let expected = match gravest {
                "permit" => "verdict=permit cause=- control=- rule=default",
                "waived" => "verdict=waived cause=- control=- rule=waives",
                "would_deny" => "verdict=would_deny cause=plaintext control=V9.2.2 rule=reports",
                _ => "verdict=deny cause=plaintext control=V9.2.2 rule=default",
            };
            let log = access(&envoy, &path).await;
            assert!(log.ends_with(expected), "{path}: {log}");
        }
    }
}

#[tokio::test]
async fn a_denied_client_learns_a_code_and_an_id_and_nothing_else() {
    let pki = Pki::new();
    let secret = pki
        .server("secret-name.test")
        .organization("Secret Org")
        .issuer(&pki.other)
        .issue();
    let upstream = Upstream::tls(&secret).start().await.unwrap();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let envoy = start(
        Bootstrap::new()
            .http(
                HttpListener::new("inbound")
                    .filter(filter("downstream", &policy))
                    .route(Route::all("backend")),
            )
            .http(HttpListener::new("outbound").route(Route::all("backend")))
            .cluster(
                Cluster::new("backend")
                    .endpoint(upstream.addr())
                    .tls(UpstreamTls::new().sni("api.test"))
                    .filter(filter("upstream", &policy)),
            ),
    )
    .await;

    let mut ids = Vec::new();
    for (listener, status, grpc_status) in [("inbound", 403, "7"), ("outbound", 503, "14")] {
        let address = envoy.listener(listener).await.unwrap();
        let response = Client::plaintext(address).get("/").await.unwrap();
        assert_eq!(response.status, status);
        ids.push(id_of(&response.text()));
        assert_eq!(response.header("content-type").unwrap(), "application/json");
        let mut names: Vec<_> = response.headers.iter().map(|(n, _)| n.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-length", "content-type", "date", "server"]);

        let grpc =
            Request::post("/pkg.Service/Call", "").header("content-type", "application/grpc");
        let client = Client::plaintext(address).http2();
        let response = client.send(grpc).await.unwrap();
        assert_eq!(response.status, 200);
        assert_eq!(response.header("grpc-status").unwrap(), grpc_status);
        let message = response.header("grpc-message").unwrap();
        let message = message.replace("%0A", "");
        ids.push(id_of(&message));
    }

    let events = exactly_events(&envoy, ids.len()).await;
    for (event, id) in events.iter().zip(&ids) {
        assert_eq!(event["hopguard.event.id"], **id);
    }
    // What the client does not see is in the log.
    assert_eq!(events[2]["error.type"], "certificate_unknown_issuer");
    let subject = events[2]["tls.server.subject"].as_str().unwrap();
    assert!(subject.contains("Secret Org"), "{subject}");
}

#[tokio::test]
async fn events_and_metrics_have_the_documented_names() {
    let pki = Pki::new();
    let plain = Upstream::plaintext().start().await.unwrap();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let listener = HttpListener::new("front")
        .tls(DownstreamTls::new(&pki.server("api.test").issue()))
        .filter(filter("downstream", &policy))
        .route(Route::all("backend"));
    let cluster = Cluster::new("backend")
        .endpoint(plain.addr())
        .filter(filter("upstream", &policy));
    let unguarded = HttpListener::new("plaintext")
        .filter(filter("downstream", &policy))
        .route(Route::all("backend"));
    let envoy = start(
        Bootstrap::new()
            .http(listener)
            .http(unguarded)
            .cluster(cluster),
    )
    .await;

    let client = Client::tls(envoy.listener("front").await.unwrap());
    assert_eq!(client.get("/").await.unwrap().status, 503);
    let client = Client::plaintext(envoy.listener("plaintext").await.unwrap());
    assert_eq!(client.get("/").await.unwrap().status, 403);

    let events = exactly_events(&envoy, 2).await;
    let common = [
        "error.type",
        "event.name",
        "hopguard.control",
        "hopguard.cwe",
        "hopguard.detail",
        "hopguard.direction",
        "hopguard.event.id",
        "hopguard.request.id",
        "hopguard.rule",
        "hopguard.verdict",
        "network.peer.address",
        "network.peer.port",
        "timestamp",
        "tls.established",
    ];
    for (event, own) in events.iter().zip([
        [
            "hopguard.attempt",
            "hopguard.cluster",
            "hopguard.findings",
            "server.address",
        ]
        .as_slice(),
        &[
            "client.address",
            "hopguard.filter_chain",
            "hopguard.listener",
        ],
    ]) {
        let mut expected = [common.as_slice(), own].concat();
        expected.sort_unstable();
        let keys: Vec<_> = event
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(keys, expected);
    }
    assert_eq!(
        events[0]["hopguard.findings"],
        json!([{
            "control": "V9.2.1",
            "cause": "certificate_missing",
            "detail": "without TLS the peer presents no certificate",
            "waived": false,
        }])
    );

    let stats = envoy.stats("wasmcustom.hopguard").await.unwrap();
    let names: Vec<_> = stats
        .keys()
        .map(|name| name.trim_start_matches("wasmcustom."))
        .collect();
    assert_eq!(
        names,
        [
            "hopguard.configurations.result.=.accepted;",
            "hopguard.decisions.direction.=.downstream;.verdict.=.deny;.control.=.V9.2.2;.cause.=.plaintext;.rule.=.default;",
            "hopguard.decisions.direction.=.downstream;.verdict.=.permit;.control.=.none;.cause.=.none;.rule.=.default;",
            "hopguard.decisions.direction.=.upstream;.verdict.=.deny;.control.=.V9.2.2;.cause.=.plaintext;.rule.=.default;",
            "hopguard.events.result.=.logged;",
            "hopguard.flow_cache.direction.=.downstream;.result.=.miss;",
            "hopguard.flow_cache.direction.=.upstream;.result.=.miss;",
            "hopguard.gate_pending",
            "hopguard.gate_waits.result.=.judged;",
        ]
    );
}

#[tokio::test]
async fn every_worker_counts_and_tells() {
    const CONNECTIONS: u64 = 24;
    let policy = policy(&Pki::new(), json!({}));
    let listener = HttpListener::new("front")
        .filter(filter("downstream", &policy))
        .route(Route::direct("/", 200, ""));
    let envoy = hopguard_testbed::envoy::Envoy::builder()
        .config(Bootstrap::new().http(listener))
        .concurrency(3)
        .start()
        .await
        .unwrap();
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    let mut ids = std::collections::HashSet::new();
    for _ in 0..CONNECTIONS {
        let response = client.get("/").await.unwrap();
        assert_eq!(response.status, 403);
        ids.insert(id_of(&response.text()));
    }
    assert_eq!(ids.len() as u64, CONNECTIONS);
    assert_eq!(
        metric(&envoy, &["hopguard.decisions", "deny"]).await,
        CONNECTIONS
    );
    assert_eq!(metric(&envoy, &["hopguard.events"]).await, CONNECTIONS);
    let logged = metric(&envoy, &["hopguard.events", "logged"]).await;
    for event in exactly_events(&envoy, logged as usize).await {
        assert!(ids.contains(event["hopguard.event.id"].as_str().unwrap()));
    }
}

/// The patterns are those that Istio makes of `extraStatTags`.
#[tokio::test]
async fn labels_become_tags_with_istios_patterns() {
    let policy = policy(&Pki::new(), json!({}));
    let listener = HttpListener::new("front")
        .filter(filter("downstream", &policy))
        .route(Route::direct("/", 200, ""));
    let tags: Vec<_> = ["direction", "verdict", "control", "cause", "rule", "result"]
        .iter()
        .map(|tag| json!({ "tag_name": tag, "regex": format!("({tag}\\.=\\.(.*?);\\.)") }))
        .collect();
    let config = Bootstrap::new().http(listener).build();
    let mut config = config;
    config["stats_config"] = json!({ "stats_tags": tags });
    let envoy = hopguard_testbed::envoy::Envoy::builder()
        .config(config)
        .start()
        .await
        .unwrap();
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    assert_eq!(client.get("/").await.unwrap().status, 403);

    let metrics = envoy.admin_get("/stats/prometheus").await.unwrap();
    let ours: Vec<_> = metrics.lines().filter(|l| l.contains("hopguard") && !l.starts_with('#')).collect();
    println!("{ours:#?}");
    for (metric, mut labels) in [
        (
            "decisions",
            vec![
                "direction=\"downstream\"",
                "verdict=\"deny\"",
                "control=\"V9.2.2\"",
                "cause=\"plaintext\"",
                "rule=\"default\"",
            ],
        ),
        ("events", vec!["result=\"logged\""]),
    ] {
        labels.sort_unstable();
        let start = format!("envoy_wasmcustom_hopguard_{metric}{{");
        let line = ours.iter().find_map(|l| l.strip_prefix(&start)).unwrap();
        let (found, value) = line.split_once("} ").unwrap();
        let mut found: Vec<_> = found.split(',').collect();
        found.sort_unstable();
        assert_eq!((found, value), (labels, "1"));
    }
}
