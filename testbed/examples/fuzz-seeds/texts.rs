//! Names, patterns, URLs, and Envoy's words for what failed.

use crate::world::{CRL_URL, OCSP_URL, World};
use crate::{Output, Result};

pub fn write(world: &World, output: &Output) -> Result<()> {
    for (target, seeds) in [
        ("names", NAMES),
        ("glob", GLOBS),
        ("request", REQUESTS),
        ("failure", FAILURES),
    ] {
        for (index, seed) in seeds.iter().enumerate() {
            output.seed(target, &format!("{index:02}"), seed.as_bytes())?;
        }
    }
    let urls = [
        OCSP_URL,
        CRL_URL,
        "HTTP://ocsp.test:80/a?b",
        "http://[::1]:8080",
        "https://a/",
        "http://u@h/",
    ];
    for (index, url) in urls.iter().enumerate() {
        output.seed("url", &format!("{index:02}"), url.as_bytes())?;
    }
    output.seed("names", "digest", world.server.sha256_hex().as_bytes())
}

/// A policy's name, and names that certificates present.
const NAMES: &[&str] = &[
    "api.fuzz.test\ndns:api.fuzz.test\ndns:*.fuzz.test\ndns:API.fuzz.test.",
    "*.fuzz.test\ndns:a.fuzz.test\ndns:*.fuzz.test\ndns:a.b.fuzz.test",
    "dns:xn--bcher-kva.test\ndns:xn--bcher-kva.test",
    "10.0.0.1\nip:10.0.0.1\nip:::ffff:10.0.0.1",
    "ip:fd00::1\nip:fd00::1",
    "spiffe://fuzz.test/ns/*/sa/**\nuri:spiffe://fuzz.test/ns/a/sa/b/c",
    "spiffe://fuzz.test/**\nuri:spiffe://fuzz.test/a\nuri:spiffe://fuzz.test/b",
    "uri:https://fuzz.test/*\nuri:https://fuzz.test/a",
    "urn:x://y\nuri:urn:x://y",
    "web@fuzz.test\nemail:web@fuzz.test\nemail:web@FUZZ.test",
    "@fuzz.test\nemail:a.b+c@fuzz.test",
];

/// A pattern, and a text.
const GLOBS: &[&str] = &[
    "/ns/*/sa/**\n/ns/web/sa/front/end",
    "*\n",
    "**/*\na/b",
    "api*.test\napi-1.test",
    "*a*b*c*\nxaybzc",
    "/v1/**\n/v1/a/b",
    "literal\nliteral",
];

/// Authorities, paths, addresses.
const REQUESTS: &[&str] = &[
    "api.fuzz.test:8443",
    "[2001:db8::1]:443",
    "10.0.0.1:80",
    "/public/%2e%2e/secret?x#y",
    "/a/..\\b/%252e%252e//c/./",
    "/%61dmin/%ff/..",
    "/a//b/",
];

/// What Envoy 1.36 to 1.40 said.
const FAILURES: &[&str] = &[
    "delayed connect error: Connection refused",
    "delayed connect error: 111",
    "immediate connect error: Network is unreachable",
    "TLS error: Secret is not supplied by SDS",
    "TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end",
    "TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify cert failed: SAN matcher, certificate SANs are [a.test]:TLS_error_end",
    "TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify cert failed: X509_verify_cert: certificate verification error at depth 0: certificate has expired:TLS_error_end",
    "TLS_error:|268436496:SSL routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE:TLS_error_end",
    "TLS_error:|268436573:SSL routines:OPENSSL_internal:unknown error:TLS_error_end",
    "TLS_error:|268435610:SSL routines:OPENSSL_internal:NO_SHARED_CIPHER|268435610:SSL routines:OPENSSL_internal:UNSUPPORTED_PROTOCOL:TLS_error_end",
];
