//! One `openssl s_server` for each connection, behind the recording socket.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::UnixStream;
use tokio::process::Child;

use super::tls::{ClientAuth, TlsSettings};
use crate::error::{Error, Result};
use crate::openssl_peer::{LENIENT, start};
use crate::pki::Issued;

/// The certificate's files and the arguments that go with them.
pub(super) struct OpensslServer {
    directory: TempDir,
    arguments: Vec<String>,
}

impl OpensslServer {
    pub(super) fn new(settings: &TlsSettings, certificate: &Issued) -> Result<Self> {
        let directory = TempDir::new().map_err(Error::io("temporary directory"))?;
        let path = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
        let write = |name: &str, content: &[u8]| {
            std::fs::write(directory.path().join(name), content).map_err(Error::io(name))
        };
        let files = certificate.write_to(directory.path(), "server")?;
        let leaf = files.certificate.to_string_lossy().into_owned();
        let mut arguments: Vec<String> = [
            "s_server",
            "-naccept",
            "1",
            "-cert",
            &leaf,
            "-key",
            &path("server.key"),
        ]
        .into_iter()
        .chain(["-cert_chain", &leaf])
        .chain(LENIENT)
        .chain(settings.versions.openssl())
        .map(ToOwned::to_owned)
        .collect();
        match settings.client_auth {
            ClientAuth::None => (),
            ClientAuth::Optional => arguments.extend(["-verify".into(), "9".into()]),
            ClientAuth::Required | ClientAuth::Refused => {
                arguments.extend(["-Verify".into(), "9".into()]);
            }
        }
        if let Some(ciphers) = &settings.ciphers {
            arguments.extend(cipher_arguments(ciphers));
        }
        if !settings.alpn.is_empty() {
            let names = settings
                .alpn
                .iter()
                .map(|name| String::from_utf8_lossy(name));
            arguments.extend(["-alpn".into(), names.collect::<Vec<_>>().join(",")]);
        }
        if let Some(staple) = &settings.staple {
            write("staple.der", staple)?;
            arguments.extend(["-status_file".into(), path("staple.der")]);
        }
        Ok(Self {
            directory,
            arguments,
        })
    }

    /// Starts a server for one connection and connects to it.
    pub(super) async fn connect(&self, connection: usize) -> Result<(Child, UnixStream)> {
        let socket = self.directory.path().join(format!("{connection}.sock"));
        let mut arguments = self.arguments.clone();
        arguments.extend(["-unix".into(), socket.to_string_lossy().into_owned()]);
        let mut child = start(&arguments)?;
        let stream = connect(&socket, &mut child).await?;
        Ok((child, stream))
    }
}

/// OpenSSL has one list for TLS 1.3 and one for the versions before. The later argument wins.
fn cipher_arguments(names: &str) -> Vec<String> {
    let (new, old): (Vec<_>, Vec<_>) = names.split(':').partition(|name| name.starts_with("TLS_"));
    let mut arguments = Vec::new();
    if !new.is_empty() {
        arguments.extend(["-ciphersuites".into(), new.join(":")]);
    }
    if !old.is_empty() {
        let lenient = format!("{}:@SECLEVEL=0", old.join(":"));
        arguments.extend(["-cipher".into(), lenient]);
    }
    arguments
}

/// It does not say when it listens where `-brief` keeps it quiet otherwise.
async fn connect(socket: &Path, child: &mut Child) -> Result<UnixStream> {
    const POLL: Duration = Duration::from_millis(2);
    const TIMES: u32 = 5000;
    for _ in 0..TIMES {
        if let Ok(stream) = UnixStream::connect(socket).await {
            return Ok(stream);
        }
        if let Ok(Some(_)) = child.try_wait() {
            break;
        }
        tokio::time::sleep(POLL).await;
    }
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        let _ = child.start_kill();
        let _ = tokio::io::AsyncReadExt::read_to_string(&mut stderr, &mut said).await;
    }
    Err(Error::Tls(format!(
        "openssl s_server does not listen: {said}"
    )))
}
