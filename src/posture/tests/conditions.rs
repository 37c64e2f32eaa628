//! What is wrong with a certificate, second by second.

use super::*;
use crate::decision::Cause;

/// The causes of all conditions of these certificates, `seconds` from now.
fn causes(judge: &Judge, certificates: &[Made], seconds: i64) -> Vec<Cause> {
    let listing = listing(certificates);
    listing
        .iter()
        .flat_map(|c| judge.conditions(c, NOW + seconds))
        .map(|c| c.cause)
        .collect()
}

#[test]
fn a_certificate_is_good_near_its_end_and_over_in_turn() {
    let judge = judge(Staples::Optional);
    for is_ca in [false, true] {
        let made = Made {
            staple: None,
            is_ca,
            ..Made::good("a")
        };
        let made = [made];
        for (seconds, expected) in [
            (0, None),
            (31 * DAY, None),
            (31 * DAY + 1, Some(Cause::CertificateNearExpiry)),
            // The last second is the certificate's own.
            (45 * DAY, Some(Cause::CertificateNearExpiry)),
            (45 * DAY + 1, Some(Cause::CertificateExpired)),
            (-45 * DAY - 300, None),
            (-45 * DAY - 301, Some(Cause::CertificateNotYetValid)),
        ] {
            let expected: Vec<_> = expected.into_iter().collect();
            assert_eq!(causes(&judge, &made, seconds), expected, "{seconds}");
        }
    }
}

#[test]
fn what_lives_shortly_is_near_its_end_in_the_last_quarter() {
    let judge = judge(Staples::Required);
    let made = [Made {
        valid: (-12 * HOUR, 12 * HOUR),
        staple: Some((-6 * HOUR, 6 * HOUR)),
        ..Made::good("a")
    }];
    assert_eq!(causes(&judge, &made, 3 * HOUR), []);
    assert_eq!(
        causes(&judge, &made, 3 * HOUR + 1),
        [Cause::StapleNearExpiry]
    );
    assert_eq!(causes(&judge, &made, 6 * HOUR), [Cause::StapleExpired]);
    assert_eq!(
        causes(&judge, &made, 6 * HOUR + 1),
        [Cause::CertificateNearExpiry, Cause::StapleExpired]
    );
}

#[test]
fn a_staple_is_good_near_its_end_and_over_in_turn() {
    // It may be absent: but one that is there is judged.
    for staples in [Staples::Required, Staples::Optional] {
        let judge = judge(staples);
        let made = [Made::good("a")];
        for (seconds, expected) in [
            (0, None),
            (3 * DAY, None),
            (3 * DAY + 1, Some(Cause::StapleNearExpiry)),
            (4 * DAY - 1, Some(Cause::StapleNearExpiry)),
            (4 * DAY, Some(Cause::StapleExpired)),
            (-3 * DAY - 300, None),
            (-3 * DAY - 301, Some(Cause::StapleNotYetValid)),
        ] {
            let expected: Vec<_> = expected.into_iter().collect();
            assert_eq!(causes(&judge, &made, seconds), expected, "{seconds}");
        }
    }
}

#[test]
fn a_staple_in_one_context_is_enough_and_the_best_counts() {
    let none = Made {
        staple: None,
        ..Made::good("a")
    };
    let old = Made {
        staple: Some((-9 * DAY, -DAY)),
        ..Made::good("a")
    };
    let other = Made {
        staple: None,
        ..Made::good("b")
    };
    let judge = judge(Staples::Required);
    let made = [none, old, Made::good("a"), other];
    assert_eq!(causes(&judge, &made, 0), [Cause::StapleMissing]);
    assert_eq!(causes(&judge, &made[..2], 0), [Cause::StapleExpired]);
    assert_eq!(causes(&judge, &made[..3], 0), []);
}

#[test]
fn no_staple_is_demanded_of_a_ca() {
    let made = [Made::ca("ca", (-DAY, 900 * DAY))];
    assert_eq!(causes(&judge(Staples::Required), &made, 0), []);
}

#[test]
fn exceptions_turn_the_demand_around() {
    let without = |path, names| Made {
        names,
        staple: None,
        ..Made::good(path)
    };
    let made = || {
        [
            without("/etc/tls/a.pem", &["a.test", "A.Internal.test"]),
            without("/etc/client/b.pem", &["b.internal.test"]),
            without("<inline>", &["spiffe://prod/c"]),
        ]
    };
    let missing = |staples, exceptions: &[StapleException]| {
        let mut judge = judge(staples);
        judge.demands.staple_exceptions = exceptions.to_vec();
        let listing = listing(&made());
        let found = listing
            .iter()
            .filter(|c| !judge.conditions(c, NOW).is_empty());
        found.map(|c| c.key.path.to_string()).collect::<Vec<_>>()
    };
    let by_name = exception(&["*.internal.test"], &[]);
    let by_path = exception(&[], &["/etc/client/*"]);
    let by_both = exception(&["*.internal.test"], &["/etc/client/*"]);
    let by_uri = exception(&["spiffe://*"], &[]);
    let (a, b, c) = ("/etc/tls/a.pem", "/etc/client/b.pem", "<inline>");
    for (exceptions, excepted) in [
        (vec![], vec![]),
        (vec![by_name], vec![a, b]),
        (vec![by_path.clone()], vec![b]),
        (vec![by_both], vec![b]),
        (vec![by_path, by_uri], vec![b, c]),
    ] {
        let mut rest = vec![b, a, c];
        rest.retain(|path| !excepted.contains(path));
        assert_eq!(missing(Staples::Required, &exceptions), rest);
        let mut those = vec![b, a, c];
        those.retain(|path| excepted.contains(path));
        assert_eq!(missing(Staples::Optional, &exceptions), those);
    }
}
