//! x509-limbo.

use super::Exception;

const DEPTH: &str = "A policy has no length of paths of its own: pathLenConstraint is heeded, the operator \
    lists the intermediates, and no path is longer than six.";

const CA_AS_LEAF: &str = "A CA certificate is never taken as a peer's own: whoever holds the key of a CA signs a \
    leaf.";

const SELF_ISSUED: &str = "rustls-webpki counts self-issued certificates as any other, in path lengths and in name \
    constraints. Stricter than RFC 5280 section 6.1.4; two generations of a CA's key are two \
    anchors in a policy.";

const ALL_OF_A_STORE: &str = "Every certificate of a store must be of use: one that has expired, or says something \
    critical that is not understood, is named when the policy is read, whether a path would \
    need it or not.";

const EMAIL_AND_DN: &str = "rustls-webpki cannot evaluate name constraints on directory and mail names, and refuses \
    what is under one.";

const KEY_IDENTIFIERS: &str = "Authority and subject key identifiers only help to find a path; what counts is the \
    signature. Private CAs leave them out (`openssl req -x509` does) or write them \
    otherwise.";

const PC: &str = "Certificate policies are not processed: where their constraints are critical, as they \
    must be, they are refused; where not, they are left aside.";

const NC_NOT_CRITICAL: &str = "Name constraints bind whether they are critical or not, so that nothing is gained by a \
    refusal.";

const NC_PERIOD: &str = "rustls-webpki takes a leading period as OpenSSL and Go do: all below the name, but not \
    the name.";

const UNDERSCORE: &str = "Underscores are in the names of Kubernetes and of SRV records, and all resolvers take \
    them.";

const BC_NOT_CRITICAL: &str = "Basic constraints count whether critical or not: easy-rsa and old configurations of \
    OpenSSL leave that out.";

const CN: &str = "The common name is never looked at (RFC 9525 section 2), so that it cannot differ from a \
    name that counts. That it must be among those is a rule for issuers (CA/B Forum Baseline \
    Requirements section 7.1.4.3).";

const CABF_EKU: &str = "Rules for public CAs (CA/B Forum Baseline Requirements section 7.1.2): an additional \
    anyExtendedKeyUsage, a critical extended key usage, and one in a root, which is heeded \
    here.";

const PUBLIC_SUFFIX: &str = "The public suffix list changes weekly and has no place in a policy engine; a wildcard \
    right under a top-level domain is refused. Where it matters, the CA enforces it (CA/B \
    Forum Baseline Requirements section 3.2.2.6), and a policy that lists names accepts no \
    other.";

const SAN_CRITICAL: &str = "RFC 5280 section 4.2.1.6 says SHOULD.";

const AIA: &str = "Authority information access is read only to find a responder of the policy, and says \
    nothing of trust; malformed, it names none.";

pub const LIMBO: &[Exception] = &[
    Exception {
        reason: DEPTH,
        code: "accepted",
        cases: &[
            "pathlen::max-chain-depth-0-exhausted",
            "pathlen::max-chain-depth-1-exhausted",
        ],
    },
    Exception {
        reason: CA_AS_LEAF,
        code: "certificate_is_ca",
        cases: &[
            "pathlen::validation-ignores-pathlen-in-leaf",
            "rfc5280::ca-as-leaf",
        ],
    },
    Exception {
        reason: SELF_ISSUED,
        code: "certificate_signature_invalid",
        cases: &[
            "pathlen::self-issued-certs-pathlen",
            "rfc5280::nc::permitted-self-issued",
        ],
    },
    Exception {
        reason: ALL_OF_A_STORE,
        code: "policy_refused",
        cases: &[
            "pathological::multiple-chains-expired-intermediate",
            "rfc5280::unknown-critical-extension-unrelated-root",
            "rfc5280::unknown-critical-extension-unrelated-intermediate",
        ],
    },
    Exception {
        reason: EMAIL_AND_DN,
        code: "certificate_constraint",
        cases: &[
            "rfc5280::nc::permitted-dn-match",
            "rfc5280::nc::nc-permits-email-exact",
            "rfc5280::nc::nc-permits-email-domain",
            "rfc5280::nc::nc-permits-email-literal-asterisk-exact-match",
            "rfc5280::nc::nc-permits-email-literal-double-asterisk",
            "rfc5280::nc::nc-permits-email-literal-mid-asterisk",
        ],
    },
    Exception {
        reason: KEY_IDENTIFIERS,
        code: "accepted",
        cases: &[
            "rfc5280::aki::leaf-missing-aki",
            "rfc5280::aki::intermediate-missing-aki",
            "rfc5280::aki::cross-signed-root-missing-aki",
            "rfc5280::ski::root-missing-ski",
            "rfc5280::ski::intermediate-missing-ski",
            "webpki::aki::root-with-aki-missing-keyidentifier",
            "webpki::aki::root-with-aki-authoritycertissuer",
            "webpki::aki::root-with-aki-authoritycertserialnumber",
            "webpki::aki::root-with-aki-all-fields",
            "webpki::aki::root-with-aki-ski-mismatch",
        ],
    },
    Exception {
        reason: PC,
        code: "accepted",
        cases: &["rfc5280::pc::ica-noncritical-pc"],
    },
    Exception {
        reason: NC_NOT_CRITICAL,
        code: "accepted",
        cases: &["rfc5280::nc::permitted-dns-match-noncritical"],
    },
    Exception {
        reason: NC_PERIOD,
        code: "accepted",
        cases: &["rfc5280::nc::invalid-dnsname-leading-period"],
    },
    Exception {
        reason: UNDERSCORE,
        code: "accepted",
        cases: &["rfc5280::san::underscore-dns"],
    },
    Exception {
        reason: BC_NOT_CRITICAL,
        code: "accepted",
        cases: &["rfc5280::root-non-critical-basic-constraints"],
    },
    Exception {
        reason: CN,
        code: "accepted",
        cases: &[
            "webpki::cn::ipv4-hex-mismatch",
            "webpki::cn::ipv4-leading-zeros-mismatch",
            "webpki::cn::ipv6-uppercase-mismatch",
            "webpki::cn::ipv6-uncompressed-mismatch",
            "webpki::cn::ipv6-non-rfc5952-mismatch",
            "webpki::cn::punycode-not-in-san",
            "webpki::cn::utf8-vs-punycode-mismatch",
            "webpki::cn::not-in-san",
            "webpki::cn::case-mismatch",
        ],
    },
    Exception {
        reason: CABF_EKU,
        code: "accepted",
        cases: &[
            "webpki::eku::ee-anyeku",
            "webpki::eku::ee-critical-eku",
            "webpki::eku::root-has-eku",
        ],
    },
    Exception {
        reason: PUBLIC_SUFFIX,
        code: "accepted",
        cases: &[
            "webpki::san::public-suffix-multi-label-wildcard-san",
            "webpki::san::public-suffix-private-namespace-wildcard-san",
        ],
    },
    Exception {
        reason: SAN_CRITICAL,
        code: "accepted",
        cases: &["webpki::san::san-critical-with-nonempty-subject"],
    },
    Exception {
        reason: AIA,
        code: "accepted",
        cases: &["webpki::malformed-aia"],
    },
];
