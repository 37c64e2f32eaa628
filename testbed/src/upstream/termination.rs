//! Where the TLS of an upstream ends: in rustls, or in `openssl`.

use std::sync::{Arc, PoisonError, RwLock};

use tokio_rustls::TlsAcceptor;

use super::openssl::OpensslServer;
use super::tls::{Sessions, TlsSettings, new_sessions};
use crate::error::Result;
use crate::pki::Issued;

/// Who does the TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backend {
    Rustls,
    Openssl,
}

/// Settings that stay, and a certificate that may change.
pub(super) struct Termination {
    backend: Backend,
    settings: TlsSettings,
    serving: RwLock<Serving>,
}

/// What new connections are served with.
#[derive(Clone)]
pub(super) enum Serving {
    Rustls {
        acceptor: TlsAcceptor,
        sessions: Sessions,
    },
    Openssl(Arc<OpensslServer>),
}

impl Termination {
    pub(super) fn new(backend: Backend, settings: TlsSettings, cert: &Issued) -> Result<Self> {
        let serving = Serving::new(backend, &settings, cert, new_sessions())?;
        Ok(Self {
            backend,
            settings,
            serving: RwLock::new(serving),
        })
    }

    pub(super) fn serving(&self) -> Serving {
        self.serving
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn rotate(&self, certificate: &Issued, keep_sessions: bool) -> Result<()> {
        let mut serving = self.serving.write().unwrap_or_else(PoisonError::into_inner);
        let sessions = match &*serving {
            Serving::Rustls { sessions, .. } if keep_sessions => Arc::clone(sessions),
            _ => new_sessions(),
        };
        *serving = Serving::new(self.backend, &self.settings, certificate, sessions)?;
        Ok(())
    }
}

impl Serving {
    fn new(
        backend: Backend,
        settings: &TlsSettings,
        certificate: &Issued,
        sessions: Sessions,
    ) -> Result<Self> {
        Ok(match backend {
            Backend::Rustls => {
                let config = settings.server_config(certificate, Arc::clone(&sessions))?;
                Self::Rustls {
                    acceptor: TlsAcceptor::from(Arc::new(config)),
                    sessions,
                }
            }
            Backend::Openssl => Self::Openssl(Arc::new(OpensslServer::new(settings, certificate)?)),
        })
    }
}
