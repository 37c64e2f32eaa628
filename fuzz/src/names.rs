//! Text as a name of the policy (first line) and as names of a certificate (`dns:`, `ip:`,
//! `uri:` or `email:` before each of the others).

use hopguard::trust::names::match_any;
use hopguard::trust::spiffe::{SpiffeId, TrustDomain};
use hopguard::trust::{PresentedIdentifier, ReferenceIdentifier};

pub fn fuzz_target(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut lines = text.split('\n');
    let first = lines.next().unwrap_or_default();
    let presented: Vec<PresentedIdentifier> = lines.filter_map(presented).collect();
    presented.iter().for_each(is_a_spiffe_id_or_none);
    if let Ok(domain) = TrustDomain::parse(first) {
        assert_eq!(domain.as_str(), first);
        assert!(!first.contains(['/', ':', '*', '%', '@']));
    }
    match ReferenceIdentifier::parse(first) {
        Ok(reference) => {
            // What is said of it in a log means the same in a policy.
            let again = ReferenceIdentifier::parse(&reference.to_string());
            assert_eq!(again.as_ref(), Ok(&reference));
            for name in &presented {
                if match_any(std::slice::from_ref(name), std::slice::from_ref(&reference)).is_some()
                {
                    may_match(&reference, name);
                }
            }
            only_one_uri_makes_an_svid(&reference, &presented);
        }
        Err(error) => assert!(error.to_string().len() < 8_192),
    }
}

fn presented(line: &str) -> Option<PresentedIdentifier> {
    let (kind, name) = line.split_once(':')?;
    let name = name.to_owned();
    Some(match kind {
        "dns" => PresentedIdentifier::Dns(name),
        "ip" => PresentedIdentifier::Ip(name.parse().ok()?),
        "uri" => PresentedIdentifier::Uri(name),
        "email" => PresentedIdentifier::Email(name),
        _ => return None,
    })
}

/// A match has these properties, by another way of comparing.
fn may_match(reference: &ReferenceIdentifier, name: &PresentedIdentifier) {
    match (reference, name) {
        (ReferenceIdentifier::Dns(own), PresentedIdentifier::Dns(name)) => {
            is_plain(name);
            let name = normal(name);
            let (_, parent) = own.as_str().split_once('.').unwrap_or_default();
            let wildcard = format!("*.{parent}");
            assert!(name == own.as_str() || name == wildcard && parent.contains('.'));
        }
        (ReferenceIdentifier::DnsGlob(_), PresentedIdentifier::Dns(name)) => {
            is_plain(name);
            let name = normal(name);
            let glob = reference.to_string();
            let (_, parent) = name.split_once('.').unwrap();
            assert_eq!(glob, format!("dns:*.{parent}"));
        }
        (ReferenceIdentifier::Ip(own), PresentedIdentifier::Ip(name)) => assert_eq!(own, name),
        (ReferenceIdentifier::Uri(glob), PresentedIdentifier::Uri(name)) => {
            if glob.is_literal() {
                assert_eq!(glob.as_str(), name);
            }
        }
        (ReferenceIdentifier::Spiffe(pattern), PresentedIdentifier::Uri(name)) => {
            let id = SpiffeId::parse(name).unwrap();
            let domain = format!("spiffe://{}/", id.trust_domain);
            assert!(pattern.to_string().starts_with(&domain));
        }
        (ReferenceIdentifier::Email(pattern), PresentedIdentifier::Email(name)) => {
            let (local, domain) = name.split_once('@').unwrap();
            let (own_local, own_domain) = own(pattern);
            assert!(own_local.is_empty() || own_local == local);
            assert_eq!(normal(domain), own_domain);
        }
        other => panic!("names of two kinds: {other:?}"),
    }
}

fn own(pattern: &hopguard::trust::email::EmailPattern) -> (String, String) {
    let text = pattern.to_string();
    let (local, domain) = text.split_once('@').unwrap();
    (local.to_owned(), domain.to_owned())
}

/// A NUL or a space has made verifiers see another name than the CA did.
fn is_plain(name: &str) {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.*".contains(&b);
    assert!(name.bytes().all(plain), "{name:?}");
}

fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn is_a_spiffe_id_or_none(name: &PresentedIdentifier) {
    if let PresentedIdentifier::Uri(uri) = name
        && let Some(id) = SpiffeId::parse(uri)
    {
        assert_eq!(format!("spiffe://{}{}", id.trust_domain, id.path), *uri);
        assert!(id.path.starts_with('/') && !id.path.ends_with('/'));
        assert!(TrustDomain::parse(id.trust_domain).is_ok());
        assert!(!uri.contains(['?', '#', '%', '@', '*', ' ', '\0']));
    }
}

fn only_one_uri_makes_an_svid(reference: &ReferenceIdentifier, names: &[PresentedIdentifier]) {
    let uris = names
        .iter()
        .filter(|name| matches!(name, PresentedIdentifier::Uri(_)));
    if matches!(reference, ReferenceIdentifier::Spiffe(_)) && uris.count() != 1 {
        assert_eq!(match_any(names, std::slice::from_ref(reference)), None);
    }
}
