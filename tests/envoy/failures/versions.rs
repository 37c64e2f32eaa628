//! The classes of failure in older Envoys, whose words differ; and the places
//! of the role `log` there, where some attributes must not even be asked for.

use hopguard_testbed::pki::Pki;

use super::http::each_is_told_of_once;
use super::tcp;
use crate::support::failing::{broken, ending, refused};

/// Never says why it refused a certificate.
const OLD: &str = "1.36.4";
/// Says why, but not which names a certificate has.
const LATER: &str = "1.37.0";
const PREVIOUS: &str = "1.39.3";

#[tokio::test]
async fn envoy_1_36_gives_one_code_to_all_refused_certificates() {
    let pki = Pki::new();
    each_is_told_of_once(&pki, refused(&pki).await, Some(OLD)).await;
    tcp::each_is_told_of_once(&pki, refused(&pki).await, Some(OLD)).await;
}

#[tokio::test]
async fn envoy_1_36_tells_of_all_other_failures_like_the_newest() {
    let pki = Pki::new();
    each_is_told_of_once(&pki, broken(&pki).await, Some(OLD)).await;
    each_is_told_of_once(&pki, ending(&pki).await, Some(OLD)).await;
    tcp::each_is_told_of_once(&pki, broken(&pki).await, Some(OLD)).await;
}

#[tokio::test]
async fn envoy_1_37_says_why_it_refused_a_certificate() {
    let pki = Pki::new();
    each_is_told_of_once(&pki, refused(&pki).await, Some(LATER)).await;
    each_is_told_of_once(&pki, ending(&pki).await, Some(LATER)).await;
    tcp::each_is_told_of_once(&pki, refused(&pki).await, Some(LATER)).await;
}

#[tokio::test]
async fn envoy_1_39_tells_of_failures_like_the_newest() {
    let pki = Pki::new();
    each_is_told_of_once(&pki, refused(&pki).await, Some(PREVIOUS)).await;
    each_is_told_of_once(&pki, ending(&pki).await, Some(PREVIOUS)).await;
    tcp::each_is_told_of_once(&pki, broken(&pki).await, Some(PREVIOUS)).await;
}
