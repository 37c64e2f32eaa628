//! A client of Redis: its protocol RESP, as far as tests need it.

use std::fmt;
use std::path::Path;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use crate::client::{Client, Io, in_time, on_runtime};
use crate::error::{Error, Result};

/// The longest string that it reads: Redis's own limit is 512 MiB.
const LONGEST: usize = 16 << 20;

/// A connection to a Redis, over whatever a [`Client`] speaks.
pub struct RedisClient {
    stream: BufReader<Box<dyn Io>>,
    /// What it sent and read so far.
    pub(super) totals: Totals,
}

/// What a connection amounted to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub(super) commands: u64,
    pub(super) sent: u64,
    pub(super) read: u64,
}

/// An answer. Arrays are not among them: no command of the tests is answered with one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisValue {
    /// `+OK`
    Simple(String),
    /// `-ERR …`
    Error(String),
    /// `:1`
    Integer(i64),
    /// `$5`, or `$-1` for none.
    Bulk(Option<Vec<u8>>),
}

impl RedisClient {
    /// Connects; nothing is sent before the first command, but for TLS.
    ///
    /// # Errors
    ///
    /// As for [`Client::connect`].
    pub async fn connect(client: &Client) -> Result<Self> {
        Ok(Self::new(client.raw().await?.into_io()))
    }

    pub(super) async fn by_unix_socket(path: &Path) -> Result<Self> {
        let path = path.to_owned();
        let connecting = async move {
            let stream = UnixStream::connect(&path).await;
            stream.map_err(Error::io("connecting to Redis"))
        };
        Ok(Self::new(Box::new(on_runtime(connecting).await?)))
    }

    fn new(io: Box<dyn Io>) -> Self {
        Self {
            stream: BufReader::new(io),
            totals: Totals::default(),
        }
    }

    /// `PING`
    ///
    /// # Errors
    ///
    /// When the answer is not `PONG`.
    pub async fn ping(&mut self) -> Result<()> {
        let answer = self.command(&["PING"]).await?;
        expect("PING", answer, "PONG")
    }

    /// `SET`
    ///
    /// # Errors
    ///
    /// When the answer is not `OK`.
    pub async fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let answer = self.command(&["SET", key, value]).await?;
        expect("SET", answer, "OK")
    }

    /// `GET`; `None` where there is no such key.
    ///
    /// # Errors
    ///
    /// When the answer is no value.
    pub async fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>> {
        match self.command(&["GET", key]).await? {
            RedisValue::Bulk(value) => Ok(value),
            other => Err(unexpected("GET", &other)),
        }
    }

    /// Sends a command and reads its answer, an error of Redis included.
    ///
    /// # Errors
    ///
    /// When the connection ends before, or something else than RESP comes.
    pub async fn command<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Result<RedisValue> {
        let request = encode(words);
        let exchange = async {
            self.stream.write_all(&request).await?;
            self.stream.flush().await
        };
        in_time("Redis to take a command", exchange)
            .await?
            .map_err(Error::io("writing to Redis"))?;
        self.totals.sent += request.len() as u64;
        let answer = in_time("an answer of Redis", self.answer()).await??;
        self.totals.commands += 1;
        Ok(answer)
    }

    async fn answer(&mut self) -> Result<RedisValue> {
        let line = self.line().await?;
        let broken = || Error::Client(format!("not RESP: {line:?}"));
        let (kind, text) = line.split_at_checked(1).ok_or_else(broken)?;
        match kind {
            "+" => Ok(RedisValue::Simple(text.to_owned())),
            "-" => Ok(RedisValue::Error(text.to_owned())),
            ":" => text.parse().map(RedisValue::Integer).map_err(|_| broken()),
            "$" if text == "-1" => Ok(RedisValue::Bulk(None)),
            "$" => {
                let length = text
                    .parse::<usize>()
                    .ok()
                    .filter(|length| *length <= LONGEST);
                let mut value = vec![0; length.ok_or_else(broken)? + 2];
                let read = self.stream.read_exact(&mut value).await;
                read.map_err(Error::io("reading from Redis"))?;
                self.totals.read += value.len() as u64;
                match value.strip_suffix(b"\r\n") {
                    Some(value) => Ok(RedisValue::Bulk(Some(value.to_vec()))),
                    None => Err(broken()),
                }
            }
            _ => Err(broken()),
        }
    }

    async fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line).await;
        let read = read.map_err(Error::io("reading from Redis"))?;
        self.totals.read += read as u64;
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => Err(Error::Client(format!("closed after {line:?}"))),
        }
    }
}

/// An array of bulk strings: how every command is sent.
fn encode<W: AsRef<[u8]>>(words: &[W]) -> Vec<u8> {
    let mut request = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        let word = word.as_ref();
        request.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        request.extend_from_slice(word);
        request.extend_from_slice(b"\r\n");
    }
    request
}

fn expect(command: &str, answer: RedisValue, expected: &str) -> Result<()> {
    match answer {
        RedisValue::Simple(text) if text == expected => Ok(()),
        other => Err(unexpected(command, &other)),
    }
}

fn unexpected(command: &str, answer: &RedisValue) -> Error {
    Error::Client(format!("{command} was answered with {answer:?}"))
}

impl fmt::Debug for RedisClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisClient")
            .field("totals", &self.totals)
            .finish_non_exhaustive()
    }
}
