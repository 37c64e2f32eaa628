//! Demands on the keys and purposes of peers' certificates.

use super::error::{ConfigError, Errors};
use super::wire;
use crate::trust::strength::ExtendedKeyUsageDemand;
use crate::trust::{Curve, Curves, KeyRequirements};

/// The demands of a `peer_certificate` at `path`.
pub fn keys(
    path: &str,
    demand: &wire::PeerCertificate,
    errors: &mut Errors,
) -> Option<KeyRequirements> {
    let mut keys = KeyRequirements::default();
    let mut is_right = true;
    let mut refuse = |path: String, message: String| {
        errors.add(ConfigError::new(path, message));
        is_right = false;
    };
    if let Some(bits) = demand.min_rsa_bits {
        if (2_048..=8_192).contains(&bits) {
            keys = keys.with_min_rsa_bits(bits).unwrap_or(keys);
        } else {
            refuse(
                format!("{path}.min_rsa_bits"),
                format!("{bits} is not within 2048 to 8192"),
            );
        }
    }
    if let Some(curves) = &demand.curves {
        let path = format!("{path}.curves");
        if curves.is_empty() {
            refuse(
                path.clone(),
                "it allows no curve; leave it out for the default".to_owned(),
            );
        }
        let mut set = Curves::NONE;
        for (index, name) in curves.iter().enumerate() {
            match curve(name) {
                Some(curve) => set = set.with(curve),
                None => refuse(
                    format!("{path}[{index}]"),
                    format!("{name:?} is no curve; use \"P-256\", \"P-384\" or \"P-521\""),
                ),
            }
        }
        keys = keys.with_curves(set);
    }
    if let Some(demand) = demand.extended_key_usage {
        keys = keys.with_extended_key_usage(match demand {
            wire::ExtendedKeyUsage::Required => ExtendedKeyUsageDemand::Required,
            wire::ExtendedKeyUsage::IfPresent => ExtendedKeyUsageDemand::IfPresent,
        });
    }
    is_right.then_some(keys)
}

fn curve(name: &str) -> Option<Curve> {
    [Curve::P256, Curve::P384, Curve::P521]
        .into_iter()
        .find(|c| c.to_string() == name)
}
