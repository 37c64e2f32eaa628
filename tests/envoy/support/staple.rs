//! OCSP staples, and clients that ask for them.

use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use data_encoding::BASE64;
use hopguard_testbed::config::DownstreamTls;
use hopguard_testbed::pki::{Authority, Issued};
use hopguard_testbed::revocation::{Answer, Status};
use serde_json::{Value, json};

const DAY: Duration = Duration::from_secs(86_400);

/// A staple for a certificate that this authority issued, good for a week from now.
pub fn fresh(ca: &Authority, certificate: &Issued) -> Vec<u8> {
    between(ca, certificate, -1, 7)
}

/// The same from one day until another, counted from now.
pub fn between(ca: &Authority, certificate: &Issued, from: i32, until: i32) -> Vec<u8> {
    let now = SystemTime::now();
    let at = |days: i32| match days {
        ..0 => now - DAY * days.unsigned_abs(),
        _ => now + DAY * days.unsigned_abs(),
    };
    Answer::new(ca, certificate, Status::Good)
        .validity(at(from), at(until))
        .sign()
        .unwrap()
}

/// Serves this certificate with this staple, under this policy of Envoy's.
pub fn stapled(certificate: &Issued, staple: &[u8], policy: &str) -> DownstreamTls {
    let staple = json!({ "inline_bytes": BASE64.encode(staple) });
    let policy = Value::from(policy);
    DownstreamTls::new(certificate).patch(move |context| {
        context["ocsp_staple_policy"] = policy.clone();
        context["common_tls_context"]["tls_certificates"][0]["ocsp_staple"] = staple.clone();
    })
}

/// What `openssl s_client` sees that asks for a staple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// One came.
    Staple,
    /// The handshake came to its end without one.
    Nothing,
    /// The server refused.
    Refused,
}

/// Asks for a staple.
pub fn ask(address: std::net::SocketAddr) -> Seen {
    let output = Command::new("openssl")
        .args(["s_client", "-status", "-connect", &address.to_string()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    if text.contains("OCSP Response Status: successful") {
        Seen::Staple
    } else if text.contains("OCSP response: no response sent") && output.status.success() {
        Seen::Nothing
    } else {
        assert!(!output.status.success(), "{output:?}");
        Seen::Refused
    }
}
