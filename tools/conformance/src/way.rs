//! The two ways of checking signatures.

use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hopguard::trust::{NoHost, SignatureScheme, SignatureVerifier};

/// A way of checking signatures that counts what the host decided.
pub struct Way(Rc<Counted>);

struct Counted {
    host: Box<dyn SignatureVerifier>,
    by_host: AtomicUsize,
}

impl Way {
    /// Through this host, and in process where it cannot tell.
    pub fn host(host: impl SignatureVerifier + 'static) -> Self {
        Self(Rc::new(Counted {
            host: Box::new(host),
            by_host: AtomicUsize::new(0),
        }))
    }

    /// In process.
    pub fn in_process() -> Self {
        Self::host(NoHost)
    }

    /// Signatures that the host decided so far.
    pub fn by_host(&self) -> usize {
        self.0.by_host.load(Ordering::Relaxed)
    }

    pub(crate) fn verifier(&self) -> Rc<dyn SignatureVerifier> {
        Rc::clone(&self.0) as _
    }
}

impl SignatureVerifier for Counted {
    fn verify(
        &self,
        scheme: SignatureScheme,
        spki_der: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Option<bool> {
        let answer = self.host.verify(scheme, spki_der, message, signature);
        if answer.is_some() {
            self.by_host.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }
}
