//! The decision table of docs/revocation.md: what is known, what the rule says of
//! it, and what comes of that.

use std::time::{Duration, SystemTime};

use hopguard_testbed::revocation::{Answer, Known, Status, response};
use hopguard_testbed::upstream::Reply;
use serde_json::json;

use super::row::Row;
use super::table::Table;
use super::{World, lenient};

/// A kind of trouble: its name in a rule, its cause, words of the detail, and a
/// certificate that has it.
struct Trouble {
    name: &'static str,
    cause: &'static str,
    words: &'static str,
    row: fn(&str) -> Row,
}

const TROUBLES: [Trouble; 5] = [
    Trouble {
        name: "unknown",
        cause: "revocation_unknown",
        words: "does not know it",
        row: Row::new,
    },
    Trouble {
        name: "no_source",
        cause: "revocation_no_source",
        words: "names no OCSP responder of the policy",
        row: |name| Row::good(name).no_url(),
    },
    Trouble {
        name: "unreachable",
        cause: "revocation_unreachable",
        words: "HTTP status 500",
        row: |name| {
            let row = Row::good(name).host(&format!("{name}.test"));
            row.reply(|_, _| Reply::status(500))
        },
    },
    Trouble {
        name: "invalid",
        cause: "revocation_invalid",
        words: "malformed",
        row: |name| Row::good(name).reply(|_, _| response(b"no answer".to_vec())),
    },
    Trouble {
        name: "stale",
        cause: "revocation_stale",
        words: "was valid until",
        row: |name| Row::new(name).evidence(stale),
    },
];

fn stale(world: &World, certificate: &hopguard_testbed::pki::Issued) {
    const HOUR: Duration = Duration::from_secs(3600);
    let now = SystemTime::now();
    let answer = Answer::new(&world.pki.intermediate, certificate, Status::Good)
        .validity(now - 2 * HOUR, now - HOUR)
        .sign()
        .unwrap();
    world
        .responder
        .reply(certificate, move |_, _| response(answer.clone()));
}

/// Each row of the table, by each policy that could change it.
fn rows() -> Vec<Row> {
    let mut rows = vec![
        Row::good("good"),
        Row::good("good-lenient").demands(lenient()),
    ];
    for (name, known) in [("revoked", Known::Revoked), ("hold", Known::OnHold)] {
        let row = |suffix: &str| {
            Row::new(&format!("{name}{suffix}"))
                .known(known)
                .denied("certificate_revoked", "revoked since 1735689600")
        };
        rows.extend([
            row(""),
            row("-lenient").demands(lenient()),
            row("-waived").waived(),
        ]);
    }
    for Trouble {
        name,
        cause,
        words,
        row,
    } in TROUBLES
    {
        let named = |suffix: &str| row(&format!("{name}{suffix}"));
        let mut others = lenient();
        others[name] = json!("deny");
        rows.extend([
            named("").denied(cause, words),
            named("-others").demands(others).denied(cause, words),
            named("-allowed")
                .demands(json!({ name: "allow" }))
                .warned(cause, words),
            named("-waived")
                .waived()
                .outcome(super::row::Outcome::Waived),
        ]);
    }
    rows
}

fn table(world: &World) -> Table<'_> {
    let names = ["", "-others", "-allowed", "-waived"].map(|end| format!("unreachable{end}"));
    Table::new(world, rows()).responder_for(&names.each_ref().map(String::as_str))
}

#[tokio::test]
async fn of_servers() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    table(&world).walk_servers().await;
}

#[tokio::test]
async fn of_clients() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    table(&world).walk_clients().await;
}

#[tokio::test]
async fn of_tcp_servers() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    table(&world).walk_tcp_servers().await;
}

#[tokio::test]
async fn of_tcp_clients() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    table(&world).walk_tcp_clients().await;
}
