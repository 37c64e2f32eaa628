//! `openssl s_server` and `openssl s_client` as one end of a TLS connection: for TLS 1.0
//! and 1.1, and for keys that rustls with ring cannot use.

use std::future::Future;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader, Join, join};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::error::{Error, Result};
use crate::parent_death;
use crate::tls::{TlsVersion, TlsVersions};

/// What `openssl` needs to take every certificate and cipher there is, and to tell of the
/// handshake on stderr while stdin and stdout carry the decrypted bytes and nothing else.
pub(crate) const LENIENT: [&str; 3] = ["-brief", "-cipher", "ALL:!aNULL:@SECLEVEL=0"];

/// The decrypted side of a connection.
pub(crate) type Decrypted = Join<ChildStdout, ChildStdin>;

impl TlsVersions {
    pub(crate) fn openssl(self) -> [&'static str; 4] {
        [
            "-min_protocol",
            self.min.name(),
            "-max_protocol",
            self.max.name(),
        ]
    }
}

/// Starts `openssl` with these arguments; it is killed when the child is dropped.
pub(crate) fn start(arguments: &[String]) -> Result<Child> {
    let mut command = std::process::Command::new("openssl");
    command.args(arguments);
    parent_death::kills(&mut command);
    Command::from(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(Error::io(
            "starting openssl (Debian: apt-get install openssl)",
        ))
}

/// Watches for the handshake: the future gives the decrypted side and the version, or what
/// `openssl` said when there was no handshake.
pub(crate) fn watch(
    mut child: Child,
) -> (
    Child,
    impl Future<Output = Result<(Decrypted, Option<TlsVersion>)>>,
) {
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let handshake = async {
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(Error::Tls("openssl without pipes".into()));
        };
        let mut lines = BufReader::new(stderr).lines();
        let mut said = String::new();
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(name) = line.strip_prefix("Protocol version: ") {
                let version = TlsVersion::from_name(name.trim());
                // It blocks when nobody reads what else it says.
                tokio::spawn(async move {
                    let mut rest = lines.into_inner();
                    let _ = tokio::io::copy(&mut rest, &mut tokio::io::sink()).await;
                });
                return Ok((join(stdout, stdin), version));
            }
            said.push_str(&line);
            said.push('\n');
        }
        Err(Error::Tls(said))
    };
    (child, handshake)
}
