//! x509-limbo and NIST PKITS, natively.

use hopguard_conformance::certificate::{Case, judge};
use hopguard_conformance::{Verdict, Way};

use crate::exceptions::{Exception, LIMBO, PKITS};
use crate::vectors;

/// Judges every case, and fails on each that differs without a reason, differs
/// in another way than its reason says, or no longer differs.
fn run(suite: &str, cases: &[Case], exceptions: &[Exception]) {
    let mut failures = Vec::new();
    let mut differ = 0;
    for case in cases {
        let verdict = judge(case, &Way::in_process());
        let agrees = verdict.accepted == case.is_to_be_accepted();
        differ += usize::from(!agrees);
        let mut named = exceptions
            .iter()
            .filter(|e| e.cases.iter().any(|id| case.id.ends_with(id)));
        let failure = match (agrees, named.next()) {
            (true, None) => continue,
            (true, Some(_)) => "agrees, drop the exception",
            (false, Some(exception)) if exception.code == verdict.code => continue,
            (false, Some(_)) => "differs in another way than the exception says",
            (false, None) => "differs",
        };
        let (id, Verdict { code, detail, .. }) = (&case.id, &verdict);
        failures.push(format!("{id}: {failure}: {code}: {detail}"));
    }
    assert!(exceptions.iter().all(|e| e.reason.len() > 20));
    let named: usize = exceptions.iter().map(|e| e.cases.len()).sum();
    println!(
        "{suite}: {} cases, {} agree, {differ} differ for a written reason",
        cases.len(),
        cases.len() - differ
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(named, differ, "an exception names no case, or several");
}

#[test]
fn limbo() {
    let Some(cases) = vectors::limbo() else {
        return;
    };
    assert_eq!(cases.len(), 208);
    run("x509-limbo", &cases, LIMBO);
}

#[test]
fn pkits() {
    let Some(cases) = vectors::pkits() else {
        return;
    };
    assert_eq!(cases.len(), 247);
    run("NIST PKITS", &cases, PKITS);
}
