//! Responders that misbehave, over real TCP: bounded, told of once, and of no
//! harm to the next request.

use hopguard_testbed::revocation::{Responder, response};
use hopguard_testbed::upstream::{Fault, Reply, Upstream};
use serde_json::json;

use super::World;
use super::row::{Row, good_answer};
use super::table::Table;

const UNREACHABLE: &str = "revocation_unreachable";
const INVALID: &str = "revocation_invalid";
const NO_ANSWER: &str = "did not answer";
/// Envoy answers in place of a responder that it got no answer from.
const BROKEN_OFF: &str = "HTTP status 503";
/// The same where no head of an answer came in time.
const LATE: &str = "HTTP status 504";

/// A response whose status is not successful: `OCSPResponseStatus`.
fn refusal(status: u8) -> Reply {
    response(vec![0x30, 3, 0x0a, 1, status])
}

/// Whose responder fails, as such and not for their certificate.
const FAILING: [&str; 5] = [
    "error",
    "unavailable",
    "error-with-answer",
    "closed",
    "reset",
];

/// Answers of HTTP that are none of OCSP; a redirect leads to this URL.
fn answers(elsewhere: &str) -> Vec<Row> {
    let elsewhere = elsewhere.to_owned();
    let redirect = move |status| {
        let to = elsewhere.clone();
        move |_: &_, _: &_| Reply::status(status).header("location", to.as_str())
    };
    let row = |name: &str| Row::good(name);
    let failing = |name: &str| Row::good(name).host(&format!("{name}.test"));
    vec![
        failing("error")
            .reply(|_, _| Reply::status(500).body("sorry"))
            .denied(UNREACHABLE, "HTTP status 500"),
        failing("unavailable")
            .reply(|_, _| Reply::status(503))
            .denied(UNREACHABLE, "HTTP status 503"),
        row("missing")
            .reply(|_, _| Reply::status(404))
            .denied(UNREACHABLE, "HTTP status 404"),
        row("moved")
            .reply(redirect(301))
            .denied(UNREACHABLE, "HTTP status 301"),
        row("found")
            .reply(redirect(302))
            .denied(UNREACHABLE, "HTTP status 302"),
        row("moved-for-now")
            .reply(redirect(307))
            .denied(UNREACHABLE, "HTTP status 307"),
        // The right answer, and still no success.
        failing("error-with-answer")
            .reply(|database, question| {
                Reply::status(500)
                    .body(good_answer(database, question))
                    .header("content-type", "application/ocsp-response")
            })
            .denied(UNREACHABLE, "HTTP status 500"),
        row("try-later")
            .reply(|_, _| refusal(3))
            .denied(UNREACHABLE, "try later"),
        row("internal-error")
            .reply(|_, _| refusal(2))
            .denied(UNREACHABLE, "internal error"),
        row("unauthorized")
            .reply(|_, _| refusal(6))
            .denied(UNREACHABLE, "does not answer for this certificate"),
        row("signature-required")
            .reply(|_, _| refusal(5))
            .denied(UNREACHABLE, "signed requests only"),
        row("malformed-request")
            .reply(|_, _| refusal(1))
            .denied(UNREACHABLE, "calls the request malformed"),
        row("no-status")
            .reply(|_, _| refusal(4))
            .denied(INVALID, "no response status 4"),
        row("successful-and-empty")
            .reply(|_, _| refusal(0))
            .denied(INVALID, "successful and empty"),
        row("html")
            .reply(|database, question| {
                Reply::ok(good_answer(database, question)).header("content-type", "text/html")
            })
            .denied(INVALID, "\"text/html\""),
        row("untyped")
            .reply(|database, question| Reply::ok(good_answer(database, question)))
            .denied(INVALID, "\"\" and not application/ocsp-response"),
        // Nobody asked for an encoding, and nobody decodes one.
        row("gzip")
            .reply(|_, _| {
                const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03";
                response(GZIP.to_vec()).header("content-encoding", "gzip")
            })
            .denied(INVALID, "malformed"),
        row("garbage")
            .reply(|_, _| response(b"no answer".to_vec()))
            .denied(INVALID, "malformed"),
        row("empty")
            .reply(|_, _| response(Vec::new()))
            .denied(INVALID, "malformed"),
        row("truncated")
            .reply(|database, question| {
                let mut answer = good_answer(database, question);
                answer.truncate(answer.len() - 1);
                response(answer)
            })
            .denied(INVALID, "malformed"),
        row("trailing")
            .reply(|database, question| {
                let mut answer = good_answer(database, question);
                answer.push(0);
                response(answer)
            })
            .denied(INVALID, "malformed"),
        row("bit-flipped")
            .reply(|database, question| {
                let mut answer = good_answer(database, question);
                // The last byte is of the signature.
                *answer.last_mut().unwrap() ^= 1;
                response(answer)
            })
            .denied(INVALID, "signature"),
        row("large")
            .reply(|_, _| response(vec![0x30; 10 << 20]))
            .denied(INVALID, "65536 are allowed"),
        failing("closed")
            .reply(|_, _| Reply::close())
            .denied(UNREACHABLE, BROKEN_OFF),
        failing("reset")
            .reply(|_, _| Reply::reset())
            .denied(UNREACHABLE, BROKEN_OFF),
        // And nothing of that harms who comes next.
        row("good"),
    ]
}

#[tokio::test]
async fn answers_that_are_none() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let elsewhere = Responder::start(&world.pki.intermediate).await.unwrap();
    let url = format!("http://{}/", elsewhere.addr());
    let rows = answers(&url);
    let count = rows.len();
    Table::new(&world, rows)
        .responder_for(&FAILING)
        .walk_servers()
        .await;
    // Nobody was asked twice, and who was not named in the policy not at all.
    assert_eq!(world.responder.requests(), count);
    assert_eq!(elsewhere.requests(), 0);
    assert_eq!(elsewhere.server().connections(), 0);
}

#[tokio::test]
async fn answers_that_are_none_about_clients() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    Table::new(&world, answers("http://ocsp.test/"))
        .responder_for(&FAILING)
        .walk_clients()
        .await;
}

/// Answers far larger than an OCSP response: 8 MiB come to the plugin, which reads
/// the first 64 KiB of them; 64 MiB do not come, for Envoy itself gives them up. Each
/// costs memory while it is here, and none is kept.
#[tokio::test]
async fn answers_that_are_far_too_large() {
    const MANY: usize = 4;
    let world = World::new().await;
    let large = |kind: &str, mebibytes: usize, cause, words| {
        let reply = move |_: &_, _: &_| response(vec![0x30; mebibytes << 20]);
        (0..MANY)
            .map(|number| {
                // One that is given up gets a pause, and takes nothing from the others.
                let name = format!("{kind}-{number}");
                let host = format!("{name}.test");
                Row::good(&name)
                    .host(&host)
                    .reply(reply)
                    .denied(cause, words)
            })
            .collect::<Vec<_>>()
    };
    let mut rows = large("eight", 8, INVALID, "65536 are allowed");
    rows.extend(large("sixty-four", 64, UNREACHABLE, NO_ANSWER));
    rows.push(Row::good("good"));
    let names: Vec<_> = rows.iter().map(|row| row.name.clone()).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let envoy = Table::new(&world, rows)
        .responder_for(&names[..2 * MANY])
        .walk_servers()
        .await;
    let resident = envoy.rss_bytes().unwrap() >> 20;
    assert!(resident < 400, "{resident} MiB");
}

/// Connections that fail before there is an answer. The time-outs are the
/// policy's: a test that had to wait for another would not end in time.
#[tokio::test]
async fn connections_that_fail() {
    crate::support::needs!(PeerCertificate);
    const SHORT: u32 = 200;
    // Time for the head of an answer.
    const MEDIUM: u32 = 2_000;
    const LONG: u32 = 60_000;
    let world = World::new().await;
    let faulty = async |fault| {
        let server = Upstream::plaintext().fault(fault).start().await;
        server.unwrap()
    };
    let hang = faulty(Fault::Hang).await;
    let drip = faulty(Fault::Drip).await;
    let close = faulty(Fault::Close).await;
    let reset = faulty(Fault::Reset).await;
    let half = faulty(Fault::Answer(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/ocsp-response\r\ncontent-length: 9\r\n\r\n0",
    ))
    .await;
    let not_http = faulty(Fault::Answer(b"220 mail.test ESMTP\r\n")).await;
    let row = |name: &str| Row::good(name).host(&format!("{name}.test"));
    let rows = [
        row("hang").denied(UNREACHABLE, LATE),
        row("drip").denied(UNREACHABLE, NO_ANSWER),
        row("half").denied(UNREACHABLE, NO_ANSWER),
        row("close").denied(UNREACHABLE, BROKEN_OFF),
        row("reset").denied(UNREACHABLE, BROKEN_OFF),
        row("not-http").denied(UNREACHABLE, "HTTP status 502"),
        // A responder of the policy whose cluster does not exist.
        row("nowhere").denied(UNREACHABLE, NO_ANSWER),
        row("hang-allowed")
            .host("hang.test")
            .demands(json!({ "unreachable": "allow" }))
            .warned(UNREACHABLE, LATE),
        Row::good("good"),
    ];
    Table::new(&world, rows)
        .responder("hang.test", "ocsp-hang", hang.addr(), SHORT)
        .responder("drip.test", "ocsp-drip", drip.addr(), MEDIUM)
        .responder("half.test", "ocsp-half", half.addr(), MEDIUM)
        .responder("close.test", "ocsp-close", close.addr(), LONG)
        .responder("reset.test", "ocsp-reset", reset.addr(), LONG)
        .responder("not-http.test", "ocsp-not-http", not_http.addr(), LONG)
        .responder_without_cluster("nowhere")
        .walk_servers()
        .await;
    // Envoy gave each of them up; none is left open.
    for server in [hang, drip, half] {
        let left = server.wait_for(|seen| seen.open_connections() == 0).await;
        assert!(!left.unwrap().connections.is_empty());
    }
}
