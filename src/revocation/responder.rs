//! Whom to ask: responders are the policy's. A URL in a certificate never
//! chooses where a connection goes; it only names one of them.

use std::net::Ipv6Addr;

/// Where a CRL is fetched from, as the policy says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListSource {
    /// Its URL, for people.
    pub url: Box<str>,
    /// The Envoy cluster that leads there.
    pub cluster: Box<str>,
    /// The authority of the URL.
    pub authority: Box<str>,
    /// The path of the URL.
    pub path: Box<str>,
    /// Seconds after which it is fetched anew at the latest.
    pub refresh_seconds: i64,
    /// Milliseconds before a request is given up.
    pub timeout_ms: u32,
    /// The most bytes that are taken.
    pub max_bytes: usize,
}

/// An OCSP responder that the policy allows to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Responder {
    /// The host of its URLs, lower case, with its port where that is not 80.
    pub host: Box<str>,
    /// The Envoy cluster that leads to it.
    pub cluster: Box<str>,
    /// Milliseconds before a request is given up.
    pub timeout_ms: u32,
    /// Whether each question has a nonce, which the answer must have, too.
    pub nonce: bool,
}

/// The authority and the path of an `http` URL; `None` where it is none. OCSP
/// answers are signed, and over HTTPS the responder's own certificate would have
/// to be asked about first (RFC 5280, section 8).
pub fn split_http(url: &str) -> Option<(String, &str)> {
    let rest = url
        .get(..7)
        .filter(|scheme| scheme.eq_ignore_ascii_case("http://"))
        .and_then(|_| url.get(7..))?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of an IPv6 address are within its brackets.
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, ""),
    };
    // An empty port is the default one (RFC 3986, section 6.2.3).
    let authority = if matches!(port, "" | "80") {
        host
    } else {
        authority
    };
    let is_port = port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    let is_path = path.bytes().all(|b| b.is_ascii_graphic()) && !path.starts_with(['?', '#']);
    (is_host(host) && is_port && is_path).then(|| (authority.to_ascii_lowercase(), path))
}

/// A name, an IPv4 address, or an IPv6 address in its brackets.
fn is_host(host: &str) -> bool {
    let bracketed = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    match bracketed {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
            !host.is_empty() && host.bytes().all(plain)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_urls_are_split() {
        for (url, expected) in [
            ("http://OCSP.example", Some(("ocsp.example", ""))),
            ("HTTP://ocsp.example:80/a?b", Some(("ocsp.example", "/a?b"))),
            (
                "http://ocsp.example:8080/",
                Some(("ocsp.example:8080", "/")),
            ),
            ("http://[::1]:8080/a", Some(("[::1]:8080", "/a"))),
            ("http://[::1]:80", Some(("[::1]", ""))),
            ("http://ocsp.example:/", Some(("ocsp.example", "/"))),
            ("http://ocsp.example:80:80/", None),
            ("http://ocsp.example:8x/", None),
            ("http://:80/", None),
            ("http://::1/", None),
            ("http://[::1", None),
            ("http://[::1]x/", None),
            ("https://ocsp.example/", None),
            ("ldap://ocsp.example/", None),
            ("http://", None),
            ("http:///a", None),
            ("http://user@ocsp.example/", None),
            ("http://ocsp.example/a b", None),
            ("http://ocsp.example/\r\nx: y", None),
            ("http://ocsp.example?x", None),
            ("httpé://", None),
        ] {
            let split = split_http(url);
            let split = split.as_ref().map(|(a, p)| (a.as_str(), *p));
            assert_eq!(split, expected, "{url}");
        }
    }
}
