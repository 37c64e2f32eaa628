//! How much a Redis has seen.

use super::client::{RedisClient, RedisValue};
use crate::error::{Error, Result};

/// What came to a Redis by its TCP port, in its own words (`INFO stats`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Connections accepted; with TLS, those whose handshake is complete.
    pub connections: u64,
    /// Commands processed.
    pub commands: u64,
    /// Bytes of commands, or of what was taken for such: decrypted ones with TLS.
    pub input_bytes: u64,
    /// Bytes of answers.
    pub output_bytes: u64,
}

impl Traffic {
    /// Asks by the fixture's own connection, and takes off what that amounted to.
    pub(super) async fn of_others(own: &mut RedisClient) -> Result<Self> {
        let before = own.totals;
        let answer = own.command(&["INFO", "stats"]).await?;
        let RedisValue::Bulk(Some(text)) = &answer else {
            return Err(Error::Client(format!("INFO was answered with {answer:?}")));
        };
        let text = String::from_utf8_lossy(text);
        let number = |name: &str, of_own: u64| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .and_then(|value| value.trim().parse::<u64>().ok())
                .and_then(|value| value.checked_sub(of_own))
                .ok_or_else(|| Error::Client(format!("no {name} beyond {of_own} in {text}")))
        };
        Ok(Self {
            connections: number("total_connections_received", 1)?,
            // This INFO has been read, but is not done.
            commands: number("total_commands_processed", before.commands)?,
            input_bytes: number("total_net_input_bytes", own.totals.sent)?,
            output_bytes: number("total_net_output_bytes", before.read)?,
        })
    }
}
