//! What is told: each thing once when it begins, and once when it ends.

use super::super::watch::{LOST_LOOKS, MAX_NEWS, QUIET_LOOKS};
use super::*;
use crate::decision::Cause;
use crate::posture::{AnswerError, Counters, News, Page, Subject, Use, Watch};

/// News in short: whether it began, its cause, and a name of what it is about.
fn told(watch: &mut Watch) -> Vec<(bool, Cause, String)> {
    let name = |subject: &Subject| match subject {
        Subject::Page(page) => format!("{page:?}"),
        Subject::Listener(name) => name.to_string(),
        Subject::Certificate(key) => key.path.to_string(),
    };
    let news = watch.take_news().into_iter();
    news.map(|news| match news {
        News::Began(c) => (true, c.cause, name(&c.subject)),
        News::Ended(c, _) => (false, c.cause, name(&c.subject)),
    })
    .collect()
}

fn look(watch: &mut Watch, made: &[Made], seconds: i64) -> Vec<(bool, Cause, String)> {
    let judge = judge(Staples::Required);
    watch.certificates(&listing(made), &judge, NOW + seconds);
    told(watch)
}

fn without(path: &'static str) -> Made {
    Made {
        staple: None,
        ..Made::good(path)
    }
}

fn counters(omitted: u64, failed: u64) -> Counters {
    let json = serde_json::json!({ "stats": [
        { "name": "listener.l.ssl.ocsp_staple_omitted", "value": omitted },
        { "name": "listener.l.ssl.ocsp_staple_failed", "value": failed },
    ]});
    Counters::read(json.to_string().as_bytes()).unwrap()
}

#[test]
fn nothing_is_told_of_what_is_good() {
    let mut watch = Watch::default();
    let made = [Made::good("a"), Made::ca("ca", (-DAY, 900 * DAY))];
    assert_eq!(look(&mut watch, &made, 0), []);
    watch.counters(counters(0, 0));
    assert_eq!(told(&mut watch), []);
}

#[test]
fn a_condition_is_told_when_it_begins_and_when_it_ends() {
    let mut watch = Watch::default();
    let began = (true, Cause::StapleMissing, "a".to_owned());
    let ended = (false, Cause::StapleMissing, "a".to_owned());
    for _ in 0..3 {
        assert_eq!(
            look(&mut watch, &[without("a")], 0),
            std::slice::from_ref(&began)
        );
        assert_eq!(watch.count(Cause::StapleMissing, Some(Use::Presented)), 1);
        assert_eq!(look(&mut watch, &[without("a")], 1), []);
        assert_eq!(
            look(&mut watch, &[Made::good("a")], 2),
            std::slice::from_ref(&ended)
        );
        assert_eq!(watch.count(Cause::StapleMissing, Some(Use::Presented)), 0);
        assert_eq!(look(&mut watch, &[Made::good("a")], 3), []);
    }
    // One that is gone is over, too, and another one is another.
    look(&mut watch, &[without("a")], 0);
    let news = look(&mut watch, &[without("b")], 0);
    assert_eq!(news, [ended, (true, Cause::StapleMissing, "b".to_owned())]);
}

#[test]
fn a_graver_cause_takes_the_place_of_the_first() {
    let mut watch = Watch::default();
    let made = || [Made::good("a")];
    let began = |cause| vec![(true, cause, "a".to_owned())];
    assert_eq!(look(&mut watch, &made(), 0), []);
    assert_eq!(
        look(&mut watch, &made(), 4 * DAY - HOUR),
        began(Cause::StapleNearExpiry)
    );
    assert_eq!(
        look(&mut watch, &made(), 5 * DAY),
        began(Cause::StapleExpired)
    );
    assert_eq!(look(&mut watch, &made(), 6 * DAY), []);
    assert_eq!(
        look(&mut watch, &made(), 40 * DAY),
        began(Cause::CertificateNearExpiry)
    );
    assert_eq!(
        look(&mut watch, &made(), 50 * DAY),
        began(Cause::CertificateExpired)
    );
    // The clock jumps back.
    let mut news = look(&mut watch, &made(), 0);
    news.sort_unstable_by_key(|(_, cause, _)| cause.code());
    let ended = |cause| (false, cause, "a".to_owned());
    let expected = [
        ended(Cause::CertificateExpired),
        ended(Cause::StapleExpired),
    ];
    assert_eq!(news, expected);
}

#[test]
fn rises_are_one_condition_until_it_is_quiet() {
    let mut watch = Watch::default();
    watch.counters(counters(3, 0));
    let [News::Began(condition)] = &*watch.take_news() else {
        panic!("one")
    };
    assert_eq!(
        (condition.cause, condition.count),
        (Cause::StapleOmitted, Some(3))
    );
    // It goes on now and then.
    watch.counters(counters(5, 0));
    for _ in 1..QUIET_LOOKS {
        watch.counters(counters(5, 0));
    }
    watch.counters(counters(6, 1));
    let news = told(&mut watch);
    assert_eq!(news, [(true, Cause::StapleFailed, "l".to_owned())]);
    for _ in 1..QUIET_LOOKS {
        watch.counters(counters(6, 1));
        assert_eq!(told(&mut watch), []);
    }
    watch.counters(counters(6, 1));
    let news: Vec<_> = watch.take_news();
    let ended: Vec<_> = news
        .iter()
        .map(|news| match news {
            News::Ended(c, _) => (c.cause, c.count),
            News::Began(c) => panic!("{c:?}"),
        })
        .collect();
    let expected = [
        (Cause::StapleFailed, Some(1)),
        (Cause::StapleOmitted, Some(6)),
    ];
    assert_eq!(ended, expected);
    assert_eq!(watch.count(Cause::StapleOmitted, None), 0);
}

#[test]
fn an_admin_interface_is_lost_after_some_looks_and_wrong_at_once() {
    let mut watch = Watch::default();
    let page = Page::Certificates;
    let name = "Certificates".to_owned();
    for _ in 1..LOST_LOOKS {
        watch.unreachable(page, "x".into());
        assert_eq!(told(&mut watch), []);
    }
    // One answer, and it begins anew.
    assert_eq!(look(&mut watch, &[], 0), []);
    for _ in 1..LOST_LOOKS {
        watch.unreachable(page, "x".into());
    }
    assert_eq!(told(&mut watch), []);
    watch.unreachable(page, "x".into());
    let lost = (true, Cause::AdminUnreachable, name.clone());
    assert_eq!(told(&mut watch), [lost]);
    watch.unreachable(page, "y".into());
    assert_eq!(told(&mut watch), []);
    watch.invalid(page, &AnswerError::TooLarge);
    let wrong = (true, Cause::AdminAnswerInvalid, name.clone());
    assert_eq!(told(&mut watch), [wrong]);
    // What was known stays known: it neither ended nor began.
    let news = look(&mut watch, &[without("a")], 0);
    let expected = [
        (false, Cause::AdminAnswerInvalid, name),
        (true, Cause::StapleMissing, "a".to_owned()),
    ];
    assert_eq!(news, expected);
    watch.refused(page, "HTTP status 403".into());
    assert_eq!(watch.count(Cause::StapleMissing, Some(Use::Presented)), 1);
}

#[test]
fn what_is_told_at_once_is_bounded_and_nothing_is_left_out() {
    let paths: Vec<&'static str> = (0..300)
        .map(|n| &*Box::leak(format!("{n:03}").into_boxed_str()))
        .collect();
    let bad: Vec<_> = paths.iter().map(|path| without(path)).collect();
    let good: Vec<_> = paths.iter().map(|path| Made::good(path)).collect();
    let mut watch = Watch::default();
    let mut began = Vec::new();
    for _ in 0..paths.len().div_ceil(MAX_NEWS) {
        let news = look(&mut watch, &bad, 0);
        assert!(news.len() <= MAX_NEWS);
        began.extend(news.into_iter().map(|(_, _, path)| path));
    }
    assert_eq!(began, paths);
    assert_eq!(look(&mut watch, &bad, 0), []);
    let mut ended = Vec::new();
    for _ in 0..paths.len().div_ceil(MAX_NEWS) {
        ended.extend(look(&mut watch, &good, 0));
    }
    assert_eq!(ended.len(), paths.len());
    assert!(ended.iter().all(|(began, ..)| !began));

    // What is over before it was told is not told.
    look(&mut watch, &bad, 0);
    let mut news = 0;
    for _ in 0..9 {
        news += look(&mut watch, &good, 0).len();
    }
    assert_eq!(news, MAX_NEWS);
}
