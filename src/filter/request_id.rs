//! The id of a request (`x-request-id`): Envoy's, or what a client wrote there,
//! which may be as long as all headers together.

use std::rc::Rc;

use sha2::{Digest as _, Sha256};

use crate::host::Host;
use crate::telemetry::MAX_TEXT;

/// The longest id that is told from others by itself, in bytes, and not by its
/// SHA-256. A UUID has 36.
const MAX_WHOLE: usize = 64;
/// Bytes that are kept to be shown: some more than an event shows, so that it
/// can tell that there were more.
const MAX_SHOWN: usize = MAX_TEXT + 4;

/// A request's id, whatever its length in less than a KiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId {
    shown: Rc<str>,
    identity: Rc<[u8]>,
}

impl RequestId {
    /// The id of the current request, if it has one.
    pub fn of(host: &impl Host) -> Option<Self> {
        let id = host.request_header("x-request-id")?;
        (!id.is_empty()).then(|| Self::new(&id))
    }

    /// The id with these bytes.
    pub fn new(id: &[u8]) -> Self {
        let shown = id.get(..MAX_SHOWN).unwrap_or(id);
        Self {
            shown: String::from_utf8_lossy(shown).into(),
            identity: if id.len() > MAX_WHOLE {
                Sha256::digest(id).as_slice().into()
            } else {
                id.into()
            },
        }
    }

    /// For people: the id, or its beginning.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The same for the same id.
    pub fn identity(&self) -> &[u8] {
        &self.identity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_ids_are_told_apart_and_not_kept() {
        for length in [1, MAX_WHOLE, MAX_WHOLE + 1, 60_000] {
            let a = vec![b'a'; length];
            let b = [&a[1..], b"b"].concat();
            let (a, b) = (RequestId::new(&a), RequestId::new(&b));
            assert_ne!(a.identity(), b.identity(), "{length}");
            assert_eq!(a.identity(), a.clone().identity());
            assert_eq!(a.shown().len(), length.min(MAX_SHOWN));
            assert!(a.identity().len() <= MAX_WHOLE);
        }
        let not_text = RequestId::new(&[0xff; 60_000]);
        assert!(not_text.shown().len() <= 3 * MAX_SHOWN);
    }
}
