//! Demands on the keys and purposes of peers' certificates.

use super::error::ConfigError;
use super::wire;
use crate::trust::strength::ExtendedKeyUsageDemand;
use crate::trust::{Curve, Curves, KeyRequirements};

/// The demands of a `peer_certificate` at `path`.
pub fn keys(path: &str, demand: &wire::PeerCertificate) -> Result<KeyRequirements, ConfigError> {
    let mut keys = KeyRequirements::default();
    if let Some(bits) = demand.min_rsa_bits {
        if !(2_048..=8_192).contains(&bits) {
            return Err(ConfigError::new(
                format!("{path}.min_rsa_bits"),
                format!("{bits} is not within 2048 to 8192"),
            ));
        }
        keys = keys.with_min_rsa_bits(bits).unwrap_or(keys);
    }
    if let Some(curves) = &demand.curves {
        let path = format!("{path}.curves");
        if curves.is_empty() {
            return Err(ConfigError::new(
                path,
                "it allows no curve; leave it out for the default",
            ));
        }
        let mut set = Curves::NONE;
        for (index, name) in curves.iter().enumerate() {
            let curve = curve(name).ok_or_else(|| {
                ConfigError::new(
                    format!("{path}[{index}]"),
                    format!("{name:?} is no curve; use \"P-256\", \"P-384\" or \"P-521\""),
                )
            })?;
            set = set.with(curve);
        }
        keys = keys.with_curves(set);
    }
    if let Some(demand) = demand.extended_key_usage {
        keys = keys.with_extended_key_usage(match demand {
            wire::ExtendedKeyUsage::Required => ExtendedKeyUsageDemand::Required,
            wire::ExtendedKeyUsage::IfPresent => ExtendedKeyUsageDemand::IfPresent,
        });
    }
    Ok(keys)
}

fn curve(name: &str) -> Option<Curve> {
    [Curve::P256, Curve::P384, Curve::P521]
        .into_iter()
        .find(|c| c.to_string() == name)
}
