//! What an upstream answers.

use super::seen::SeenRequest;

/// The answer to one request.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
    pub(super) fate: Fate,
}

/// What becomes of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Answer,
    Close,
    Reset,
}

impl Reply {
    /// An answer with that status and no body.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            fate: Fate::Answer,
        }
    }

    /// 200 with that body.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::status(200).body(body)
    }

    /// No answer: the connection (HTTP/2: the stream) is closed.
    pub fn close() -> Self {
        Self {
            fate: Fate::Close,
            ..Self::status(200)
        }
    }

    /// No answer: the TCP connection is reset.
    pub fn reset() -> Self {
        Self {
            fate: Fate::Reset,
            ..Self::status(200)
        }
    }

    /// With this body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// With this header.
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// Chooses the answer to a request.
pub(super) type Handler = dyn Fn(&SeenRequest) -> Reply + Send + Sync;
