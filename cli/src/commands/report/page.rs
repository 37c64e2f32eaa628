//! The page for the auditor.

use std::fmt::{self, Write};

use hopguard::decision::{Cause, Requirement};

use super::Report;
use super::chart::{self, Scale};
use super::html::{Escaped, cell, code, table};
use super::tally::{Class, Kind, SHOWN};
use crate::moment;
use crate::reply::Failure;

/// Nothing is loaded and nothing runs: no script, no image, no font.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
const STYLE: &str = include_str!("style.css");

pub fn page(report: &Report) -> Result<String, Failure> {
    let mut out = String::new();
    write(&mut out, report).map_err(|error| Failure(error.to_string()))?;
    Ok(out)
}

fn write(out: &mut String, report: &Report) -> fmt::Result {
    let title = Escaped(&report.title);
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        Escaped(POLICY)
    )?;
    write!(
        out,
        "<h1>{title}</h1>\n<p class=\"lead\">OWASP ASVS 4.0, V9.2 Server Communication Security. "
    )?;
    match report.tally.period() {
        Some((first, last)) => writeln!(
            out,
            "Events from {} to {}.</p>",
            moment::text(first),
            moment::text(last)
        )?,
        None => writeln!(out, "There is no event in these logs.</p>")?,
    }
    controls(out, report)?;
    counters(out, report)?;
    over_time(out, report)?;
    causes(out, report)?;
    waivers(out, report)?;
    posture(out, report)?;
    sources(out, report)?;
    writeln!(
        out,
        "<footer><p>Made {} by hopguard {} from the logs named above, and from nothing else.</p></footer>\n</body>\n</html>",
        moment::text(report.made),
        env!("CARGO_PKG_VERSION")
    )
}

fn controls(out: &mut String, report: &Report) -> fmt::Result {
    writeln!(out, "<h2 id=\"controls\">Controls</h2>")?;
    let mut head = vec!["control", "demands"];
    head.extend(Class::ALL.map(Class::title));
    let rows: Vec<Vec<String>> = Requirement::ALL
        .iter()
        .map(|control| {
            let mut row = vec![cell(control.as_str()), cell(demand(*control))];
            row.extend(Class::ALL.iter().map(|class| {
                let count = report.tally.count(*control, *class);
                format!("<span class=\"number\">{count}</span>")
            }));
            row
        })
        .collect();
    table(out, &head, &rows)?;
    out.write_str("<ul>")?;
    for class in Class::ALL {
        write!(
            out,
            "<li><span class=\"key {}\"></span><strong>{}</strong>: {}</li>",
            chart::css(class),
            class.title(),
            class.meaning()
        )?;
    }
    writeln!(
        out,
        "</ul>\n<p>What was let through because it met every demand, and what an active waiver let through, leaves no event; counters have both. Events that were summed up are counted in full.</p>"
    )
}

fn counters(out: &mut String, report: &Report) -> fmt::Result {
    let Some(decisions) = &report.decisions else {
        return Ok(());
    };
    writeln!(
        out,
        "<h2 id=\"counters\">Decisions</h2>\n<p>Envoy's counters (<code>hopguard.decisions</code>) when they were captured: since Envoy started, of all workers.</p>"
    )?;
    let rows: Vec<Vec<String>> = decisions
        .iter()
        .map(|((verdict, control), count)| {
            let control = if control == "none" {
                "nothing was found"
            } else {
                control
            };
            vec![
                cell(verdict),
                cell(control),
                format!("<span class=\"number\">{count}</span>"),
            ]
        })
        .collect();
    table(out, &["verdict", "control", "decisions"], &rows)
}

fn over_time(out: &mut String, report: &Report) -> fmt::Result {
    let Some(scale) = Scale::of(&report.tally) else {
        return Ok(());
    };
    writeln!(
        out,
        "<h2 id=\"time\">Over time</h2>\n<p>Each bar is {}, UTC.</p>",
        scale.length()
    )?;
    for control in Requirement::ALL {
        let has_events = Class::ALL
            .iter()
            .any(|class| report.tally.count(control, *class) > 0);
        if has_events {
            writeln!(out, "<h3>{control}</h3>")?;
            chart::draw(out, &report.tally, control, scale)?;
            out.push('\n');
        }
    }
    Ok(())
}

fn causes(out: &mut String, report: &Report) -> fmt::Result {
    if report.tally.kinds.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2 id=\"causes\">What was found</h2>")?;
    let head = [
        "control",
        "",
        "cause",
        "events",
        "first, last",
        "rules",
        "where",
        "the last one",
    ];
    let rows: Vec<Vec<String>> = report
        .tally
        .kinds
        .iter()
        .map(|((control, class, cause), kind)| row(*control, *class, cause, kind))
        .collect();
    table(out, &head, &rows)
}

fn row(control: Requirement, class: Class, cause: &str, kind: &Kind) -> Vec<String> {
    let meaning = Cause::ALL
        .iter()
        .find(|c| c.code() == cause)
        .map_or("", |c| c.meaning());
    vec![
        cell(control.as_str()),
        format!(
            "<span class=\"nowrap\"><span class=\"key {}\"></span>{}</span>",
            chart::css(class),
            class.title()
        ),
        format!("{}<br/>{}", code(cause), Escaped(meaning)),
        format!("<span class=\"number\">{}</span>", kind.count),
        format!(
            "<span class=\"nowrap\">{}<br/>{}</span>",
            moment::text(kind.first),
            moment::text(kind.last)
        ),
        list(&kind.rules),
        list(&kind.places),
        format!(
            "<span class=\"long\">{}</span><br/>{}",
            Escaped(&kind.detail),
            code(&kind.id)
        ),
    ]
}

fn list(texts: &[String]) -> String {
    let mut shown: Vec<String> = texts.iter().take(SHOWN).map(|text| code(text)).collect();
    if texts.len() > SHOWN {
        shown.push("and more".to_owned());
    }
    shown.join("<br/>")
}

fn waivers(out: &mut String, report: &Report) -> fmt::Result {
    if report.tally.waivers.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<h2 id=\"waivers\">Waivers</h2>\n<p>Those that events speak of: near their end, past it, or of what was denied all the same.</p>"
    )?;
    let waivers = report.tally.waivers.iter();
    let rows: Vec<Vec<String>> = waivers
        .map(|((rule, control, until), waiver)| {
            vec![
                code(rule),
                cell(control),
                cell(until),
                cell(&waiver.state),
                cell(&waiver.reason),
                format!("<span class=\"number\">{}</span>", waiver.count),
                moment::text(waiver.last),
            ]
        })
        .collect();
    table(
        out,
        &[
            "rule",
            "control",
            "last day",
            "state",
            "reason",
            "events",
            "last used",
        ],
        &rows,
    )
}

fn posture(out: &mut String, report: &Report) -> fmt::Result {
    if report.tally.conditions.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<h2 id=\"posture\">The proxy's own certificates and staples</h2>"
    )?;
    let moment = |at: Option<i64>, none: &str| at.map_or_else(|| none.to_owned(), moment::text);
    let rows: Vec<Vec<String>> = report
        .tally
        .conditions
        .iter()
        .map(|condition| {
            vec![
                code(&condition.cause),
                code(&condition.subject),
                moment(condition.began, "before the log"),
                moment(condition.ended, "not over in this log"),
                cell(&condition.detail),
            ]
        })
        .collect();
    table(out, &["cause", "of", "began", "ended", "detail"], &rows)
}

fn sources(out: &mut String, report: &Report) -> fmt::Result {
    writeln!(out, "<h2 id=\"sources\">Sources</h2>")?;
    let number = |n: u64| format!("<span class=\"number\">{n}</span>");
    let rows: Vec<Vec<String>> = report
        .logs
        .iter()
        .map(|log| {
            vec![
                cell(&log.name),
                number(log.lines),
                number(log.events),
                number(log.repeated),
                number(log.unreadable),
                code(&log.sha256),
            ]
        })
        .collect();
    table(
        out,
        &[
            "log",
            "lines",
            "events",
            "repeated",
            "unreadable",
            "SHA-256",
        ],
        &rows,
    )?;
    if report.tally.strange > 0 {
        writeln!(
            out,
            "<p>{} events are of a kind or control that this release does not know; they are counted nowhere else.</p>",
            report.tally.strange
        )?;
    }
    writeln!(
        out,
        "<p>Whoever can write into a log can write events into it.</p>"
    )
}

/// What a control demands, in the standard's sense.
const fn demand(control: Requirement) -> &'static str {
    match control {
        Requirement::V9_2_1 => "certificates of peers are trusted",
        Requirement::V9_2_2 => "TLS on every connection, no fall-back",
        Requirement::V9_2_3 => "connections are authenticated",
        Requirement::V9_2_4 => "revocation works",
        Requirement::V9_2_5 => "TLS failures are logged",
    }
}
