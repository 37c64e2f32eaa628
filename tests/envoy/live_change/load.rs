//! Clients that send one request after another until they are told to stop.

use std::time::Duration;

use hopguard_testbed::client::{Client, Connection, Request};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long any change may take to be seen by every client.
const PATIENCE: Duration = Duration::from_secs(20);

/// The answer to a request.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    /// The rule that judged it.
    pub rule: String,
}

/// How far a client is: how many answers it has, and the rule of the last.
type Progress = (usize, String);

/// Clients that send, each on a connection that it keeps for as long as Envoy
/// keeps it.
pub struct Load {
    progress: watch::Sender<Vec<Progress>>,
    over: watch::Sender<bool>,
    clients: Vec<JoinHandle<Vec<Answer>>>,
}

impl Load {
    /// So many clients.
    pub fn start(client: &Client, clients: usize) -> Self {
        let progress = watch::Sender::new(vec![Progress::default(); clients]);
        let over = watch::Sender::new(false);
        let run = |index: usize| {
            let (client, progress) = (client.clone(), progress.clone());
            let over = over.subscribe();
            tokio::spawn(async move {
                let mut answers = Vec::new();
                let mut connection = None;
                while !*over.borrow() {
                    let answer = ask(&client, &mut connection).await;
                    answers.push(answer.clone());
                    progress.send_modify(|all| all[index] = (answers.len(), answer.rule));
                }
                answers
            })
        };
        Self {
            clients: (0..clients).map(run).collect(),
            progress,
            over,
        }
    }

    /// Waits until every client's last answer was by this rule.
    pub async fn until_rule(&self, rule: &str) {
        self.until(|_, progress| progress.1 == rule).await;
    }

    /// Waits until every client got so many more answers.
    pub async fn go_on(&self, answers: usize) {
        let before = self.progress.borrow().clone();
        self.until(|index, progress| progress.0 >= before[index].0 + answers)
            .await;
    }

    async fn until(&self, fits: impl Fn(usize, &Progress) -> bool) {
        let mut progress = self.progress.subscribe();
        let wait = progress.wait_for(|all| {
            let mut all = all.iter().enumerate();
            all.all(|(index, progress)| fits(index, progress))
        });
        let in_time = tokio::time::timeout(PATIENCE, wait).await.is_ok();
        assert!(in_time, "{:?}", self.progress.borrow());
    }

    /// The answers of each client.
    pub async fn end(self) -> Vec<Vec<Answer>> {
        self.over.send_replace(true);
        let mut answers = Vec::new();
        for client in self.clients {
            answers.push(client.await.unwrap());
        }
        answers
    }
}

async fn ask(client: &Client, connection: &mut Option<Connection>) -> Answer {
    let open = match connection.take() {
        Some(open) => open,
        None => client.connect().await.unwrap(),
    };
    let response = open.send(Request::get("/load")).await.unwrap();
    // An Envoy that wants the connection to end says so, or there is a race.
    if response.header("connection").as_deref() != Some("close") {
        *connection = Some(open);
    }
    Answer {
        status: response.status,
        rule: response.header("x-rule").unwrap_or_default(),
    }
}
