//! Certificates near their end, and over; of Envoy's own and of those it trusts.

use std::time::{Duration, SystemTime};

use hopguard_testbed::config::{Bootstrap, DownstreamTls, HttpListener, Route};
use hopguard_testbed::pki::{Authority, Pki};
use hopguard_testbed::upstream::{Reply, Upstream};
use serde_json::{Value, json};

use super::{began, conditions, ended, looks, sorted, start, watching};
use crate::support::{day, exactly_events, metric};

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn certificates_near_their_end_are_told_whoever_has_them() {
    crate::support::needs!(WholeBundles);
    let pki = Pki::new();
    let now = SystemTime::now();
    let long_ago = now - 80 * DAY;
    let leaf = |name: &str, until| pki.server(name).validity(long_ago, until).issue();
    let good = pki.server("good.test").issue();
    let near = leaf("near.test", now + 5 * DAY + DAY / 2);
    let late = leaf("late.test", now - DAY);
    let root = |name: &str, until| Authority::root(name).validity(long_ago, until).issue();
    let old_ca = root("Old CA", now + 9 * DAY + DAY / 2);
    let other_ca = root("Other CA", now + 999 * DAY);
    let listener = |name: &str, tls| {
        HttpListener::new(name)
            .tls(tls)
            .route(Route::direct("/", 200, ""))
    };
    let bundle = format!("{}{}", other_ca.pem(), old_ca.pem());
    let trusting = DownstreamTls::new(&good).patch(move |context| {
        context["common_tls_context"]["validation_context"] =
            json!({ "trusted_ca": { "inline_string": bundle } });
    });
    let bootstrap = Bootstrap::new()
        .http(listener("trusting", trusting))
        .http(listener("near", DownstreamTls::new(&near)))
        .http(listener("late", DownstreamTls::new(&late)));
    let policy = watching(json!({ "staples": "optional" }));
    let envoy = start(bootstrap, &policy, None).await;
    looks(&envoy, "read", 6).await;

    let told = exactly_events(&envoy, 3).await;
    assert_eq!(
        sorted(&told),
        [
            began("certificate_expired", "V9.2.1", "late.test"),
            // The second CA of a bundle, from Envoy 1.40 on.
            began("certificate_near_expiry", "V9.2.1", "<inline>"),
            began("certificate_near_expiry", "V9.2.1", "near.test"),
        ]
    );
    let trusted = told
        .iter()
        .find(|e| e["hopguard.certificate.use"] == "trusted");
    let detail = trusted.unwrap()["hopguard.detail"].as_str().unwrap();
    assert!(detail.ends_with(", 9 days from now"), "{detail}");
    assert_eq!(conditions(&envoy, "certificate_expired").await, 1);
    for (r#use, count, days) in [("presented", 3, 0), ("trusted", 2, 9)] {
        let near = ["conditions", "certificate_near_expiry", r#use];
        assert_eq!(metric(&envoy, &near).await, 1);
        let certificates = ["posture_certificates", r#use];
        assert_eq!(metric(&envoy, &certificates).await, count);
        let first = ["first_expiry_days", r#use];
        assert_eq!(metric(&envoy, &first).await, days);
    }
}

/// An answer of `/certs` with this certificate, which ends that many days from now.
fn certs(serial: &str, days: i64, staple: Option<i64>) -> String {
    let midnight = |days: i64| format!("{}T00:00:00Z", day(days));
    let mut details = json!({
        "path": "/etc/tls/api.pem", "serial_number": serial,
        "subject_alt_names": [{ "dns": "api.test" }], "days_until_expiration": "1",
        "valid_from": midnight(days - 90), "expiration_time": midnight(days),
    });
    if let Some(days) = staple {
        details["ocsp_details"] =
            json!({ "valid_from": midnight(days - 7), "expiration": midnight(days) });
    }
    json!({ "certificates": [{ "ca_cert": [], "cert_chain": [details] }] }).to_string()
}

#[tokio::test]
async fn each_change_is_told_once() {
    let answer = std::sync::Arc::new(std::sync::Mutex::new(certs("0a", 60, Some(4))));
    let answering = std::sync::Arc::clone(&answer);
    let admin = Upstream::plaintext()
        .handler(move |request| {
            assert_eq!(request.method, "GET");
            if request.path == "/certs" {
                Reply::ok(answering.lock().unwrap().clone())
            } else {
                Reply::ok(r#"{"stats":[]}"#)
            }
        })
        .start()
        .await
        .unwrap();
    let envoy = super::admin::start(&admin, &watching(json!({}))).await;
    looks(&envoy, "read", 4).await;

    let staple = |began_or_ended: fn(&str, &str, &str) -> [String; 4], cause| {
        began_or_ended(cause, "V9.2.4", "api.test")
    };
    let validity = |cause| began(cause, "V9.2.1", "api.test");
    let mut expected: Vec<[String; 4]> = Vec::new();
    for (now, news) in [
        (certs("0a", 60, None), vec![staple(began, "staple_missing")]),
        // Given a staple that is not worth much.
        (
            certs("0a", 60, Some(0)),
            vec![staple(began, "staple_expired")],
        ),
        (
            certs("0a", 60, Some(4)),
            vec![staple(ended, "staple_expired")],
        ),
        // Another one, near its end; then that one, after it. Its key is another.
        (
            certs("0b", 6, Some(4)),
            vec![validity("certificate_near_expiry")],
        ),
        (
            certs("0c", -1, Some(4)),
            vec![
                ended("certificate_near_expiry", "V9.2.1", "api.test"),
                validity("certificate_expired"),
            ],
        ),
        (
            certs("0d", 60, Some(4)),
            vec![ended("certificate_expired", "V9.2.1", "api.test")],
        ),
    ] {
        *answer.lock().unwrap() = now;
        looks(&envoy, "read", 6).await;
        expected.extend(news);
        let told = exactly_events(&envoy, expected.len()).await;
        let told: Vec<_> = told.iter().map(super::about).collect();
        assert_eq!(told, expected);
    }
    let last: Value = crate::support::events(&envoy).pop().unwrap();
    let detail = "the certificate is not there any more";
    assert_eq!(last["hopguard.detail"], detail);
}
