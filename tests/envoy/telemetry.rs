//! What is told of a verdict: events, counters, filter state, and what a client
//! gets to see.

mod names;

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
    let folded = metric(&envoy, &["events", "folded"]).await;
    assert_eq!(folded, FLOOD - BURST);
    let decided = ["decisions", "deny", "plaintext", "rule.=.default;"];
    assert_eq!(metric(&envoy, &decided).await, FLOOD);
    // Two connections were looked at, not each request.
    assert_eq!(metric(&envoy, &["flow_cache", "miss"]).await, 2);
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
    crate::support::needs!(PeerCertificate);
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
                // Nothing to tell of but that it was judged.
                "permit" => "verdict=permit cause=- control=- rule=-",
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
    crate::support::needs!(PeerCertificate);
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
    assert_eq!(metric(&envoy, &["decisions", "deny"]).await, CONNECTIONS);
    assert_eq!(metric(&envoy, &["events"]).await, CONNECTIONS);
    let logged = metric(&envoy, &["events", "logged"]).await;
    for event in exactly_events(&envoy, logged as usize).await {
        assert!(ids.contains(event["hopguard.event.id"].as_str().unwrap()));
    }
}
