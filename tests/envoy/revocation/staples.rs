//! Stapled OCSP responses, in a property that a host or a filter fills: Envoy has
//! none of its own. Here a filter takes them from the request, to stand for such.

use std::time::{Duration, SystemTime};

use data_encoding::BASE64;
use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, UpstreamTls,
};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Issued;
use hopguard_testbed::revocation::{Answer, Status};
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use super::{World, lenient, tls};
use crate::support::{exactly_events, filter, gist, policy, start};

const HOUR: Duration = Duration::from_secs(3_600);
const MISSING: &str = "revocation_staple_missing";

/// The filter that fills the property.
fn stapler() -> Value {
    let kind = "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config";
    json!({ "name": "stapler", "typed_config": {
        "@type": kind,
        "on_request_headers": [{
            "object_key": "peer.staple",
            "factory_key": "envoy.string",
            "format_string": {
                "text_format_source": { "inline_string": "%REQ(x-staple)%" },
                "omit_empty_values": true,
            },
            "skip_if_empty": true,
            "shared_with_upstream": "ONCE",
        }],
    }})
}

fn policy_of(world: &World) -> Value {
    let rule = |path: &str, demands: Value| {
        json!({ "name": path, "match": { "paths": [format!("/{path}")] }, "require": {
            "peer_certificate": { "trust_stores": ["ca"], "names": "any", "revocation": demands },
        }})
    };
    let mut required_and_lenient = lenient();
    required_and_lenient["staple"] = json!("required");
    let rules = json!([
        rule("any", json!({})),
        rule("lenient", lenient()),
        rule("required", json!({ "staple": "required" })),
        rule("required-lenient", required_and_lenient),
    ]);
    let property = json!(["filter_state", "peer.staple"]);
    policy(
        &world.pki,
        json!({
            "revocation": { "staple_properties": { "downstream": property, "upstream": property } },
            "upstream": rules, "downstream": rules,
        }),
    )
}

/// An Envoy whose clients are judged.
async fn judging_clients(world: &World, backend: &Upstream) -> Envoy {
    let own = world.pki.server("envoy.test").issue();
    let listener = HttpListener::new("front")
        .tls(DownstreamTls::new(&own).accept_any_client())
        .filter(stapler())
        .filter(filter("downstream", &policy_of(world)))
        .route(Route::all("backend"));
    let cluster = Cluster::new("backend").endpoint(backend.addr());
    start(Bootstrap::new().http(listener).cluster(cluster)).await
}

fn request(path: &str, staple: Option<&[u8]>) -> Request {
    let request = Request::get(&format!("/{path}"));
    match staple {
        Some(staple) => request.header("x-staple", BASE64.encode(staple)),
        None => request,
    }
}

fn about(world: &World, certificate: &Issued, status: Status) -> Answer {
    Answer::new(&world.pki.intermediate, certificate, status)
}

/// A staple: of which certificate, and what of it.
type Make = fn(&World, &Issued) -> Option<Vec<u8>>;

const NONE: Make = |_, _| None;
const GOOD: Make = |world, of| about(world, of, Status::Good).sign().ok();
const REVOKED: Make = |world, of| about(world, of, Status::Revoked).sign().ok();
const UNKNOWN: Make = |world, of| about(world, of, Status::Unknown).sign().ok();
const ENDED: Make = |world, of| {
    let now = SystemTime::now();
    let answer = about(world, of, Status::Good);
    answer.validity(now - 2 * HOUR, now - HOUR).sign().ok()
};
const OF_ANOTHER: Make = |world, _| {
    let another = world.pki.client("another").issue();
    about(world, &another, Status::Good).sign().ok()
};
const GARBAGE: Make = |_, _| Some(b"no staple".to_vec());

#[tokio::test]
async fn of_clients() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let backend = Upstream::plaintext().start().await.unwrap();
    let envoy = judging_clients(&world, &backend).await;
    let address = envoy.listener("front").await.unwrap();
    let revoked = "certificate_revoked";
    let mut told = Vec::new();
    for (path, staple, cause) in [
        ("any", GOOD, None),
        ("any", REVOKED, Some(revoked)),
        ("any", UNKNOWN, Some("revocation_unknown")),
        ("any", ENDED, Some("revocation_stale")),
        ("any", OF_ANOTHER, Some("revocation_invalid")),
        ("any", GARBAGE, Some("revocation_invalid")),
        ("any", NONE, Some("revocation_no_source")),
        ("lenient", REVOKED, Some(revoked)),
        ("required", GOOD, None),
        ("required", REVOKED, Some(revoked)),
        ("required", ENDED, Some(MISSING)),
        ("required", OF_ANOTHER, Some(MISSING)),
        ("required", GARBAGE, Some(MISSING)),
        ("required", NONE, Some(MISSING)),
        ("required-lenient", GOOD, None),
        ("required-lenient", NONE, Some(MISSING)),
        ("required-lenient", REVOKED, Some(revoked)),
    ] {
        let certificate = world.pki.client("client").issue();
        let staple = staple(&world, &certificate);
        let client = Client::tls(address).certificate(&certificate);
        let response = client.send(request(path, staple.as_deref())).await.unwrap();
        let expected = if cause.is_some() { 403 } else { 200 };
        assert_eq!(response.status, expected, "{path}: {cause:?}");
        told.extend(cause.map(|cause| (path, cause)));
    }
    for ((path, cause), event) in told.iter().zip(exactly_events(&envoy, told.len()).await) {
        assert_eq!(gist(&event), ["hopguard.denied", cause, "V9.2.4", path]);
        if *cause == revoked {
            assert_eq!(event["hopguard.revocation.source"], "ocsp_staple");
        }
    }
}

/// What a staple said is known: who leaves it out later, or shows another, stays
/// revoked.
#[tokio::test]
async fn a_revocation_is_not_forgotten() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let backend = Upstream::plaintext().start().await.unwrap();
    let envoy = judging_clients(&world, &backend).await;
    let address = envoy.listener("front").await.unwrap();
    let certificate = world.pki.client("client").issue();
    let now = SystemTime::now();
    let older = about(&world, &certificate, Status::Good).validity(now - 3 * HOUR, now + HOUR);
    let older = older.sign().unwrap();
    let revoked = REVOKED(&world, &certificate).unwrap();
    let client = Client::tls(address).certificate(&certificate);
    let ask = async |path, staple| {
        let response = client.send(request(path, staple)).await.unwrap();
        response.status
    };
    assert_eq!(ask("any", Some(&older[..])).await, 200);
    assert_eq!(ask("lenient", Some(&revoked[..])).await, 403);
    assert_eq!(ask("lenient", Some(&older[..])).await, 403);
    assert_eq!(ask("lenient", None).await, 403);
    for event in exactly_events(&envoy, 3).await {
        assert_eq!(gist(&event)[1], "certificate_revoked");
    }
}

/// Must-staple is met by a staple, whatever the rule says.
#[tokio::test]
async fn must_staple_is_met() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let backend = Upstream::plaintext().start().await.unwrap();
    let envoy = judging_clients(&world, &backend).await;
    let address = envoy.listener("front").await.unwrap();
    for (path, staple, expected) in [
        ("any", GOOD, 200),
        ("lenient", GOOD, 200),
        ("lenient", NONE, 403),
        ("lenient", ENDED, 403),
    ] {
        let certificate = world.pki.client("client").must_staple().issue();
        let staple = staple(&world, &certificate);
        let client = Client::tls(address).certificate(&certificate);
        let response = client.send(request(path, staple.as_deref())).await.unwrap();
        assert_eq!(response.status, expected, "{path}");
    }
}

#[tokio::test]
async fn of_servers() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    for (path, staple, cause) in [
        ("any", GOOD, None),
        ("required", GOOD, None),
        ("lenient", REVOKED, Some("certificate_revoked")),
        ("any", NONE, Some("revocation_no_source")),
        ("required", NONE, Some(MISSING)),
    ] {
        let certificate = world.pki.server("api.test").issue();
        let server = tls(&certificate).await;
        let cluster = Cluster::new("backend")
            .endpoint(server.addr())
            .tls(UpstreamTls::new().sni("api.test"))
            .filter(filter("upstream", &policy_of(&world)));
        let listener = HttpListener::new("front")
            .filter(stapler())
            .route(Route::all("backend"));
        let envoy = start(Bootstrap::new().http(listener).cluster(cluster)).await;
        let client = Client::plaintext(envoy.listener("front").await.unwrap());
        let staple = staple(&world, &certificate);
        let response = client.send(request(path, staple.as_deref())).await.unwrap();
        let expected = if cause.is_some() { 503 } else { 200 };
        assert_eq!(response.status, expected, "{path}: {cause:?}");
        let events = exactly_events(&envoy, cause.iter().count()).await;
        if let Some(cause) = cause {
            assert_eq!(server.received(), b"");
            let expected = ["hopguard.denied", cause, "V9.2.4", path];
            assert_eq!(gist(&events[0]), expected);
        }
    }
}
