//! Requests, and what came of them.

use std::time::Duration;

use hopguard_testbed::client::{Client, Request, Response};

use super::model::{ClientKind, Way};
use super::world::{Addresses, Clients};

/// Requests of a plan that stays on its connection.
const MANY: usize = 3;

/// What a client does in a step.
#[derive(Clone, Debug)]
pub struct Plan {
    pub way: Way,
    pub client: ClientKind,
    /// HTTP/2, not HTTP/1.1.
    pub http2: bool,
    /// With a body.
    pub posts: bool,
    /// It leaves after so long.
    pub leaves: Option<Duration>,
    /// No other request has one of these.
    pub marks: Vec<String>,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An answer: status and body.
    Answered(u16, String),
    /// TCP: these bytes, until the end or until there were enough.
    Bytes(Vec<u8>),
    /// No answer.
    Failed(String),
    /// The client did not wait for it.
    Left,
}

impl Plan {
    pub fn choose(random: &mut fastrand::Rng, step: u64, client: usize) -> Self {
        let way = match random.u8(..10) {
            0..3 => Way::One,
            3..5 => Way::Mixed,
            5..8 => Way::Revocation,
            _ => Way::Tcp,
        };
        let kind = match random.u8(..20) {
            0..14 => ClientKind::Good,
            14..16 => ClientKind::Without,
            16..18 => ClientKind::Expired,
            _ => ClientKind::Stranger,
        };
        let many = way != Way::Tcp && random.bool();
        let marks = (0..if many { MANY } else { 1 })
            .map(|n| format!("secret-{step}-{client}-{n}."))
            .collect();
        Self {
            way,
            client: kind,
            http2: random.bool(),
            posts: random.bool(),
            leaves: (random.u8(..100) < 15).then(|| Duration::from_micros(random.u64(..8_000))),
            marks,
        }
    }
}

/// Lets all clients do what they plan, at the same time.
pub async fn run(plans: &[Plan], addresses: &Addresses, clients: &Clients) -> Vec<Vec<Outcome>> {
    let mut under_way = Vec::new();
    for plan in plans {
        let address = match plan.way {
            Way::Tcp => addresses.tcp,
            Way::One | Way::Mixed | Way::Revocation => addresses.http,
        };
        let client = clients.client(address, plan.client);
        under_way.push(tokio::spawn(carry_out(client, plan.clone())));
    }
    let mut outcomes = Vec::new();
    for plan in under_way {
        outcomes.push(plan.await.unwrap());
    }
    outcomes
}

async fn carry_out(client: Client, plan: Plan) -> Vec<Outcome> {
    let work = async {
        match plan.way {
            Way::Tcp => vec![tcp(&client, &plan.marks[0]).await],
            Way::One | Way::Mixed | Way::Revocation => http(client, &plan).await,
        }
    };
    match plan.leaves {
        Some(after) => {
            let done = tokio::time::timeout(after, work).await;
            done.unwrap_or_else(|_| vec![Outcome::Left; plan.marks.len()])
        }
        None => work.await,
    }
}

async fn http(client: Client, plan: &Plan) -> Vec<Outcome> {
    let client = if plan.http2 { client.http2() } else { client };
    let mut connection = None;
    let mut outcomes = Vec::new();
    for mark in &plan.marks {
        let path = format!("/{}/{mark}", plan.way.name());
        let request = if plan.posts {
            Request::post(&path, mark.as_bytes())
        } else {
            Request::get(&path)
        };
        let send = async {
            if connection.is_none() {
                connection = Some(client.connect().await?);
            }
            connection.as_ref().unwrap().send(request).await
        };
        let outcome = send.await.map(|response| answered(&response));
        // Where Envoy itself answers a request before its end, it may close.
        if !matches!(outcome, Ok(Outcome::Answered(200, _))) {
            connection = None;
        }
        outcomes.push(outcome.unwrap_or_else(|error| Outcome::Failed(error.to_string())));
    }
    outcomes
}

fn answered(response: &Response) -> Outcome {
    Outcome::Answered(response.status, response.text())
}

async fn tcp(client: &Client, mark: &str) -> Outcome {
    let talk = async {
        let mut raw = client.raw().await?;
        raw.write(mark.as_bytes()).await?;
        raw.read_exact(mark.len()).await
    };
    match talk.await {
        Ok(bytes) => Outcome::Bytes(bytes),
        Err(error) => Outcome::Failed(error.to_string()),
    }
}
