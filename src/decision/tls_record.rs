//! The first handshake message of one side of a TLS connection, in one or more
//! records (RFC 8446, section 5.1).

/// The longest opening that is read, in bytes, record headers included: a
/// message of 16 KiB, the most that BoringSSL takes of a hello
/// (`kMaxMessageLen`), in records of 64 bytes or more.
pub const MAX_OPENING: usize = 16 * 1024 + 16 * 1024 / 64 * RECORD_HEADER;
/// The longest message.
pub const MAX_MESSAGE: usize = 16 * 1024;
/// Alerts that may come before the message or instead: four warnings, the most
/// that BoringSSL (`kMaxWarningAlerts`), OpenSSL and rustls take in a row, and
/// the one that ends the connection.
pub const MAX_ALERTS: usize = 5;
const RECORD_HEADER: usize = 5;
/// Level and description. No more are in one record: RFC 8446, section 5.1
/// forbids it, and BoringSSL and OpenSSL refuse it in TLS 1.2, too. More would
/// be room for anything at all.
const ALERT_LENGTH: usize = 2;
const MAX_RECORD: usize = 1 << 14;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

/// What the first bytes hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirstMessage {
    /// The message as far as it goes; more bytes are needed.
    Incomplete,
    /// The body of the whole message.
    Body(Vec<u8>),
    /// So many alerts, whole ones, and nothing else yet; only where they are
    /// allowed to come before.
    Alerts(usize),
    /// Something else, and why it is no such message.
    Other(&'static str),
}

/// Reads the first message, which must be of this kind. Plaintext is told by the
/// first byte that cannot be TLS, without waiting for more.
pub fn first_message(bytes: &[u8], kind: u8, alerts_may_come: bool) -> FirstMessage {
    let mut message = Vec::new();
    let mut alerts = 0;
    let mut rest = bytes;
    loop {
        let (payload, after) = match take_record(rest, alerts_may_come && message.is_empty()) {
            Record::Other(reason) => return FirstMessage::Other(reason),
            Record::Alert(Some(after)) => {
                (alerts, rest) = (alerts + 1, after);
                if alerts > MAX_ALERTS {
                    return FirstMessage::Other("its alerts are too many");
                }
                continue;
            }
            Record::Alert(None) => return FirstMessage::Incomplete,
            Record::Handshake(payload, after) => (payload, after),
        };
        message.extend_from_slice(payload);
        match whole_message(&message, kind) {
            Err(reason) => return FirstMessage::Other(reason),
            Ok(Some(body)) => return FirstMessage::Body(body.to_vec()),
            Ok(None) => {}
        }
        match after {
            Some(after) => rest = after,
            // Not where a part of the message came: that part must not pass.
            None if alerts > 0 && rest.is_empty() && message.is_empty() => {
                return FirstMessage::Alerts(alerts);
            }
            None if bytes.len() >= MAX_OPENING => {
                return FirstMessage::Other("its records are too many");
            }
            None => return FirstMessage::Incomplete,
        }
    }
}

enum Record<'a> {
    /// As much of the payload as there is, and what follows a whole one.
    Handshake(&'a [u8], Option<&'a [u8]>),
    /// What follows it, where it is whole.
    Alert(Option<&'a [u8]>),
    Other(&'static str),
}

fn take_record(bytes: &[u8], alerts_may_come: bool) -> Record<'_> {
    let kind = bytes.first().copied().unwrap_or(HANDSHAKE);
    if kind != HANDSHAKE && !(kind == ALERT && alerts_may_come) {
        return Record::Other("it begins with no TLS handshake record");
    }
    if bytes.get(1).is_some_and(|major| *major != 3) {
        return Record::Other("its record is of no version of TLS");
    }
    let of_kind = |payload, after| match kind {
        ALERT => Record::Alert(after),
        _ => Record::Handshake(payload, after),
    };
    let (Some(high), Some(low)) = (bytes.get(3), bytes.get(4)) else {
        return of_kind(&[], None);
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if length == 0 || length > MAX_RECORD {
        return Record::Other("its record is empty or too long");
    }
    let payload = bytes.get(RECORD_HEADER..).unwrap_or_default();
    if kind == ALERT {
        let is_level = |level: &u8| matches!(level, 1 | 2);
        if length != ALERT_LENGTH || !payload.first().is_none_or(is_level) {
            return Record::Other("its alert is malformed");
        }
    }
    match payload.split_at_checked(length) {
        Some((payload, after)) => of_kind(payload, Some(after)),
        None => of_kind(payload, None),
    }
}

/// The body of the message, once it is whole.
fn whole_message(message: &[u8], kind: u8) -> Result<Option<&[u8]>, &'static str> {
    if message.first().is_some_and(|first| *first != kind) {
        return Err("its first message is no hello");
    }
    let Some([_, a, b, c]) = message.first_chunk() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes([0, *a, *b, *c]);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > MAX_MESSAGE {
        return Err("its hello is too long");
    }
    Ok(message.get(4..4 + length))
}

/// Reads from the front; `None` where too little is left.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// So many bytes.
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of two bytes.
    pub fn u16(&mut self) -> Option<u16> {
        let bytes = self.take(2)?;
        <[u8; 2]>::try_from(bytes).ok().map(u16::from_be_bytes)
    }

    /// Bytes after a length of one byte.
    pub fn prefixed_by_u8(&mut self) -> Option<&'a [u8]> {
        let length = *self.take(1)?.first()?;
        self.take(usize::from(length))
    }

    /// Bytes after a length of two bytes.
    pub fn prefixed_by_u16(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }
}
