//! The form of a list: what is read, and what is refused by which name.

use super::made::{
    Fields, entry, entry_of, extension, generalized, issuing_point, load, number, point_name,
    reason, sequence, utc,
};
use crate::revocation::crl::{CrlError, CrlNumber, pem};
use crate::trust::der::{tag, wrap};
use crate::trust::tests::pki::{Authority, plain_authority};

fn refused(fields: &Fields, authority: &Authority) -> CrlError {
    fields
        .load(authority)
        .expect_err("the list must be refused")
}

/// The code of the error, or "used".
fn outcome(fields: Fields, authority: &Authority) -> &'static str {
    match fields.load(authority) {
        Ok(_) => "used",
        Err(error) => error.code(),
    }
}

#[test]
fn a_plain_list_is_used_and_says_what_it_is() {
    let ca = plain_authority("ca");
    let crl = Fields::of(&ca).revoking(&[&[5], &[7]]).load(&ca).unwrap();
    assert_eq!(crl.issuer(), "CN=ca");
    assert_eq!(crl.number(), CrlNumber::from(1));
    assert_eq!(crl.entries(), 2);
    assert_eq!(crl.next_update() - crl.this_update(), 7 * 86_400);
}

#[test]
fn each_field_has_its_nearest_reject() {
    let ca = plain_authority("ca");
    let base = Fields::of(&ca);
    let with = |change: &dyn Fn(&mut Fields)| base.clone().with(change);
    let critical = |oid: &[u8]| base.clone().extended(extension(oid, true, &[5, 0]));
    let optional = |oid: &[u8]| base.clone().extended(extension(oid, false, &[5, 0]));
    let entries = |entries: Vec<Vec<u8>>| base.clone().with(|f| f.entries = Some(entries));
    let unknown: &[u8] = &[0x2a, 3, 4];
    let table = [
        ("as it is", base.clone(), "used"),
        (
            "version 1",
            with(&|f| f.version = None),
            "crl_profile_violated",
        ),
        (
            "version 3",
            with(&|f| f.version = Some(vec![2])),
            "crl_profile_violated",
        ),
        (
            "no nextUpdate",
            with(&|f| f.next_update = None),
            "crl_profile_violated",
        ),
        (
            "nextUpdate first",
            with(&|f| f.next_update = Some(utc("260530000000Z"))),
            "crl_profile_violated",
        ),
        (
            "an instant long",
            with(&|f| f.next_update = Some(f.this_update.clone())),
            "crl_expired",
        ),
        (
            "nextUpdate in 2060",
            with(&|f| f.next_update = Some(generalized("20600101000000Z"))),
            "used",
        ),
        (
            "a time without seconds",
            with(&|f| f.next_update = Some(utc("2606070000Z"))),
            "crl_malformed",
        ),
        (
            "a time with an offset",
            with(&|f| f.next_update = Some(utc("260607000000+0000"))),
            "crl_malformed",
        ),
        (
            "30 February",
            with(&|f| f.next_update = Some(utc("270230000000Z"))),
            "crl_malformed",
        ),
        (
            "a fraction of a second",
            with(&|f| f.next_update = Some(generalized("20260607000000.5Z"))),
            "crl_malformed",
        ),
        (
            "no extensions",
            with(&|f| f.extensions = None),
            "crl_profile_violated",
        ),
        (
            "empty extensions",
            with(&|f| f.extensions = Some(vec![])),
            "crl_malformed",
        ),
        (
            "no number",
            with(&|f| f.extensions = Some(vec![extension(&[0x55, 0x1d, 18], false, &[])])),
            "crl_profile_violated",
        ),
        (
            "number 0",
            with(&|f| f.extensions = Some(vec![number(&[0])])),
            "used",
        ),
        (
            "number -1",
            with(&|f| f.extensions = Some(vec![number(&[0xff])])),
            "crl_malformed",
        ),
        (
            "a needless octet",
            with(&|f| f.extensions = Some(vec![number(&[0, 1])])),
            "crl_malformed",
        ),
        (
            "a number of 20 octets",
            with(&|f| f.extensions = Some(vec![number(&[0x7f; 20])])),
            "used",
        ),
        (
            "a number of 21 octets",
            with(&|f| f.extensions = Some(vec![number(&[0x7f; 21])])),
            "crl_malformed",
        ),
        (
            "a critical number",
            with(&|f| {
                let value = wrap(tag::INTEGER, &[1]);
                f.extensions = Some(vec![extension(&[0x55, 0x1d, 20], true, &value)]);
            }),
            "crl_profile_violated",
        ),
        (
            "two numbers",
            base.clone().extended(number(&[1])),
            "crl_malformed",
        ),
        ("unknown", optional(unknown), "used"),
        (
            "unknown, critical",
            critical(unknown),
            "crl_critical_extension_unknown",
        ),
        (
            "unknown, twice",
            optional(unknown).extended(extension(unknown, false, &[5, 0])),
            "crl_malformed",
        ),
        (
            "a delta",
            base.clone()
                .extended(extension(&[0x55, 0x1d, 27], true, &[2, 1, 1])),
            "crl_delta",
        ),
        ("freshest CRL", optional(&[0x55, 0x1d, 46]), "used"),
        (
            "an indirect one",
            base.clone()
                .extended(issuing_point(&[&wrap(tag::context(4), &[0xff])])),
            "crl_indirect",
        ),
        (
            "an empty point",
            base.clone().extended(issuing_point(&[])),
            "crl_malformed",
        ),
        (
            "a point",
            base.clone()
                .extended(issuing_point(&[&point_name("http://a/")])),
            "used",
        ),
        (
            "a point without names",
            base.clone().extended(issuing_point(&[&wrap(
                tag::context_constructed(0),
                &wrap(tag::context_constructed(0), &[]),
            )])),
            "crl_malformed",
        ),
        (
            "only users",
            base.clone()
                .extended(issuing_point(&[&wrap(tag::context(1), &[0xff])])),
            "used",
        ),
        (
            "only users and only CAs",
            base.clone().extended(issuing_point(&[
                &wrap(tag::context(1), &[0xff]),
                &wrap(tag::context(2), &[0xff]),
            ])),
            "crl_malformed",
        ),
        (
            "FALSE spelt out",
            base.clone()
                .extended(issuing_point(&[&wrap(tag::context(1), &[0])])),
            "crl_malformed",
        ),
        ("no entries, spelt out", entries(vec![]), "used"),
        ("an entry", entries(vec![entry(&[1])]), "used"),
        (
            "the same twice",
            entries(vec![entry(&[1]), entry(&[1])]),
            "used",
        ),
        ("serial 0", entries(vec![entry(&[0])]), "used"),
        ("a negative serial", entries(vec![entry(&[0x80])]), "used"),
        ("no serial", entries(vec![entry(&[])]), "crl_malformed"),
        (
            "serial 00 01",
            entries(vec![entry(&[0, 1])]),
            "crl_malformed",
        ),
        ("serial 00 80", entries(vec![entry(&[0, 0x80])]), "used"),
        (
            "serial ff 80",
            entries(vec![entry(&[0xff, 0x80])]),
            "crl_malformed",
        ),
        ("serial ff 7f", entries(vec![entry(&[0xff, 0x7f])]), "used"),
        ("a huge serial", entries(vec![entry(&[0x11; 40])]), "used"),
        (
            "no date",
            entries(vec![sequence(&[&[2, 1, 1]])]),
            "crl_malformed",
        ),
        (
            "keyCompromise",
            entries(vec![entry_of(&[1], &reason(1))]),
            "used",
        ),
        (
            "certificateHold",
            entries(vec![entry_of(&[1], &reason(6))]),
            "used",
        ),
        (
            "removeFromCRL",
            entries(vec![entry_of(&[1], &reason(8))]),
            "crl_profile_violated",
        ),
        (
            "a reason of no RFC",
            entries(vec![entry_of(&[1], &reason(11))]),
            "used",
        ),
        (
            "empty extensions of an entry",
            entries(vec![entry_of(&[1], &sequence(&[]))]),
            "crl_malformed",
        ),
        (
            "an invalidity date",
            entries(vec![entry_of(
                &[1],
                &sequence(&[&extension(
                    &[0x55, 0x1d, 24],
                    false,
                    &generalized("20260401000000Z"),
                )]),
            )]),
            "used",
        ),
        (
            "an invalidity date in UTCTime",
            entries(vec![entry_of(
                &[1],
                &sequence(&[&extension(&[0x55, 0x1d, 24], false, &utc("260401000000Z"))]),
            )]),
            "crl_malformed",
        ),
        (
            "an entry's issuer",
            entries(vec![entry_of(
                &[1],
                &sequence(&[&extension(&[0x55, 0x1d, 29], true, &[0x30, 0])]),
            )]),
            "crl_indirect",
        ),
        (
            "unknown in an entry",
            entries(vec![entry_of(
                &[1],
                &sequence(&[&extension(unknown, false, &[5, 0])]),
            )]),
            "used",
        ),
        (
            "unknown in an entry, critical",
            entries(vec![entry_of(
                &[1],
                &sequence(&[&extension(unknown, true, &[5, 0])]),
            )]),
            "crl_critical_extension_unknown",
        ),
        (
            "two reasons",
            entries(vec![entry_of(
                &[1],
                &sequence(&[
                    &extension(&[0x55, 0x1d, 21], false, &[10, 1, 1]),
                    &extension(&[0x55, 0x1d, 21], false, &[10, 1, 4]),
                ]),
            )]),
            "crl_malformed",
        ),
        (
            "one field more",
            with(&|f| f.surplus = vec![5, 0]),
            "crl_malformed",
        ),
        (
            "two algorithms",
            with(&|f| f.outer_algorithm[9] = 3),
            "crl_profile_violated",
        ),
    ];
    for (what, fields, expected) in table {
        assert_eq!(outcome(fields, &ca), expected, "{what}");
    }
}

#[test]
fn the_entry_that_is_bad_may_be_the_last_one() {
    let ca = plain_authority("ca");
    let mut entries: Vec<_> = (1..=100).map(|serial| entry(&[serial])).collect();
    entries.push(vec![0x30, 0x03, 0x02, 0x01, 0x01]);
    let fields = Fields::of(&ca).with(|fields| fields.entries = Some(entries));
    assert_eq!(
        refused(&fields, &ca),
        CrlError::Malformed("a revocation date")
    );
}

#[test]
fn nothing_may_follow_nor_be_missing() {
    let ca = plain_authority("ca");
    let bytes = Fields::of(&ca).revoking(&[&[1]]).signed_by(&ca.key);
    assert!(load(bytes.clone(), &ca).is_ok());
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(
        load(longer, &ca),
        Err(CrlError::Malformed("bytes behind the list"))
    );
    for end in 0..bytes.len() {
        let error = load(bytes[..end].to_vec(), &ca).expect_err("cut short");
        assert_eq!(error.code(), "crl_malformed", "{end} bytes");
    }
}

#[test]
fn pem_is_one_list_of_its_own_kind() {
    let ca = plain_authority("ca");
    let der = Fields::of(&ca).signed_by(&ca.key);
    let text = crate::trust::tests::pki::pem(&der).replace("CERTIFICATE", "X509 CRL");
    assert!(load(text.clone().into_bytes(), &ca).is_ok());
    assert_eq!(pem::lists(text.as_bytes()), Ok(vec![der.clone()]));

    let two = format!("{text}{text}");
    assert_eq!(pem::lists(two.as_bytes()).unwrap().len(), 2);
    assert_eq!(
        load(two.into_bytes(), &ca),
        Err(CrlError::Malformed("more than one list in PEM"))
    );
    let certificate = crate::trust::tests::pki::pem(&der);
    for bad in [certificate.as_str(), "-----BEGIN X509 CRL-----", ""] {
        assert_eq!(
            pem::lists(bad.as_bytes()).unwrap_err().code(),
            "crl_malformed"
        );
    }
    let many = text.repeat(pem::MAX_LISTS + 1);
    assert_eq!(
        pem::lists(many.as_bytes()).unwrap_err().code(),
        "crl_too_large"
    );
    let mut served = text.into_bytes();
    served.resize(pem::MAX_SERVED_PEM, b'\n');
    assert!(load(served.clone(), &ca).is_ok());
    served.push(b'\n');
    assert_eq!(load(served, &ca).unwrap_err().code(), "crl_too_large");
    let long = vec![b' '; pem::MAX_PEM + 1];
    assert_eq!(pem::lists(&long).unwrap_err().code(), "crl_too_large");
}

#[test]
fn errors_print_what_was_compared() {
    let texts = [
        (
            CrlError::Expired {
                next_update: 951_782_399,
                now: 951_782_400,
            },
            "the CRL expired at 2000-02-28T23:59:59Z, it is 2000-02-29T00:00:00Z",
        ),
        (
            CrlError::NumberWentBackwards {
                old: 4_096.into(),
                new: 0.into(),
            },
            "the CRL has number 0x00, after number 0x1000",
        ),
        (
            CrlError::TooLarge {
                what: "entries",
                found: 3,
                max: 2,
            },
            "the CRL has 3 entries, 2 are allowed",
        ),
    ];
    for (error, text) in texts {
        assert_eq!(error.to_string(), text);
    }
}
