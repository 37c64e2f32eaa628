//! Trust stores.

use std::collections::HashMap;
use std::rc::Rc;

use super::error::{ConfigError, Errors, all};
use super::{Stores, checked_name, wire};
use crate::decision::sha256_from_hex;
use crate::trust::anchors::StoreField;
use crate::trust::pem::certificates;
use crate::trust::{StoreError, StoreReason, TrustStore};

/// The most stores of a policy.
const MAX_STORES: usize = 1_024;

/// All stores by name.
pub fn stores(list: &[wire::TrustStore], now: i64, errors: &mut Errors) -> Option<Stores> {
    if list.len() > MAX_STORES {
        errors.add(ConfigError::new(
            "trust_stores",
            format!("{} stores are more than {MAX_STORES}", list.len()),
        ));
        return None;
    }
    let mut stores = HashMap::new();
    for (index, wire) in list.iter().enumerate() {
        let path = format!("trust_stores[{index}]");
        errors.note(checked_name(&format!("{path}.name"), &wire.name));
        let store = store(&path, wire, now, errors).map(Rc::new);
        if stores.insert(wire.name.clone(), store).is_some() {
            errors.add(ConfigError::new(
                format!("{path}.name"),
                format!("{:?} is the name of another store", wire.name),
            ));
        }
    }
    Some(stores)
}

fn store(path: &str, wire: &wire::TrustStore, now: i64, errors: &mut Errors) -> Option<TrustStore> {
    let mut pem = |field: &str, text: &Option<String>| match text {
        None => Some(Vec::new()),
        Some(text) => errors.note(
            certificates(text)
                .map_err(|e| ConfigError::new(format!("{path}.{field}"), e.to_string())),
        ),
    };
    let anchors = pem("ca_certificates", &wire.ca_certificates);
    let intermediates = pem("intermediate_certificates", &wire.intermediate_certificates);
    let pinned = pem("pinned_certificates", &wire.pinned_certificates);
    let mut digests = |field: &str, list: &[String]| {
        let list = list.iter().enumerate();
        all(list.map(|(i, text)| errors.note(sha256(&format!("{path}.{field}[{i}]"), text))))
    };
    let digest_pins = digests("pinned_certificate_sha256", &wire.pinned_certificate_sha256);
    let key_pins = digests("pinned_public_key_sha256", &wire.pinned_public_key_sha256);

    // What could be read is judged also where something else could not.
    let is_read = [&anchors, &intermediates, &pinned]
        .iter()
        .all(|p| p.is_some())
        && digest_pins.is_some()
        && key_pins.is_some();
    let mut builder = TrustStore::builder(now);
    for der in anchors.into_iter().flatten() {
        builder = builder.ca_certificate(der);
    }
    for der in intermediates.into_iter().flatten() {
        builder = builder.intermediate(der);
    }
    for der in pinned.into_iter().flatten() {
        builder = builder.pinned_certificate(der);
    }
    for digest in digest_pins.into_iter().flatten() {
        builder = builder.pinned_certificate_sha256(digest);
    }
    for digest in key_pins.into_iter().flatten() {
        builder = builder.pinned_public_key_sha256(digest);
    }
    for domain in &wire.spiffe_trust_domains {
        builder = builder.spiffe_trust_domain(domain);
    }
    match builder.build_or_all_errors() {
        Ok(store) => is_read.then_some(store),
        Err(found) => {
            for error in &found {
                // A store of which something could not be read may look empty.
                if is_read || error.reason != StoreReason::Empty {
                    errors.add(store_error(path, error));
                }
            }
            None
        }
    }
}

/// The builder's fields have the names of ours, but for one.
fn store_error(path: &str, error: &StoreError) -> ConfigError {
    let Some((field, index)) = error.entry else {
        return ConfigError::new(path, error.reason.to_string());
    };
    let field = match field {
        StoreField::CaCertificates => "ca_certificates",
        StoreField::Intermediates => "intermediate_certificates",
        StoreField::PinnedCertificates => "pinned_certificates",
        StoreField::SpiffeTrustDomains => "spiffe_trust_domains",
    };
    let subject = error
        .subject
        .as_ref()
        .map(|s| format!("{s:?}: "))
        .unwrap_or_default();
    ConfigError::new(
        format!("{path}.{field}[{index}]"),
        format!("{subject}{}", error.reason),
    )
}

/// 64 hexadecimal digits, or 44 characters of base64 as Envoy's
/// `verify_certificate_spki` has them; colons as OpenSSL prints them.
fn sha256(path: &str, text: &str) -> Result<[u8; 32], ConfigError> {
    let hex: String = text.chars().filter(|c| *c != ':').collect();
    sha256_from_hex(hex.as_bytes())
        .or_else(|| from_base64(text))
        .ok_or_else(|| {
            ConfigError::new(
                path,
                format!("{text:?} is no SHA-256: use 64 hexadecimal digits, or base64"),
            )
        })
}

fn from_base64(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_suffix('=')?;
    if digits.len() != 43 {
        return None;
    }
    let mut bits = 0u32;
    let mut held = 0u32;
    let mut out = Vec::with_capacity(32);
    for c in digits.bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xff).ok()?);
            bits &= (1 << held) - 1;
        }
    }
    // Bits beyond the last byte must be zero, so that a digest has one form.
    (bits == 0).then_some(())?;
    out.try_into().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn digests_come_in_three_forms() {
        let expected: Vec<u8> = (0..32).collect();
        let hex: String = expected.iter().map(|b| format!("{b:02x}")).collect();
        let colons: String = expected
            .iter()
            .map(|b| format!("{b:02X}"))
            .collect::<Vec<_>>()
            .join(":");
        let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        for text in [hex.as_str(), colons.as_str(), base64] {
            assert_eq!(sha256("f", text).unwrap().as_slice(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for text in [
            "",
            "00",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh-=",
            "zz02030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
        ] {
            assert!(sha256("f", text).is_err(), "{text}");
        }
    }
}
