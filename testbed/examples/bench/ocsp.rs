//! What asking about a peer costs: clients whose certificates Envoy sees for the
//! first time, with revocation demanded and without. What is between the two is
//! one request of OCSP, and an answer with one signature.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, Cluster, DownstreamTls, HttpListener, Route, Wasm};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::{Authority, Issued, KeyKind};
use hopguard_testbed::revocation::{Answer, Status, response};
use hopguard_testbed::upstream::{Reply, Upstream};
use hopguard_testbed::wasm;
use serde_json::{Value, json};

use crate::Result;
use crate::statistics::{median, summary};

/// Certificates in one turn of a row: two at once, each on its own connection.
const CERTIFICATES: usize = 40;
/// The host in their OCSP URLs.
const HOST: &str = "ocsp.test";
/// Their CAs. What the first signs is checked by the host's cryptography, what
/// the second signs in WebAssembly.
const AUTHORITIES: [(&str, KeyKind); 2] = [("p256", KeyKind::P256), ("ed25519", KeyKind::Ed25519)];
/// A CA's certificates are judged by a row that does not ask, and by one that does.
const ROWS: [&str; 4] = [
    "contact_p256",
    "contact_p256_ocsp",
    "contact_ed25519",
    "contact_ed25519_ocsp",
];

/// Microseconds of Envoy's CPU per first contact: for each row, for each round.
pub struct Contacts([Vec<f64>; ROWS.len()]);

/// All rows, in one Envoy.
pub async fn measure(rounds: usize) -> Result<Contacts> {
    let authorities = AUTHORITIES.map(|(name, key)| Authority::root(name).key(key).issue());
    let answers = Answers::default();
    let handler = answers.clone();
    let responder = Upstream::plaintext()
        .counting_only()
        .handler(move |request| handler.reply(&request.path))
        .start()
        .await?;
    let bootstrap = bootstrap(&authorities, responder.addr())?;
    let envoy = Envoy::builder().config(bootstrap).start().await?;
    let mut listeners = Vec::new();
    for (row, name) in ROWS.iter().enumerate() {
        listeners.push(envoy.listener(name).await?);
        let revoked = [answers.issue(&authorities[row / 2], Status::Revoked)?];
        visit(listeners[row], &revoked, [200, 403][row % 2]).await?;
        answers.check(row, revoked.len())?;
    }
    let mut samples = ROWS.map(|_| Vec::new());
    // As for requests: the first round is not kept, and every row is the first
    // one in some round.
    for round in 0..=rounds {
        crate::progress("first contacts", round, rounds);
        for turn in 0..ROWS.len() {
            let row = (turn + round) % ROWS.len();
            let issue = |_| answers.issue(&authorities[row / 2], Status::Good);
            let certificates: Vec<_> = (0..CERTIFICATES).map(issue).collect::<Result<_>>()?;
            let (some, others) = certificates.split_at(CERTIFICATES / 2);
            let before = envoy.cpu_time()?;
            tokio::try_join!(
                visit(listeners[row], some, 200),
                visit(listeners[row], others, 200)
            )?;
            let spent = envoy.cpu_time()? - before;
            answers.check(row, CERTIFICATES)?;
            if round > 0 {
                samples[row].push(spent.as_secs_f64() * 1e6 / CERTIFICATES as f64);
            }
        }
    }
    Ok(Contacts(samples))
}

fn bootstrap(authorities: &[Authority], responder: SocketAddr) -> Result<Bootstrap> {
    let stores = AUTHORITIES.iter().zip(authorities);
    let stores = stores.map(|((name, _), ca)| json!({ "name": name, "ca_certificates": ca.pem() }));
    let rule = |row: usize| {
        let mut peer = json!({ "trust_stores": [AUTHORITIES[row / 2].0], "names": "any" });
        if row % 2 == 1 {
            peer["revocation"] = json!({});
        }
        json!({
            "name": ROWS[row],
            "match": { "filter_chains": [ROWS[row]] },
            "require": { "peer_certificate": peer },
        })
    };
    let policy = json!({
        "version": 1,
        "trust_stores": stores.collect::<Vec<_>>(),
        // A machine that does other things too may be slow.
        "gate": { "timeout_ms": 50_000 },
        "revocation": {
            "responders": [{ "host": HOST, "cluster": "ocsp", "timeout_ms": 30_000 }],
            "max_wait_ms": 40_000,
        },
        "downstream": (0..ROWS.len()).map(rule).collect::<Vec<_>>(),
    });
    let guard = Wasm::new(&wasm::plugin_path()?, "downstream").configuration(&policy);
    let tls = DownstreamTls::new(&authorities[0].server("api.test").issue()).require_any_client();
    let bootstrap = Bootstrap::new()
        .merge(json!({ "stats_flush_interval": "60s" }))
        .cluster(Cluster::new("ocsp").endpoint(responder));
    Ok(ROWS.iter().fold(bootstrap, |bootstrap, name| {
        let listener = HttpListener::new(name)
            .tls(tls.clone())
            .filter(guard.http_filter())
            .route(Route::direct("/", 200, "ok"));
        bootstrap.http(listener)
    }))
}

/// A request with each certificate, on a connection of its own.
async fn visit(listener: SocketAddr, certificates: &[Issued], expected: u16) -> Result<()> {
    for certificate in certificates {
        let client = Client::tls(listener).certificate(certificate);
        let status = client.get("/").await?.status;
        if status != expected {
            return Err(format!("a client was answered with {status}, not {expected}").into());
        }
    }
    Ok(())
}

/// What the responder has: answers that were signed beforehand.
#[derive(Clone, Default)]
struct Answers(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// By the path in the certificate's URL.
    waiting: HashMap<String, Vec<u8>>,
    issued: usize,
    requests: usize,
}

impl Answers {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A certificate, and the answer to one question about it.
    fn issue(&self, ca: &Authority, status: Status) -> Result<Issued> {
        let mut state = self.state();
        state.issued += 1;
        let path = state.issued.to_string();
        let url = format!("http://{HOST}/{path}");
        let certificate = ca.client("client").ocsp_url(&url).issue();
        let answer = Answer::new(ca, &certificate, status).sign()?;
        state.waiting.insert(path, answer);
        Ok(certificate)
    }

    /// To a GET of `/<path>/<question>`.
    fn reply(&self, path: &str) -> Reply {
        let mut state = self.state();
        state.requests += 1;
        let answer = path.split('/').nth(1).and_then(|p| state.waiting.remove(p));
        answer.map_or_else(|| Reply::status(404), response)
    }

    /// Whether a row that asks has asked about each of so many certificates, once,
    /// and one that does not about none.
    fn check(&self, row: usize, certificates: usize) -> Result<()> {
        let State {
            waiting, requests, ..
        } = &mut *self.state();
        let found = (std::mem::take(requests), std::mem::take(waiting).len());
        let expected = [(0, certificates), (certificates, 0)][row % 2];
        if found == expected {
            return Ok(());
        }
        let (row, what) = (ROWS[row], "requests, and answers that nobody asked for");
        Err(format!("{row}: {found:?} {what}, not {expected:?}").into())
    }
}

impl Contacts {
    /// For each CA what asking costs: the median of the rounds' differences.
    fn asking(&self) -> [(&'static str, f64); AUTHORITIES.len()] {
        std::array::from_fn(|ca| {
            let rounds = self.0[2 * ca + 1].iter().zip(&self.0[2 * ca]);
            let cost = median(rounds.map(|(asks, does_not)| asks - does_not).collect());
            (AUTHORITIES[ca].0, cost)
        })
    }

    /// Prints it.
    pub fn print(&self) {
        println!(
            "CPU of Envoy per first contact with a client, microseconds\n\n\
             {:<28} {:>8} {:>8} {:>8}",
            "row", "median", "min", "max"
        );
        for (name, rounds) in ROWS.iter().zip(&self.0) {
            let cpu = summary(rounds);
            println!(
                "{name:<28} {:>8.1} {:>8.1} {:>8.1}",
                cpu.median, cpu.min, cpu.max
            );
        }
        for (ca, cost) in self.asking() {
            println!("{:<28} {cost:>8.1}", format!("asking, {ca}"));
        }
        println!();
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        let rows = ROWS.iter().zip(&self.0).map(|(name, rounds)| {
            let cpu = summary(rounds);
            json!({
                "name": name,
                "cpu_us_median": cpu.median,
                "cpu_us_min": cpu.min,
                "cpu_us_max": cpu.max,
            })
        });
        let asking = self
            .asking()
            .map(|(ca, us)| json!({ "ca": ca, "cpu_us_median": us }));
        json!({ "rows": rows.collect::<Vec<_>>(), "asking": asking })
    }
}
