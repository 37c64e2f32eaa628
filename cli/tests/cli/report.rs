//! `hopguard report`.

mod otlp;

use std::process::Command;

use roxmltree::{Document, ParsingOptions};
use serde_json::{Value, json};

use crate::run::{Run, fixtures, folder, hopguard, run_in};
use crate::site;

fn report(log: &[u8], more: &[&str]) -> Run {
    let folder = folder(&[("envoy.log", log)]);
    run_in(
        folder.path(),
        &[&["report", "envoy.log"], more].concat(),
        b"",
    )
}

fn json_of(log: &[u8]) -> Value {
    let run = report(log, &["--format", "json"]);
    assert_eq!(run.code, 0, "{run:?}");
    run.json()
}

/// One event on a line, as Envoy prints it.
fn line(event: &Value) -> String {
    format!("[2027-01-15 08:00:00.000][17][error][wasm] wasm log hopguard upstream: {event}\n")
}

fn event(name: &str, id: u32, more: Value) -> Value {
    let mut event = json!({
        "timestamp": "2027-01-15T08:00:00.000Z", "event.name": format!("hopguard.{name}"),
        "hopguard.event.id": format!("a-1-{id}"), "error.type": "plaintext", "hopguard.control": "V9.2.2",
        "hopguard.rule": "r", "hopguard.verdict": "deny", "hopguard.detail": "d"
    });
    let Value::Object(more) = more else { panic!() };
    event.as_object_mut().unwrap().extend(more);
    event
}

fn parse(page: &str) -> Document<'_> {
    let options = ParsingOptions {
        allow_dtd: true,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(page, options).unwrap()
}

/// The texts of the table below a heading, row by row.
fn table(page: &str, id: &str) -> Vec<Vec<String>> {
    let document = parse(page);
    let heading = document
        .descendants()
        .find(|n| n.attribute("id") == Some(id));
    let body = heading.unwrap().next_siblings().find_map(|n| {
        n.descendants()
            .find(|n| n.has_tag_name(("http://www.w3.org/1999/xhtml", "tbody")))
    });
    let text = |node: roxmltree::Node<'_, '_>| -> String {
        let texts = node.descendants().filter(|n| n.is_text());
        texts.filter_map(|n| n.text()).collect()
    };
    let rows = body.unwrap().children().filter(|n| n.is_element());
    rows.map(|row| row.children().map(text).collect()).collect()
}

#[test]
fn each_control_is_counted_by_what_became_of_it() {
    let run = hopguard(&[
        "report",
        "envoy.log",
        "--at",
        "2027-01-16",
        "--stats",
        "stats.txt",
    ]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let controls = table(&run.out, "controls");
    let numbers: Vec<(&str, Vec<&str>)> = controls
        .iter()
        .map(|row| {
            (
                row[0].as_str(),
                row[2..].iter().map(String::as_str).collect(),
            )
        })
        .collect();
    // Denied, failed, only reported, waived, unknown, warned.
    assert_eq!(
        numbers,
        [
            ("V9.2.1", vec!["1", "0", "0", "2", "0", "0"]),
            ("V9.2.2", vec!["242", "0", "1", "0", "0", "0"]),
            ("V9.2.3", vec!["1", "0", "0", "0", "0", "0"]),
            ("V9.2.4", vec!["1", "0", "0", "0", "2", "1"]),
            ("V9.2.5", vec!["0", "1", "0", "0", "0", "0"]),
        ]
    );
    let decisions = table(&run.out, "counters");
    assert_eq!(
        decisions,
        [
            ["deny", "V9.2.2", "242"],
            ["permit", "nothing was found", "17123"],
            ["waived", "V9.2.1", "77"]
        ]
    );
    let waivers = table(&run.out, "waivers");
    assert_eq!(
        waivers[0][..4],
        ["old-mainframe", "V9.2.1", "2027-01-31", "near_end"]
    );
    let posture = table(&run.out, "posture");
    assert_eq!(
        posture[0][2..4],
        ["2027-01-15T16:00:00Z", "2027-01-15T17:00:00Z"]
    );
    assert_eq!(posture[1][3], "not over in this log");
    let causes = table(&run.out, "causes");
    assert_eq!(causes.len(), 10);
    assert_eq!(causes[2][3], "242", "{:?}", causes[2]);
    let sources = table(&run.out, "sources");
    assert_eq!(sources[0][..5], ["envoy.log", "15", "13", "0", "0"]);
    assert_eq!(
        run.out.matches("<rect ").count(),
        11,
        "a bar for each moment and class"
    );
    assert!(run.out.contains("Each bar is 15 minutes"));
}

#[test]
fn the_page_stands_alone_and_obeys_no_log() {
    let hostile = "</td><script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}'\"&";
    let mut log = String::new();
    for (id, field) in [
        "hopguard.detail",
        "hopguard.rule",
        "hopguard.cluster",
        "error.type",
    ]
    .iter()
    .enumerate()
    {
        let id = u32::try_from(id).unwrap();
        log.push_str(&line(&event("denied", id, json!({ *field: hostile }))));
    }
    let waiver = json!({ "hopguard.waiver.until": hostile, "hopguard.waiver.reason": hostile, "hopguard.detail": hostile });
    log.push_str(&line(&event("denied", 9, waiver)));
    let run = report(log.as_bytes(), &["--title", hostile]);
    assert_eq!(run.code, 0);
    assert!(!run.out.contains('\u{202e}'));
    let document = parse(&run.out);
    for node in document.descendants().filter(|n| n.is_element()) {
        let name = node.tag_name().name();
        assert!(
            !matches!(name, "script" | "img" | "link" | "iframe"),
            "{name}"
        );
        let mut names = node.attributes().map(|a| a.name());
        let loads = |name: &str| name.starts_with("on") || name == "src" || name == "href";
        assert!(!names.any(loads), "{name}");
    }
    for absent in ["url(", "@import"] {
        assert!(!run.out.contains(absent), "{absent}");
    }
    assert!(run.out.contains("default-src &#39;none&#39;"));
    let shown = hostile.replace('\u{202e}', "\u{fffd}");
    let causes = table(&run.out, "causes");
    assert!(
        causes.iter().any(|row| row[7].starts_with(&shown)),
        "{causes:?}"
    );
    assert_eq!(table(&run.out, "waivers")[0][4], shown);
}

#[test]
fn an_event_counts_once() {
    let one = line(&event("denied", 1, json!({})));
    let two = line(&event("denied", 2, json!({})));
    let folder = folder(&[
        ("a.log", format!("{one}{two}").as_bytes()),
        ("b.log", format!("{two}{one}").as_bytes()),
    ]);
    let run = run_in(
        folder.path(),
        &["report", "a.log", "b.log", "--format", "json"],
        b"",
    );
    let report = run.json();
    assert_eq!(report["controls"]["V9.2.2"]["denied"], 2);
    assert_eq!(report["logs"][1]["repeated"], 2);
    assert_ne!(report["logs"][0]["sha256"], report["logs"][1]["sha256"]);
}

#[test]
fn other_lines_are_left_out_and_broken_events_are_told() {
    let good = event("denied", 1, json!({}));
    let broken = good.to_string();
    let broken = broken.get(..broken.len() - 2).unwrap();
    let mut log = format!(
        "starting\n{{\"level\":\"info\"}}\n{}{broken}\n",
        line(&good)
    );
    // Foreign lines may be long, and end anywhere.
    log.push_str(&format!("{}\n", "x{".repeat(400_000)));
    log.push_str(&line(&event(
        "denied",
        2,
        json!({ "timestamp": "yesterday" }),
    )));
    log.push_str(&line(&event(
        "denied",
        3,
        json!({ "hopguard.control": "V9.2.9" }),
    )));
    log.push_str(&event("denied", 4, json!({})).to_string());
    let report = json_of(log.as_bytes());
    assert_eq!(report["controls"]["V9.2.2"]["denied"], 2, "{report}");
    assert_eq!(report["logs"][0]["unreadable"], 2);
    assert_eq!(report["logs"][0]["lines"], 8);
    assert_eq!(report["unknown_events"], 1);
    let empty = report_of_nothing();
    assert!(empty.contains("There is no event in these logs"));
}

fn report_of_nothing() -> String {
    let run = report(b"", &[]);
    assert_eq!(run.code, 0);
    run.out
}

#[test]
fn any_length_of_time_has_bars() {
    for (last, bar) in [
        ("2027-01-15T08:00:00.000Z", "1 minute"),
        ("2027-01-15T08:59:59.000Z", "1 minute"),
        ("2027-01-15T09:00:00.000Z", "5 minutes"),
        ("2027-01-17T08:00:00.000Z", "1 hour"),
        ("2027-02-15T08:00:00.000Z", "1 day"),
        ("2031-02-15T08:00:00.000Z", "30 days"),
        ("2080-01-15T08:00:00.000Z", "365 days"),
        ("9999-12-31T23:59:59.000Z", "days"),
    ] {
        let first = line(&event("denied", 1, json!({})));
        let last = line(&event("denied", 2, json!({ "timestamp": last })));
        let page = report(format!("{first}{last}").as_bytes(), &[]).out;
        assert!(page.contains(&format!("{bar}, UTC")), "{last}");
        assert!(page.contains("<rect "), "{last}");
    }
}

#[test]
fn the_page_goes_to_a_file() {
    let log = line(&event("denied", 1, json!({})));
    let folder = folder(&[("envoy.log", log.as_bytes())]);
    let run = run_in(
        folder.path(),
        &["report", "-", "-o", "page.html"],
        log.as_bytes(),
    );
    assert_eq!((run.code, run.out.as_str()), (0, ""), "{run:?}");
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert_eq!(table(&page, "controls")[1][2], "1");
    run_in(
        folder.path(),
        &["report", "envoy.log", "-o", "absent/page.html"],
        b"",
    )
    .assert_failure("it cannot be written");
    run_in(folder.path(), &["report", "absent.log"], b"")
        .assert_failure("absent.log: No such file");
    run_in(
        folder.path(),
        &["report", "envoy.log", "--stats", "envoy.log"],
        b"",
    )
    .assert_failure("there is no hopguard.decisions");
}

#[tokio::test]
async fn what_the_plugin_tells_is_in_the_report() {
    let site = site::site().await;
    let envoy = site.start().await;
    site.assert_guarded(&envoy, "https", "orders").await;
    envoy
        .wait_for_log(|line| line.contains("hopguard.denied"))
        .await
        .unwrap();
    let stats = envoy.admin_get("/stats").await.unwrap();
    let log = envoy.logs().join("\n");
    let folder = folder(&[("envoy.log", log.as_bytes()), ("stats", stats.as_bytes())]);
    let arguments = [
        "report",
        "envoy.log",
        "--stats",
        "stats",
        "--format",
        "json",
    ];
    let run = run_in(folder.path(), &arguments, b"");
    assert_eq!(run.code, 0, "{run:?}");
    let report = run.json();
    assert_eq!(report["controls"]["V9.2.1"]["denied"], 1, "{report}");
    assert_eq!(report["causes"][0]["cause"], "certificate_unknown_issuer");
    assert_eq!(report["causes"][0]["places"], json!(["orders"]));
    assert_eq!(
        (&report["unknown_events"], &report["logs"][0]["unreadable"]),
        (&json!(0), &json!(0))
    );
    let denied = json!({ "verdict": "deny", "control": "V9.2.1", "count": 1 });
    assert!(
        report["decisions"].as_array().unwrap().contains(&denied),
        "{report}"
    );
}

/// In the browser that `CHROMIUM` names (`chromium`): it shows the page, complains of
/// nothing, and loads nothing. Leaves `target/report/report.png`.
#[test]
#[ignore = "needs Chromium: cargo test -p hopguard-cli -- --ignored chromium"]
fn chromium_shows_the_page() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/report");
    std::fs::create_dir_all(&folder).unwrap();
    let page = folder.join("report.html");
    let run = run_in(
        &fixtures(),
        &[
            "report",
            "envoy.log",
            "--stats",
            "stats.txt",
            "--at",
            "2027-01-16",
            "-o",
            page.to_str().unwrap(),
        ],
        b"",
    );
    assert_eq!(run.code, 0, "{run:?}");
    let browser = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    let profile = tempfile::tempdir().unwrap();
    let chromium = |arguments: &[&str]| {
        let output = Command::new(&browser)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--enable-logging=stderr",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(arguments)
            .arg(format!("file://{}", page.canonicalize().unwrap().display()))
            .output()
            .expect("Chromium runs");
        assert!(output.status.success(), "{output:?}");
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        // What a page does wrong, and what its policy refuses, is told here.
        assert!(!err.contains("CONSOLE"), "{err}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let shown = chromium(&["--dump-dom"]);
    for text in ["What was found", "certificate_revoked", "17123", "</rect>"] {
        assert!(shown.contains(text), "{shown}");
    }
    let picture = folder.join("report.png");
    chromium(&[
        "--window-size=1300,3000",
        &format!("--screenshot={}", picture.display()),
    ]);
    let png = std::fs::read(&picture).unwrap();
    assert!(
        png.starts_with(b"\x89PNG") && png.len() > 50_000,
        "{} bytes",
        png.len()
    );
}
