//! A ClientHello by itself, as a real client would send it.

use rustls::ClientConnection;

use super::{Client, on_runtime, openssl};
use crate::error::{Error, Result};

impl Client {
    /// What this client would begin a TLS handshake with: the records of its ClientHello. For
    /// servers that get it in pieces, or nothing after it.
    ///
    /// ```no_run
    /// # async fn example(addr: std::net::SocketAddr) -> hopguard_testbed::Result<()> {
    /// use hopguard_testbed::client::Client;
    ///
    /// let hello = Client::tls(addr).sni("api.test").client_hello().await?;
    /// let mut connection = Client::plaintext(addr).raw().await?;
    /// connection.write_segments(hello.chunks(40)).await?;
    /// connection.reset();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the client speaks no TLS, or not the versions asked for.
    pub async fn client_hello(&self) -> Result<Vec<u8>> {
        let Some(tls) = &self.tls else {
            return Err(Error::Client("a plaintext client has no hello".into()));
        };
        if self.openssl {
            let (tls, http2) = (tls.clone(), self.http2);
            return on_runtime(async move { openssl::client_hello(&tls, http2).await }).await;
        }
        let failed = |error: rustls::Error| Error::Tls(error.to_string());
        let mut connection =
            ClientConnection::new(self.rustls(tls)?, tls.server_name()?).map_err(failed)?;
        let mut hello = Vec::new();
        connection
            .write_tls(&mut hello)
            .map_err(Error::io("a ClientHello"))?;
        Ok(hello)
    }
}
