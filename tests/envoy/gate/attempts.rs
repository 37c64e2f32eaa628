//! Retries and mirrors: each attempt is judged by its own connection.

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{Cluster, Route, UpstreamTls};
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::{Fault, Reply, Upstream};
use serde_json::{Value, json};

use crate::support::{exactly_events, gist, guarded_clusters, nobody, policy};

const fn failed(cause: &'static str) -> [&'static str; 4] {
    ["hopguard.tls_failure", cause, "V9.2.5", "default"]
}
pub(super) const PLAINTEXT: [&str; 4] = ["hopguard.denied", "plaintext", "V9.2.2", "default"];
const UNTRUSTED: [&str; 4] = [
    "hopguard.denied",
    "certificate_unknown_issuer",
    "V9.2.1",
    "default",
];

/// A host that a cluster of both kinds can have.
struct Host {
    name: &'static str,
    socket: &'static str,
    upstream: Upstream,
    /// What the log says of an attempt that met it.
    event: Option<[&'static str; 4]>,
    /// Whether the request gets there.
    served: bool,
}

impl Host {
    async fn start(
        name: &'static str,
        upstream: hopguard_testbed::upstream::UpstreamBuilder,
        socket: &'static str,
        event: Option<[&'static str; 4]>,
        served: bool,
    ) -> Self {
        let upstream = upstream.start().await.unwrap();
        Self {
            name,
            socket,
            upstream,
            event,
            served,
        }
    }
}

/// First this host, then that one: one for each priority, and retries go to
/// the next priority.
pub(super) fn first_then(
    name: &str,
    hosts: [(std::net::SocketAddr, &str); 2],
) -> (String, Cluster) {
    let tls = UpstreamTls::new().sni("api.test");
    let mut cluster = Cluster::new(name)
        .socket_match("tls", Some(&tls))
        .socket_match("plain", None);
    for (address, socket) in hosts {
        cluster = cluster.endpoint_of_kind(address, socket);
    }
    let cluster = cluster.patch(|cluster| {
        let localities = &mut cluster["load_assignment"]["endpoints"];
        let endpoints = localities[0]["lb_endpoints"].take();
        let localities_of: Vec<Value> = (0..)
            .zip(endpoints.as_array().unwrap())
            .map(|(priority, endpoint)| json!({ "priority": priority, "lb_endpoints": [endpoint] }))
            .collect();
        *localities = localities_of.into();
    });
    (name.to_owned(), cluster)
}

pub(super) fn retrying(route: Route) -> Route {
    route
        .retry("connect-failure,reset,5xx", 1)
        .option(json!({ "retry_policy": { "retry_priority": {
            "name": "envoy.retry_priorities.previous_priorities",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
                "update_frequency": 1,
            },
        }}}))
}

#[tokio::test]
async fn a_retry_is_judged_by_its_own_connection() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let good = pki.server("api.test").issue();
    let bad = pki.server("api.test").issuer(&pki.other).issue();
    let reset = Upstream::tls(&good).fault(Fault::Reset);
    let close = Upstream::tls(&good).fault(Fault::Close);
    let reply_reset = Upstream::tls(&good).handler(|_| Reply::reset());
    let firsts = [
        Host::start(
            "resets",
            reset,
            "tls",
            Some(failed("tls_handshake_reset")),
            false,
        )
        .await,
        Host::start(
            "closes",
            close,
            "tls",
            Some(failed("connection_unestablished")),
            false,
        )
        .await,
        Host::start(
            "speaks-no-tls",
            Upstream::plaintext(),
            "tls",
            Some(failed("tls_plaintext_peer")),
            false,
        )
        .await,
        Host::start(
            "answers-503",
            Upstream::tls(&good).respond(503, ""),
            "tls",
            None,
            true,
        )
        .await,
        Host::start("breaks-off", reply_reset, "tls", None, true).await,
    ];
    let seconds = [
        Host::start("trusted", Upstream::tls(&good), "tls", None, true).await,
        Host::start(
            "untrusted",
            Upstream::tls(&bad),
            "tls",
            Some(UNTRUSTED),
            false,
        )
        .await,
        Host::start(
            "plaintext",
            Upstream::plaintext(),
            "plain",
            Some(PLAINTEXT),
            false,
        )
        .await,
    ];
    let pairs = || {
        firsts
            .iter()
            .flat_map(|a| seconds.iter().map(move |b| (a, b)))
    };
    let clusters = pairs().map(|(a, b)| {
        let hosts = [a, b].map(|host| (host.upstream.addr(), host.socket));
        first_then(&format!("{}-then-{}", a.name, b.name), hosts)
    });
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let envoy = guarded_clusters(clusters, &policy, retrying).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    let mut expected = Vec::new();
    // Twice: a cold pool, then the connections of the first time.
    for round in 0..2 {
        for (a, b) in pairs() {
            a.upstream.clear();
            b.upstream.clear();
            let case = format!("{}-then-{}", a.name, b.name);

            let response = client.get(&format!("/{case}")).await.unwrap();

            let expected_status = if b.served { 200 } else { 503 };
            assert_eq!(response.status, expected_status, "{case}, round {round}");
            for host in [a, b] {
                assert_eq!(
                    host.upstream.requests().len(),
                    usize::from(host.served),
                    "{case}"
                );
                // The speaker of plaintext behind a TLS socket gets a ClientHello.
                if !host.served && host.name != "speaks-no-tls" {
                    assert_eq!(host.upstream.received(), b"", "{case}: {}", host.name);
                }
            }
            for (attempt, host) in [(1u64, a), (2, b)] {
                expected.extend(host.event.map(|gist| (case.clone(), attempt, gist)));
            }
        }
    }
    // A key is a cause in a cluster, so that no burst is folded here.
    let events = exactly_events(&envoy, expected.len()).await;
    // One without a reason waits for one, and so comes later.
    let mut told: Vec<_> = events
        .iter()
        .map(|event| {
            let cluster = event["hopguard.cluster"].as_str().unwrap().to_owned();
            (
                cluster,
                event["hopguard.attempt"].as_u64().unwrap(),
                gist(event),
            )
        })
        .collect();
    told.sort();
    expected.sort();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_host_that_refuses_tcp_is_told_of_and_the_retry_is_judged_too() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let good = pki.server("api.test").issue();
    let trusted = Upstream::tls(&good).start().await.unwrap();
    let plain = Upstream::plaintext().start().await.unwrap();
    let (_port, nobody) = nobody();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let clusters = [
        first_then("trusted", [(nobody, "tls"), (trusted.addr(), "tls")]),
        first_then("plaintext", [(nobody, "tls"), (plain.addr(), "plain")]),
    ];
    let envoy = guarded_clusters(clusters, &policy, retrying).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    assert_eq!(client.get("/trusted").await.unwrap().status, 200);
    assert_eq!(client.get("/plaintext").await.unwrap().status, 503);

    assert_eq!(trusted.requests().len(), 1);
    assert_eq!(plain.raw_received(), b"");
    let events = exactly_events(&envoy, 3).await;
    assert_eq!(
        events.iter().map(gist).collect::<Vec<_>>(),
        [
            failed("connection_refused"),
            failed("connection_refused"),
            PLAINTEXT
        ]
    );
}

#[tokio::test]
async fn a_denial_is_final_and_not_retried_elsewhere() {
    let pki = Pki::new();
    let good = pki.server("api.test").issue();
    let trusted = Upstream::tls(&good).start().await.unwrap();
    let plain = Upstream::plaintext().start().await.unwrap();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let cluster = first_then(
        "backend",
        [(plain.addr(), "plain"), (trusted.addr(), "tls")],
    );
    let envoy = guarded_clusters([cluster], &policy, retrying).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    for _ in 0..2 {
        assert_eq!(client.get("/backend").await.unwrap().status, 503);
    }

    assert_eq!(plain.raw_received(), b"");
    assert_eq!(trusted.connections(), 0);
    for event in exactly_events(&envoy, 2).await {
        assert_eq!(
            (gist(&event), event["hopguard.attempt"].as_u64()),
            (PLAINTEXT, Some(1))
        );
    }
}

/// A mirrored request goes its own way, which nobody waits for.
#[tokio::test]
async fn a_mirrored_request_is_judged_too() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let good = pki.server("api.test").issue();
    let trusted = Upstream::tls(&good).start().await.unwrap();
    let mirror = Upstream::tls(&good).start().await.unwrap();
    let plain = Upstream::plaintext().start().await.unwrap();
    let tls = UpstreamTls::new().sni("api.test");
    let of = |name: &str, upstream: &Upstream| Cluster::new(name).endpoint(upstream.addr());
    let clusters = [
        ("backend", of("backend", &trusted).tls(tls.clone())),
        ("mirror", of("mirror", &mirror).tls(tls)),
        ("plain", of("plain", &plain)),
    ]
    .map(|(name, cluster)| (name.to_owned(), cluster));
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let envoy = guarded_clusters(clusters, &policy, |route| {
        route.option(json!({ "request_mirror_policies":
            [{ "cluster": "plain" }, { "cluster": "mirror" }]
        }))
    })
    .await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    for count in 1..=2 {
        let request = Request::post("/backend", "secret");
        assert_eq!(client.send(request).await.unwrap().status, 200);
        mirror
            .wait_for(|s| s.requests.len() == count)
            .await
            .unwrap();
        exactly_events(&envoy, count).await;
    }

    assert_eq!(trusted.requests().len(), 2);
    assert_eq!(plain.raw_received(), b"");
    for event in exactly_events(&envoy, 2).await {
        assert_eq!(
            (gist(&event), &event["hopguard.cluster"]),
            (PLAINTEXT, &json!("plain"))
        );
    }
}
