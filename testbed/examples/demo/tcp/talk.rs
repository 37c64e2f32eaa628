//! What a client says to a server, and what it makes of the answer.

use hopguard_testbed::client::Client;
use hopguard_testbed::redis::RedisClient;
use hopguard_testbed::{Error, Result};

use crate::expected::Answer;

/// What a server says where it speaks first.
pub const BANNER: &[u8] = b"220 mail.example ESMTP\r\n";
/// What its client says then.
const HELLO: &[u8] = b"EHLO client.example\r\n";

/// PING, SET and GET.
pub async fn with_redis(client: &Client) -> Result<Answer> {
    let answered = async {
        let mut redis = RedisClient::connect(client).await?;
        redis.command(&["PING"]).await?;
        Ok(redis)
    };
    let Some(mut redis) = unless_closed(answered.await)? else {
        return Ok(Answer::Closed);
    };
    redis.ping().await?;
    redis.set("secret", "the application's").await?;
    match redis.get("secret").await?.as_deref() {
        Some(b"the application's") => Ok(Answer::Answered),
        other => Ok(Answer::Bytes(other.unwrap_or_default().len())),
    }
}

/// Waits for the banner, and says hello; the server says the same again.
pub async fn with_greeting(client: &Client) -> Result<Answer> {
    let Some(mut connection) = unless_closed(client.raw().await)? else {
        return Ok(Answer::Closed);
    };
    if unless_closed(connection.read_exact(BANNER.len()).await)?.is_none() {
        return Ok(match connection.read_to_end().await?.bytes.len() {
            0 => Answer::Closed,
            count => Answer::Bytes(count),
        });
    }
    connection.write(HELLO).await?;
    connection.read_exact(HELLO.len()).await?;
    Ok(Answer::Answered)
}

/// `None` where the connection ended, in the handshake or later.
fn unless_closed<T>(outcome: Result<T>) -> Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error @ Error::TimedOut { .. }) => Err(error),
        Err(_) => Ok(None),
    }
}
