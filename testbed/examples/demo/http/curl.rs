//! A case on the command line.

use std::path::Path;

use hopguard_testbed::{Result, TlsVersion};

use super::case::Case;
use crate::caller::Caller;
use crate::pki::HOST;

/// Writes the client's certificate, if it has one.
pub fn command(case: &Case, port: u16, path: &str, directory: &Path) -> Result<String> {
    let mut options = String::new();
    let mut scheme = "http";
    if case.caller.speaks_tls() {
        scheme = "https";
        options.push_str(" --cacert company-ca.pem");
    }
    match &case.caller {
        Caller::Certificate(name, certificate) => {
            certificate.write_to(directory, name)?;
            options.push_str(&format!(" --cert {name}.pem --key {name}.key"));
        }
        Caller::Versions(_, min, max) => {
            let [min_number, max_number] = [min, max].map(|v| v.name().trim_start_matches("TLSv"));
            options.push_str(&format!(" --tlsv{min_number} --tls-max {max_number}"));
            if *min < TlsVersion::V1_2 {
                options.push_str(" --ciphers DEFAULT@SECLEVEL=0");
            }
        }
        Caller::Plaintext | Caller::Tls | Caller::ServerName(_) => {}
    }
    if let Some((name, value)) = case.header {
        options.push_str(&format!(" -H {name}:{value}"));
    }
    Ok(format!(
        "curl -i{options} -H host:{HOST} {scheme}://localhost:{port}{path}"
    ))
}
