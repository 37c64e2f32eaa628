//! What a test needs of Envoy that not every version has. Where it is not there, the
//! test is skipped and says so; `make test-matrix` counts them.

use std::io::Write as _;

use hopguard_testbed::envoy::default_version;

/// Something that came with a version of Envoy, or that hopguard supports from one on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Certificates of peers: without them, only pins of digests let anybody through.
    PeerCertificate,
    /// The server name that Envoy sent.
    UpstreamServerName,
    /// Metrics under the plugin's own names, whatever place they come from.
    OwnMetricNames,
    /// Why Envoy refused a certificate.
    RefusalReason,
    /// Why a call of the plugin's own failed.
    CallFailureReason,
    /// A filter that tells that the client's handshake is complete, before its bytes.
    HandshakeSeen,
    /// What the shipped configurations are made for.
    ShippedConfiguration,
    /// All CAs of a bundle in Envoy's list of certificates.
    WholeBundles,
}

/// All of them.
const FEATURES: [Feature; 8] = [
    Feature::PeerCertificate,
    Feature::UpstreamServerName,
    Feature::OwnMetricNames,
    Feature::RefusalReason,
    Feature::CallFailureReason,
    Feature::HandshakeSeen,
    Feature::ShippedConfiguration,
    Feature::WholeBundles,
];

impl Feature {
    /// Major and minor version of the first Envoy that has it.
    const fn since(self) -> [u32; 2] {
        match self {
            Self::RefusalReason | Self::HandshakeSeen => [1, 37],
            Self::PeerCertificate => [1, 38],
            Self::UpstreamServerName
            | Self::OwnMetricNames
            | Self::CallFailureReason
            | Self::ShippedConfiguration => [1, 39],
            Self::WholeBundles => [1, 40],
        }
    }

    /// In Envoy's words, or docs/versions.md's.
    const fn name(self) -> &'static str {
        match self {
            Self::PeerCertificate => "peer_certificate",
            Self::UpstreamServerName => "upstream.server_name",
            Self::OwnMetricNames => "by their own names",
            Self::RefusalReason => "why Envoy itself refused a certificate",
            Self::CallFailureReason => "why a call of the plugin's own failed",
            Self::HandshakeSeen => "tells that the client's handshake is complete",
            Self::ShippedConfiguration => "1.39 or later",
            Self::WholeBundles => "all CAs of a bundle",
        }
    }
}

/// Major and minor version.
fn parse(version: &str) -> [u32; 2] {
    let mut parts = version.split('.').map(|part| part.parse().unwrap());
    [parts.next().unwrap(), parts.next().unwrap()]
}

/// Whether this Envoy lacks one of these: then that is said, past the capture of what
/// tests print.
pub fn lacks(features: &[Feature]) -> bool {
    let version = default_version().unwrap();
    let Some(missing) = features
        .iter()
        .find(|feature| parse(&version) < feature.since())
    else {
        return false;
    };
    let thread = std::thread::current();
    let [major, minor] = missing.since();
    let line = format!(
        "SKIPPED {}: Envoy {version} lacks {:?} ({}): since {major}.{minor}\n",
        thread.name().unwrap_or_default(),
        missing,
        missing.name()
    );
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    true
}

/// `needs!(PeerCertificate)`: skips the test where Envoy lacks one of these
/// [`Feature`]s.
macro_rules! needs {
    ($($feature:ident),+) => {
        if $crate::support::needs::lacks(&[$($crate::support::needs::Feature::$feature),+]) {
            return;
        }
    };
}
pub(crate) use needs;

/// docs/versions.md tells of each.
#[test]
fn every_feature_is_documented() {
    let table = include_str!("../../../docs/versions.md");
    for feature in FEATURES {
        assert!(table.contains(feature.name()), "{feature:?}");
    }
}

#[test]
fn versions_are_compared_as_numbers() {
    assert!(parse("1.9.0") < parse("1.36.4"));
    assert!(parse("1.38.0") >= Feature::PeerCertificate.since());
    assert!(parse("1.37.9") < Feature::PeerCertificate.since());
}
