//! A case on the command line.

use std::path::Path;

use hopguard_testbed::Result;

use crate::caller::Caller;

/// Talks to Redis; writes the client's certificate, if it has one.
pub fn redis(caller: &Caller, port: u16, directory: &Path) -> Result<String> {
    let certificate = match caller {
        Caller::Plaintext => {
            return Ok(format!(
                r#"(exec 3<>/dev/tcp/localhost/{port}; printf 'PING\r\n' >&3; head -1 <&3)"#
            ));
        }
        // redis-cli cannot choose the versions that it offers.
        Caller::ServerName(name) => {
            return Ok(by_openssl(port, &format!("-servername {name}")));
        }
        Caller::Versions(name, min, max) => {
            let [min, max] = [min, max].map(|version| version.name());
            return Ok(by_openssl(
                port,
                &format!("-servername {name} -min_protocol {min} -max_protocol {max}"),
            ));
        }
        Caller::Certificate(name, certificate) => {
            certificate.write_to(directory, name)?;
            format!(" --cert {name}.pem --key {name}.key")
        }
        Caller::Tls => String::new(),
    };
    Ok(format!(
        "redis-cli -p {port} --tls --cacert company-ca.pem{certificate} PING"
    ))
}

/// Shows what a server says that speaks first.
pub fn greeting(port: u16) -> String {
    format!("openssl s_client -quiet -connect localhost:{port} -CAfile company-ca.pem </dev/null")
}

fn by_openssl(port: u16, options: &str) -> String {
    format!(
        r#"printf 'PING\r\nQUIT\r\n' | openssl s_client -quiet -connect localhost:{port} -CAfile company-ca.pem {options}"#
    )
}
