//! Reading answers: of real Envoys, and of whatever else may answer.

use super::super::counters::Tally;
use super::*;
use crate::posture::{AnswerError, Counters, MAX_ANSWER, MAX_CERTIFICATES, Use};

#[test]
fn the_certificates_of_real_envoys_are_read() {
    for (version, certs, _) in ENVOYS {
        let listing = Listing::read(certs.as_bytes()).unwrap();
        let found: Vec<_> = listing
            .iter()
            .map(|c| (c.key.r#use, &*c.key.path, c.staple.is_some()))
            .collect();
        let mut expected = vec![
            // Of three contexts, the listener's alone has a staple.
            (Use::Presented, "<inline>", false),
            (Use::Presented, "tls/api.pem", true),
            (Use::Presented, "tls/cli.pem", false),
            (Use::Trusted, "tls/bundle.pem", false),
        ];
        if version == "1.40.0" {
            // It shows the second CA of the bundle, too.
            expected.push((Use::Trusted, "tls/bundle.pem", false));
        }
        let mut sorted = expected.clone();
        sorted.sort_unstable();
        assert_eq!(found, sorted, "{version}");

        let api = listing
            .iter()
            .find(|c| &*c.key.path == "tls/api.pem")
            .unwrap();
        assert_eq!(&*api.key.serial, "0ff3a35ca7d89473eef9fd14be65c1d445fb0bd8");
        assert_eq!(api.key.not_before, time("2026-11-24T13:41:39Z"));
        assert_eq!(api.key.not_after, time("2027-02-22T13:41:39Z"));
        let names: Vec<_> = api.names.iter().map(|n| &**n).collect();
        let expected = [
            "api.test",
            "*.api.test",
            "spiffe://prod.test/api",
            "10.0.0.1",
        ];
        assert_eq!(names, expected);
        let staple = api.staple.unwrap();
        assert_eq!(staple.this_update, time("2026-11-24T13:41:40Z"));
        assert_eq!(staple.next_update, time("2026-12-01T13:41:40Z"));

        let now = time("2026-11-24T14:00:00Z");
        assert_eq!(listing.count(Use::Presented), 3);
        assert_eq!(listing.first_expiry_days(Use::Presented, now), Some(9));
        let ca = if version == "1.40.0" { 4 } else { 399 };
        assert_eq!(listing.first_expiry_days(Use::Trusted, now), Some(ca));
    }
}

#[test]
fn the_counters_of_real_envoys_are_read() {
    for (version, _, stats) in ENVOYS {
        let counters = Counters::read(stats.as_bytes()).unwrap();
        let before = Counters::default();
        let rises: Vec<_> = counters.since(&before).collect();
        let rise = Tally {
            omitted: 1,
            failed: 0,
        };
        assert_eq!(rises, [("127.0.0.1_0", rise)], "{version}");
    }
}

#[test]
fn a_counter_that_fell_was_reset() {
    let read = |omitted: u64, failed: u64| {
        let json = serde_json::json!({ "stats": [
            { "name": "listener.[__1]_443.ssl.ocsp_staple_omitted", "value": omitted },
            { "name": "listener.[__1]_443.ssl.ocsp_staple_failed", "value": failed },
            { "name": "cluster.a.ssl.ocsp_staple_failed", "value": 9 },
            { "name": "listener.a.ssl.handshake", "value": 9 },
            { "histograms": {} },
        ]});
        Counters::read(json.to_string().as_bytes()).unwrap()
    };
    let (now, before) = (read(2, 7), read(5, 4));
    let rises: Vec<_> = now.since(&before).collect();
    let rise = Tally {
        omitted: 2,
        failed: 3,
    };
    assert_eq!(rises, [("[__1]_443", rise)]);
}

#[test]
fn what_is_no_answer_of_envoys_is_refused() {
    let certs = |details: &str| format!(r#"{{"certificates":[{{"cert_chain":[{details}]}}]}}"#);
    let times = r#""valid_from":"2026-01-01T00:00:00Z","expiration_time":"2027-01-01T00:00:00Z""#;
    let good = certs(&format!(r#"{{"serial_number":"1",{times}}}"#));
    assert!(Listing::read(good.as_bytes()).is_ok());
    for wrong in [
        "",
        "{}",
        "[]",
        "null",
        "<html>",
        "{\"certificates\":{}}",
        "{\"certificates\":[1]}",
        &format!("{good}x"),
        good.strip_suffix("}").unwrap(),
        &certs("{}"),
        &certs(r#"{"serial_number":"1","valid_from":"x","expiration_time":"y"}"#),
        &certs(&format!(r#"{{"serial_number":1,{times}}}"#)),
        &certs(&format!(
            r#"{{"serial_number":"1",{times},"ocsp_details":{{}}}}"#
        )),
        &"[".repeat(100_000),
        &format!("{{\"certificates\":{}", "[".repeat(100_000)),
    ] {
        assert!(Listing::read(wrong.as_bytes()).is_err(), "{wrong:.80}");
        assert!(Counters::read(wrong.as_bytes()).is_err(), "{wrong:.80}");
    }
    let mut bytes = good.replace("\"1\"", "\"?\"").into_bytes();
    let at = bytes.iter().position(|b| *b == b'?').unwrap();
    bytes[at] = 0xff;
    assert!(Listing::read(&bytes).is_err());
    assert!(Counters::read(b"{\"stats\":[]}").is_ok());
    assert!(
        Counters::read(
            b"{\"stats\":[{\"name\":\"listener.a.ssl.ocsp_staple_failed\",\"value\":\"1\"}]}"
        )
        .is_err()
    );
}

#[test]
fn each_prefix_of_a_real_answer_is_refused_without_a_panic() {
    for (_, certs, stats) in ENVOYS {
        for end in 0..certs.trim_end().len() {
            assert!(Listing::read(&certs.as_bytes()[..end]).is_err());
        }
        for end in 0..stats.len() {
            assert!(Counters::read(&stats.as_bytes()[..end]).is_err());
        }
    }
}

#[test]
fn a_real_answer_with_any_byte_changed_is_read_or_refused() {
    let (_, certs, _) = ENVOYS[3];
    let mut bytes = certs.as_bytes().to_vec();
    for at in 0..bytes.len() {
        for value in [0, b'"', b'9', b'{', b'\\', 0xff] {
            let kept = std::mem::replace(&mut bytes[at], value);
            if let Ok(listing) = Listing::read(&bytes) {
                for listed in listing.iter() {
                    judge(Staples::Required).conditions(listed, i64::MAX);
                    judge(Staples::Required).conditions(listed, i64::MIN);
                }
            }
            bytes[at] = kept;
        }
    }
}

#[test]
fn an_answer_over_a_bound_is_refused() {
    let large = vec![b' '; MAX_ANSWER + 1];
    assert_eq!(Listing::read(&large), Err(AnswerError::TooLarge));
    assert_eq!(Counters::read(&large), Err(AnswerError::TooLarge));

    let many = |count: usize| {
        let one = |n: usize| {
            format!(
                r#"{{"cert_chain":[{{"serial_number":"{n}","valid_from":"2026-01-01T00:00:00Z","expiration_time":"2027-01-01T00:00:00Z"}}]}}"#
            )
        };
        let all: Vec<_> = (0..count).map(one).collect();
        // What repeats does not count.
        format!(r#"{{"certificates":[{0},{0}]}}"#, all.join(","))
    };
    let listing = Listing::read(many(MAX_CERTIFICATES).as_bytes()).unwrap();
    assert_eq!(listing.count(Use::Presented), MAX_CERTIFICATES as u64);
    let error = Listing::read(many(MAX_CERTIFICATES + 1).as_bytes()).unwrap_err();
    assert!(error.to_string().contains("4096"), "{error}");

    let stats = |count: usize| {
        let one =
            |n: usize| format!(r#"{{"name":"listener.{n}.ssl.ocsp_staple_failed","value":1}}"#);
        let all: Vec<_> = (0..count).map(one).collect();
        format!(r#"{{"stats":[{}]}}"#, all.join(","))
    };
    assert!(Counters::read(stats(MAX_CERTIFICATES).as_bytes()).is_ok());
    assert!(Counters::read(stats(MAX_CERTIFICATES + 1).as_bytes()).is_err());
}

#[test]
fn long_texts_are_cut_on_a_character() {
    let path = format!("\"{}\"", "ü".repeat(5_000));
    let certs = format!(
        r#"{{"certificates":[{{"ca_cert":[{{"path":{path},"serial_number":"1","valid_from":"2026-01-01T00:00:00Z","expiration_time":"2027-01-01T00:00:00Z"}}]}}]}}"#
    );
    let listing = Listing::read(certs.as_bytes()).unwrap();
    assert_eq!(listing.iter().next().unwrap().key.path.len(), 1_024);
}

#[test]
fn times_are_those_of_protobuf() {
    for (text, seconds) in [
        ("1970-01-01T00:00:00Z", Some(0)),
        ("2026-06-01T00:00:00Z", Some(1_780_272_000)),
        ("2026-06-01T00:00:00.999999999Z", Some(1_780_272_000)),
        ("2026-06-01T23:59:59Z", Some(1_780_358_399)),
        ("9999-12-31T23:59:59Z", Some(253_402_300_799)),
        ("1969-12-31T23:59:59Z", Some(-1)),
        ("2026-02-29T00:00:00Z", None),
        ("2026-06-01T24:00:00Z", None),
        ("2026-06-01T00:60:00Z", None),
        ("2026-06-01T00:00:00", None),
        ("2026-06-01T00:00:00.Z", None),
        ("2026-06-01T00:00:00.-1Z", None),
        ("2026-06-01T00:00:00+01:00", None),
        ("2026-06-01 00:00:00Z", None),
        ("2026-06-01T0:00:00Z", None),
        ("", None),
        ("T", None),
    ] {
        assert_eq!(timestamp::seconds(text), seconds, "{text}");
    }
}
