//! Hellos of rustls and of OpenSSL, on both sides.

use hopguard_testbed::TlsVersion::{V1_0, V1_2, V1_3};
use hopguard_testbed::client::Client;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;

use crate::{Output, Result};

pub fn write(output: &Output) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let certificate = Pki::new().server("api.fuzz.test").try_issue()?;
        let rustls = Upstream::tls(&certificate).start().await?;
        let openssl = Upstream::openssl(&certificate)
            .tls_versions(V1_0, V1_3)
            .start()
            .await?;
        let client = Client::tls(rustls.addr()).sni("api.fuzz.test");
        let lenient = Client::openssl(openssl.addr()).sni("api.fuzz.test");
        for (name, client) in [
            ("rustls", client.clone()),
            ("rustls-tls12", client.clone().tls_versions(V1_2, V1_2)),
            ("rustls-no-sni", client.no_sni().alpn(&["h2", "http/1.1"])),
            ("openssl", lenient.clone().tls_versions(V1_0, V1_3)),
            ("openssl-tls10", lenient.clone().tls_versions(V1_0, V1_0)),
            ("openssl-no-sni", lenient.no_sni()),
        ] {
            let hello = client.client_hello().await?;
            output.seed("client_hello", name, &hello)?;
            output.seed(
                "client_hello",
                &format!("{name}-in-pieces"),
                &in_records(&hello, 60),
            )?;
            for server in [&rustls, &openssl] {
                let made = if std::ptr::eq(server, &rustls) {
                    "rustls"
                } else {
                    "openssl"
                };
                let mut connection = Client::plaintext(server.addr()).raw().await?;
                connection.write(&hello).await?;
                let mut first = connection.read_exact(5).await?;
                let length = usize::from(u16::from_be_bytes([first[3], first[4]]));
                first.extend(connection.read_exact(length).await?);
                output.seed("server_hello", &format!("{made}-to-{name}"), &first)?;
            }
        }
        // A warning, and then a hello.
        let hello = Client::tls(rustls.addr()).client_hello().await?;
        let warned = [&[21, 3, 3, 0, 2, 1, 112][..], &hello].concat();
        output.seed("server_hello", "warning-first", &warned)?;
        for target in ["client_hello", "server_hello"] {
            output.seed(target, "alert", &[21, 3, 3, 0, 2, 2, 40])?;
        }
        output.seed("client_hello", "http", b"GET / HTTP/1.1\r\n\r\n")
    })
}

/// The message of one record in several.
fn in_records(record: &[u8], size: usize) -> Vec<u8> {
    let (header, message) = record.split_at(5);
    let pieces = message.chunks(size).flat_map(|piece| {
        let length = u16::try_from(piece.len()).expect("short").to_be_bytes();
        [&header[..3], &length, piece].concat()
    });
    pieces.collect()
}
