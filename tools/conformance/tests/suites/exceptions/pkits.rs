//! NIST PKITS.

use super::Exception;

const DSA: &str = "DSA is no algorithm of TLS 1.3, nor of browsers and public CAs.";

const BEFORE_1970: &str =
    "rustls-webpki knows no time before 1970; the certificate is valid from 1950.";

const NAMES: &str = "Names are compared as they are encoded, as rustls and Go compare them: a CA copies its \
    own subject.";

const UNIQUE_IDS: &str = "Unique identifiers, which CAs must not use (RFC 5280 section 4.1.2.8), are refused by \
    rustls-webpki.";

const ALL_LISTS: &str = "Every list of a policy must be one of a CA in its stores: the one that is not is named \
    when the policy is read.";

const CRL_SIGNER: &str = "The list is signed with another key than the certificate, by a certificate that may not \
    sign certificates: it is refused in a store of CAs.";

const OTHER_KEY: &str = "The list is signed with another key of the CA than the certificate. Section 5.1.1.3 \
    allows that, but whose key it is would need a path of its own, with its own revocation: \
    there is no verdict from it.";

const CA_AS_LEAF: &str = "A CA certificate is never taken as a peer's own: whoever holds the key of a CA signs a \
    leaf.";

const SELF_ISSUED: &str = "rustls-webpki counts self-issued certificates as any other, in path lengths and in name \
    constraints. Stricter than RFC 5280 section 6.1.4; two generations of a CA's key are two \
    anchors in a policy.";

const POLICIES_DEMANDED: &str = "A policy has no way to demand certificate policies, which TLS does not use: the case is \
    good without that demand.";

const POLICIES_CRITICAL: &str = "Certificate policies are not processed: constraints on them, and mappings, are refused \
    where they are critical.";

const NAME_CONSTRAINTS: &str = "rustls-webpki cannot evaluate name constraints on directory names, mail names and URIs, \
    and refuses what is under one.";

const INDIRECT: &str = "Indirect lists are refused by name when the policy is read.";

const DELTA: &str = "Delta lists are refused by name when the policy is read. Section 6.3.1 (b) leaves their \
    use to whoever verifies.";

pub const PKITS: &[Exception] = &[
    Exception {
        reason: DSA,
        code: "policy_refused",
        cases: &[
            "Section1ValidDSASignaturesTest4",
            "Section1ValidDSAParameterInheritanceTest5",
        ],
    },
    Exception {
        reason: BEFORE_1970,
        code: "certificate_malformed",
        cases: &["Section2Validpre2000UTCnotBeforeDateTest3"],
    },
    Exception {
        reason: NAMES,
        code: "certificate_unknown_issuer",
        cases: &[
            "Section3ValidNameChainingWhitespaceTest3",
            "Section3ValidNameChainingWhitespaceTest4",
            "Section3ValidNameChainingCapitalizationTest5",
            "Section3ValidUTF8StringCaseInsensitiveMatchTest11",
        ],
    },
    Exception {
        reason: UNIQUE_IDS,
        code: "policy_refused",
        cases: &["Section3ValidNameChainingUIDsTest6"],
    },
    Exception {
        reason: ALL_LISTS,
        code: "policy_refused",
        cases: &["Section4ValidTwoCRLsTest7"],
    },
    Exception {
        reason: CRL_SIGNER,
        code: "policy_refused",
        cases: &[
            "Section4ValidSeparateCertificateandCRLKeysTest19",
            "Section5ValidBasicSelfIssuedCRLSigningKeyTest6",
            "Section14ValidcRLIssuerTest28",
            "Section14ValidcRLIssuerTest29",
            "Section14ValidcRLIssuerTest30",
        ],
    },
    Exception {
        reason: OTHER_KEY,
        code: "revocation_no_source",
        cases: &[
            "Section5ValidBasicSelfIssuedOldWithNewTest1",
            "Section5ValidBasicSelfIssuedNewWithOldTest4",
        ],
    },
    Exception {
        reason: CA_AS_LEAF,
        code: "certificate_is_ca",
        cases: &[
            "Section6ValidpathLenConstraintTest8",
            "Section6ValidpathLenConstraintTest14",
            "Section8OverlappingPoliciesTest6Subpart1",
            "Section8OverlappingPoliciesTest6Subpart2",
            "Section14ValidonlyContainsCACertsCRLTest13",
        ],
    },
    Exception {
        reason: SELF_ISSUED,
        code: "certificate_signature_invalid",
        cases: &[
            "Section6ValidSelfIssuedpathLenConstraintTest15",
            "Section6ValidSelfIssuedpathLenConstraintTest17",
            "Section13ValidSelfIssuedDNnameConstraintsTest19",
        ],
    },
    Exception {
        reason: POLICIES_DEMANDED,
        code: "accepted",
        cases: &[
            "Section8AllCertificatesSamePolicyTest1Subpart3",
            "Section8AllCertificatesNoPoliciesTest2Subpart2",
            "Section8DifferentPoliciesTest3Subpart2",
            "Section8DifferentPoliciesTest3Subpart3",
            "Section8DifferentPoliciesTest4",
            "Section8DifferentPoliciesTest5",
            "Section8DifferentPoliciesTest9",
            "Section8DifferentPoliciesTest12",
            "Section8AnyPolicyTest14Subpart2",
        ],
    },
    Exception {
        reason: POLICIES_CRITICAL,
        code: "policy_refused",
        cases: &[
            "Section9ValidRequireExplicitPolicyTest1",
            "Section9ValidRequireExplicitPolicyTest2",
            "Section9ValidRequireExplicitPolicyTest4",
            "Section9ValidSelfIssuedrequireExplicitPolicyTest6",
            "Section10ValidPolicyMappingTest1Subpart1",
            "Section10ValidPolicyMappingTest3Subpart2",
            "Section10ValidPolicyMappingTest5Subpart1",
            "Section10ValidPolicyMappingTest6Subpart1",
            "Section10ValidPolicyMappingTest9",
            "Section10ValidPolicyMappingTest11",
            "Section10ValidPolicyMappingTest12Subpart1",
            "Section10ValidPolicyMappingTest12Subpart2",
            "Section10ValidPolicyMappingTest13Subpart1",
            "Section10ValidPolicyMappingTest13Subpart2",
            "Section10ValidPolicyMappingTest14",
            "Section11ValidinhibitPolicyMappingTest2",
            "Section11ValidinhibitPolicyMappingTest4",
            "Section11ValidSelfIssuedinhibitPolicyMappingTest7",
            "Section12ValidinhibitAnyPolicyTest2",
            "Section12inhibitAnyPolicyTest3Subpart1",
            "Section12ValidSelfIssuedinhibitAnyPolicyTest7",
            "Section12ValidSelfIssuedinhibitAnyPolicyTest9",
        ],
    },
    Exception {
        reason: NAME_CONSTRAINTS,
        code: "certificate_constraint",
        cases: &[
            "Section13ValidDNnameConstraintsTest1",
            "Section13ValidDNnameConstraintsTest4",
            "Section13ValidDNnameConstraintsTest5",
            "Section13ValidDNnameConstraintsTest6",
            "Section13ValidDNnameConstraintsTest11",
            "Section13ValidDNnameConstraintsTest14",
            "Section13ValidDNnameConstraintsTest18",
            "Section13ValidRFC822nameConstraintsTest21",
            "Section13ValidRFC822nameConstraintsTest23",
            "Section13ValidRFC822nameConstraintsTest25",
            "Section13ValidDNandRFC822nameConstraintsTest27",
            "Section13ValidURInameConstraintsTest34",
            "Section13ValidURInameConstraintsTest36",
        ],
    },
    Exception {
        reason: INDIRECT,
        code: "policy_refused",
        cases: &[
            "Section14ValidIDPwithindirectCRLTest22",
            "Section14ValidIDPwithindirectCRLTest24",
            "Section14ValidIDPwithindirectCRLTest25",
            "Section14ValidcRLIssuerTest33",
        ],
    },
    Exception {
        reason: DELTA,
        code: "policy_refused",
        cases: &[
            "Section15ValiddeltaCRLTest2",
            "Section15ValiddeltaCRLTest5",
            "Section15ValiddeltaCRLTest7",
            "Section15ValiddeltaCRLTest8",
        ],
    },
];
