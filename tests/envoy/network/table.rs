//! Tables of TCP connections: one Envoy, and for each row whatever it needs.

use hopguard_testbed::config::{Bootstrap, stdout_log};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use serde_json::{Value, json};

use super::metric_is;
use super::outcome::{Side, control_of};
use super::row::Row;
use crate::support::{exactly_events, gist, merge, plugin, policy};

/// What the access logs print of a connection.
const FORMAT: &str = "%FILTER_CHAIN_NAME% %CONNECTION_ID% \
    verdict=%FILTER_STATE(wasm.hopguard.verdict:PLAIN)% \
    cause=%FILTER_STATE(wasm.hopguard.cause:PLAIN)% \
    control=%FILTER_STATE(wasm.hopguard.control:PLAIN)% \
    rule=%FILTER_STATE(wasm.hopguard.rule:PLAIN)%\n";

/// Lets each client come and asserts what came of it: bytes, access logs,
/// events, counters, and what each server received. `stores` are trust stores
/// besides `ca`.
pub async fn walk(
    pki: &Pki,
    rows: impl IntoIterator<Item = Row>,
    stores: Vec<Value>,
    version: Option<&str>,
) -> Envoy {
    let rows: Vec<_> = rows.into_iter().collect();
    let mut policy = policy(pki, json!({ "default_trust_stores": ["ca"] }));
    policy["trust_stores"]
        .as_array_mut()
        .unwrap()
        .extend(stores);
    let rules = |side| rows.iter().filter_map(|row| row.rule(side)).collect();
    policy["downstream"] = rules(Side::Client);
    policy["upstream"] = rules(Side::Server);
    let guard = plugin("network", &policy).network_filter();
    let mut bootstrap = Bootstrap::new();
    let mut running = Vec::new();
    for mut row in rows {
        let server = row.start().await;
        let listener = row
            .door_to_cluster()
            .access_log(&format!("TCP {FORMAT}"))
            .merge(json!({ "access_log": [stdout_log(&format!("LISTENER {FORMAT}"))] }))
            .filter(guard.clone());
        bootstrap = bootstrap.tcp(listener).cluster(row.cluster(&server));
        running.push((row, server));
    }
    let mut envoy = Envoy::builder().config(bootstrap).concurrency(1);
    if let Some(version) = version {
        envoy = envoy.version(version);
    }
    let envoy = envoy.start().await.unwrap();

    let mut told = Vec::new();
    let mut judged = [0, 0];
    for (row, server) in &running {
        row.visit(envoy.listener(&row.name).await.unwrap()).await;
        let id = logged_id(&envoy, row).await;
        if row.outcome.event().is_some() {
            told.push((row, id));
        }
        let [clients, servers] = row.outcome.judged();
        judged = [judged[0] + clients, judged[1] + servers];
        let ended = server.wait_for(|seen| seen.open_connections() == 0).await;
        row.check_received(&ended.unwrap());
    }

    let events = exactly_events(&envoy, told.len()).await;
    for (event, (row, id)) in events.iter().zip(&told) {
        check_event(&envoy, event, row, *id).await;
        let (metric, labels) = counter(row);
        let same = told
            .iter()
            .filter(|(other, _)| counter(other) == (metric, labels.clone()));
        let labels = labels.each_ref().map(String::as_str);
        let [direction, cause, rule] = labels;
        metric_is(
            &envoy,
            &[metric, direction, cause, rule],
            same.count() as u64,
        )
        .await;
    }
    let [clients, servers] = judged;
    let of = |direction| ["decisions", direction];
    metric_is(&envoy, &of("direction.=.downstream;"), clients).await;
    metric_is(&envoy, &of("direction.=.upstream;"), servers).await;
    // By now also what came late.
    for (row, server) in &running {
        row.check_received(&server.seen());
    }
    envoy
}

/// Asserts what the access logs say, of the listener and of the TCP proxy, and
/// returns the connection's id.
async fn logged_id(envoy: &Envoy, row: &Row) -> u64 {
    let name = &row.name;
    let verdict = row.outcome.verdict();
    let (cause, control, rule) = match (verdict, row.outcome.event()) {
        ("-", _) | ("permit", _) => ("-", "-", "-"),
        (_, Some((_, side, cause))) => (cause, control_of(cause), row.rule_name(side)),
        (_, None) => ("-", "-", row.name.as_str()),
    };
    let expected = format!("verdict={verdict} cause={cause} control={control} rule={rule}");
    let mut ids = Vec::new();
    for log in ["LISTENER", "TCP"] {
        let start = format!("{log} {name} ");
        let line = envoy.wait_for_log(|line| line.starts_with(&start)).await;
        let line = line.unwrap();
        let line = line.strip_prefix(&start).unwrap();
        let (id, rest) = line.split_once(' ').unwrap();
        assert_eq!(rest, expected, "{log} {name}");
        ids.push(id.parse().unwrap());
    }
    assert_eq!(ids[0], ids[1], "{name}");
    ids[0]
}

async fn check_event(envoy: &Envoy, event: &Value, row: &Row, id: u64) {
    let name = &row.name;
    let (kind, side, cause) = row.outcome.event().unwrap();
    let expected = [kind, cause, control_of(cause), row.rule_name(side)];
    assert_eq!(gist(event), expected, "{name}: {event}");
    let mut fields = json!({
        "client.address": "127.0.0.1",
        "network.peer.address": "127.0.0.1",
        "hopguard.connection.id": id,
    });
    let door = envoy.listener(name).await.unwrap().to_string();
    let of_side = match side {
        Side::Client => json!({
            "hopguard.direction": "downstream",
            "hopguard.filter_chain": name,
            "hopguard.listener": door,
            "hopguard.cluster": null,
        }),
        Side::Server => json!({
            "hopguard.direction": "upstream",
            "hopguard.cluster": name,
            "hopguard.attempt": 1,
            "hopguard.listener": null,
        }),
    };
    merge(&mut fields, of_side);
    merge(&mut fields, row.fields.clone());
    for (field, expected) in fields.as_object().unwrap() {
        assert_eq!(event[field], *expected, "{name}, {field}: {event}");
    }
}

/// The counter of its event, and its labels: direction, cause, rule.
fn counter(row: &Row) -> (&'static str, [String; 3]) {
    let (kind, side, cause) = row.outcome.event().unwrap();
    let metric = match kind {
        "hopguard.tls_failure" => "tls_failures",
        _ => "decisions",
    };
    let direction = match side {
        Side::Client => "downstream",
        Side::Server => "upstream",
    };
    let labels = [
        ("direction", direction),
        ("cause", cause),
        ("rule", row.rule_name(side)),
    ];
    (
        metric,
        labels.map(|(label, value)| format!("{label}.=.{value};")),
    )
}
