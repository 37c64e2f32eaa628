//! `hopguard validate`.

use serde_json::{Value, json};

use crate::run::{DAY, Run, folder, hopguard, run_in};

/// Checks a policy that stands alone in a folder.
fn validate(name: &str, policy: &[u8]) -> Run {
    let folder = folder(&[(name, policy)]);
    run_in(folder.path(), &["validate", "--at", DAY, name], b"")
}

/// The lines but the last, without what stands behind the path.
fn gist(run: &Run) -> Vec<String> {
    let mut lines: Vec<_> = run.out.lines().collect();
    lines.pop();
    lines
        .iter()
        .map(|line| line.splitn(6, ':').take(5).collect::<Vec<_>>().join(":"))
        .collect()
}

#[test]
fn a_right_policy_is_accepted() {
    let run = hopguard(&["validate", "--at", DAY, "--strict", "policy.yaml"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.out, "policy.yaml: accepted, 0 errors, 0 warnings\n");
}

#[test]
fn every_error_is_told_with_its_place() {
    let run = hopguard(&["validate", "--at", DAY, "broken.yaml"]);
    assert_eq!(run.code, 1);
    assert_eq!(
        gist(&run),
        [
            "broken.yaml:2:1: error: mod",
            "broken.yaml:7:20: error: trust_stores[1].ca_certificates",
            "broken.yaml:10:22: error: upstream[0].match.clusters",
            "broken.yaml:12:22: error: upstream[0].require.min_tls_version",
            "broken.yaml:14:32: error: upstream[0].require.peer_certificate.trust_stores[1]",
            "broken.yaml:15:9: error: upstream[1].name",
            "broken.yaml:17:16: error: upstream[1].waive[0].controls[0]",
            "broken.yaml:18:13: error: upstream[1].waive[0].reason",
            "broken.yaml:19:12: error: upstream[1].waive[0].until",
            "payments.pem:1:1: error: trust_stores[0].ca_certificates[0]",
        ]
    );
}

#[test]
fn json_has_the_same() {
    let run = hopguard(&["validate", "--at", DAY, "--format", "json", "broken.yaml"]);
    assert_eq!(run.code, 1);
    let report = run.json();
    assert_eq!(
        (&report["errors"], &report["warnings"]),
        (&json!(10), &json!(0))
    );
    let first = &report["problems"][0];
    assert_eq!(
        *first,
        json!({
            "severity": "error", "code": "policy_invalid", "file": "broken.yaml", "line": 2,
            "column": 1, "path": "mod", "message": first["message"],
        })
    );
}

#[test]
fn the_syntax_is_told_with_its_place() {
    for (name, text, place, what) in [
        (
            "p.yaml",
            "version: 1\nupstream: [",
            "2:11",
            "it is no YAML: ",
        ),
        (
            "p.yaml",
            "version: 1\nversion: 1\n",
            "2:1",
            "duplicate mapping key",
        ),
        ("p.yaml", "a: 1\n---\nb: 1\n", "3:1", "it is no YAML: "),
        ("p.yaml", "", "1:1", "there is no policy in it"),
        ("p.yaml", "# nothing\n", "1:1", "there is no policy in it"),
        (
            "p.json",
            "{\"version\": 1,}",
            "1:15",
            "it is no JSON: key must be a string",
        ),
        ("p.json", "version: 1", "1:1", "it is no JSON: "),
        ("p.json", "", "1:1", "it is no JSON: "),
        (
            "p.json",
            "{\"version\": 1, \"version\": 1}",
            "1:16",
            "duplicate",
        ),
        ("p.yaml", "<<: { version: 1 }", "1:1", "it is no YAML: "),
        ("p.yaml", "- 1\n", "1:1", "invalid type: sequence"),
        ("p.yaml", "just words\n", "1:1", "invalid type: string"),
    ] {
        let run = validate(name, text.as_bytes());
        assert_eq!(run.code, 1, "{text:?} {run:?}");
        let start = format!("{name}:{place}: error: ");
        assert!(run.out.starts_with(&start), "{text:?} {}", run.out);
        assert!(run.out.contains(what), "{text:?} {}", run.out);
    }
}

#[test]
fn what_is_no_text_or_too_much_cannot_be_read() {
    let folder = folder(&[
        ("bytes", b"version: \xff"),
        ("large", &vec![b'#'; 17 << 20]),
    ]);
    let run = |name| run_in(folder.path(), &["validate", name], b"");
    run("bytes").assert_failure("bytes: it is no text");
    run("large").assert_failure("large: it has more than 16777216 bytes");
    run("absent").assert_failure("absent: No such file");
    run(".").assert_failure("directory");
}

#[test]
fn bombs_are_refused() {
    let nested = format!("version: 1\nupstream: {}", "[".repeat(100_000));
    let mut aliases = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..9 {
        let before = format!("*a{}", n - 1);
        let row = vec![before; 10].join(", ");
        aliases.push_str(&format!("a{n}: &a{n} [{row}]\n"));
    }
    for text in [nested, aliases] {
        let run = validate("p.yaml", text.as_bytes());
        assert_eq!(run.code, 1);
        assert!(run.out.contains("it is no YAML"), "{}", run.out);
    }
}

#[test]
fn the_standard_input_is_a_file_too() {
    let folder = folder(&[]);
    let run = run_in(folder.path(), &["validate", "-"], b"{\"version\": 2}");
    assert_eq!(run.code, 1);
    assert!(
        run.out
            .starts_with("-:1:13: error: version: this hopguard reads version 1"),
        "{run:?}"
    );
}

#[test]
fn several_policies_are_told_apart() {
    let run = hopguard(&["validate", "--at", DAY, "policy.yaml", "broken.yaml"]);
    assert_eq!(run.code, 1);
    assert!(run.out.contains("policy.yaml: accepted"), "{}", run.out);
    assert!(
        run.out.contains("broken.yaml: refused, 10 errors"),
        "{}",
        run.out
    );
}

#[test]
fn json_and_der_are_read() {
    let pem = std::fs::read_to_string(crate::run::fixtures().join("ca.pem")).unwrap();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = data_encoding::BASE64.decode(base64.as_bytes()).unwrap();
    let policy = |file: Value| {
        json!({
            "version": 1,
            "trust_stores": [{ "name": "a", "ca_certificates": file }],
            "default_trust_stores": ["a"]
        })
        .to_string()
    };
    let folder = folder(&[
        ("inline.json", policy(json!(pem)).as_bytes()),
        ("pem.json", policy(json!({ "file": "ca.pem" })).as_bytes()),
        ("der.json", policy(json!({ "file": "ca.der" })).as_bytes()),
        ("ca.pem", pem.as_bytes()),
        ("ca.der", &der),
    ]);
    let names = ["inline.json", "pem.json", "der.json"];
    let run = run_in(
        folder.path(),
        &[&["validate", "--at", DAY][..], &names].concat(),
        b"",
    );
    assert_eq!((run.code, run.out.lines().count()), (0, 3), "{run:?}");
}

#[test]
fn ocsp_responses_are_read_from_files() {
    let policy = |name: &str| {
        json!({ "version": 1, "revocation": { "ocsp_responses": [{ "file": name }] } }).to_string()
    };
    let folder = folder(&[
        ("der.json", policy("response.der").as_bytes()),
        ("base64.json", policy("response.txt").as_bytes()),
        ("wrong.json", policy("wrong.txt").as_bytes()),
        ("response.der", &[0x30, 0x03, 0x0a, 0x01, 0x06]),
        ("response.txt", b"MAMKAQY=\n"),
        ("wrong.txt", b"AAAA"),
    ]);
    let run = run_in(
        folder.path(),
        &["validate", "--at", DAY, "der.json", "base64.json"],
        b"",
    );
    assert_eq!(run.code, 0, "{run:?}");
    let run = run_in(folder.path(), &["validate", "--at", DAY, "wrong.json"], b"");
    assert_eq!(
        gist(&run),
        ["wrong.txt:1:1: error: revocation.ocsp_responses[0]"]
    );
}

#[test]
fn sources_that_no_rule_needs_are_warned_of() {
    let policy = |upstream: Value| {
        json!({
            "version": 1,
            "trust_stores": [{ "name": "a", "pinned_certificate_sha256": ["00".repeat(32)] }],
            "default_trust_stores": ["a"],
            "revocation": {
                "responders": [{ "host": "ocsp.example", "cluster": "ocsp" }],
                "crl_sources": [{ "url": "http://crl.example/a.crl", "cluster": "crl" }],
                "ocsp_responses": ["MAMKAQY="]
            },
            "upstream": upstream
        })
        .to_string()
    };
    let run = validate("p.json", policy(json!([])).as_bytes());
    assert_eq!(run.code, 0, "{run:?}");
    for code in [
        "responder_unused",
        "crl_source_unused",
        "ocsp_response_unused",
    ] {
        assert!(run.out.contains(&format!("[{code}]")), "{}", run.out);
    }
    let demanding = json!([{ "name": "r", "require": {
        "peer_certificate": { "trust_stores": ["a"], "names": "any", "revocation": {} }
    } }]);
    let run = validate("p.json", policy(demanding).as_bytes());
    assert_eq!(run.code, 0, "{run:?}");
    assert!(!run.out.contains("unused"), "{}", run.out);
}

#[test]
fn files_are_named_only_where_there_is_pem() {
    for (field, file) in [
        ("mode", json!({ "file": "ca.pem" })),
        ("default_trust_stores", json!([{ "file": "ca.pem" }])),
        ("trust_stores", json!([{ "name": { "file": "ca.pem" } }])),
        (
            "trust_stores",
            json!([{ "name": "a", "ca_certificates": { "file": "x", "also": 1 } }]),
        ),
        (
            "trust_stores",
            json!([{ "name": "a", "ca_certificates": { "file": 1 } }]),
        ),
    ] {
        let run = validate(
            "p.json",
            json!({ "version": 1, field: file }).to_string().as_bytes(),
        );
        assert_eq!(run.code, 1, "{field}");
        assert!(run.out.contains("error: "), "{}", run.out);
        assert!(!run.out.contains("cannot be read"), "{}", run.out);
    }
}

#[test]
fn certificates_are_found_in_their_text() {
    let pem = std::fs::read_to_string(crate::run::fixtures().join("ca.pem")).unwrap();
    let leaf = std::fs::read_to_string(crate::run::fixtures().join("payments.pem")).unwrap();
    let block: String = format!("{pem}{leaf}")
        .lines()
        .map(|l| format!("    {l}\n"))
        .collect();
    let policy = format!(
        "version: 1\ntrust_stores:\n- name: a\n  ca_certificates: |\n{block}default_trust_stores: [a]\n"
    );
    let line = 5 + pem.lines().count();
    let run = validate("p.yaml", policy.as_bytes());
    assert_eq!(
        gist(&run),
        [format!(
            "p.yaml:{line}:5: error: trust_stores[0].ca_certificates[1]"
        )]
    );
}

#[test]
fn each_warning_has_its_place() {
    let run = hopguard(&["validate", "--at", DAY, "suspicious.yaml"]);
    assert_eq!(run.code, 0, "warnings alone are no findings");
    let codes: Vec<_> = run
        .out
        .lines()
        .filter_map(|line| {
            let (place, _) = line.split_once(": warning: ")?;
            Some((place, line.rsplit('[').next()?.trim_end_matches(']')))
        })
        .collect();
    assert_eq!(
        codes,
        [
            ("suspicious.yaml:2:7", "report_mode"),
            ("suspicious.yaml:6:3", "trust_store_unused"),
            ("suspicious.yaml:11:5", "responder_unused"),
            ("suspicious.yaml:15:3", "rule_never_matches"),
            ("suspicious.yaml:18:52", "waiver_ended"),
            ("suspicious.yaml:19:52", "waiver_ends_soon"),
        ]
    );
    let strict = hopguard(&["validate", "--at", DAY, "--strict", "suspicious.yaml"]);
    assert_eq!((strict.code, &strict.out), (1, &run.out));
}

#[test]
fn certificates_near_their_end_are_warned_of_in_their_file() {
    let run = |at, days| {
        let arguments = [
            "validate",
            "--at",
            at,
            "--expiry-days",
            days,
            "suspicious.yaml",
        ];
        hopguard(&arguments).out
    };
    let warning = "payments.pem:1:1: warning: trust_stores[1].pinned_certificates[0]: ";
    assert!(run("2027-11-15", "30").contains(warning));
    assert!(!run("2027-11-15", "5").contains(warning));
    assert!(run("2027-11-26", "5").contains("error: trust_stores[1].pinned_certificates[0]: "));
}

#[test]
fn only_a_rule_that_leaves_nothing_covers_another() {
    for (earlier, later, covers) in [
        (json!({}), json!({ "clusters": ["a"] }), true),
        (
            json!({ "clusters": ["a*"] }),
            json!({ "clusters": ["ab", "ac*"] }),
            true,
        ),
        (
            json!({ "clusters": ["a*", "b"] }),
            json!({ "clusters": ["b"], "hosts": ["x"] }),
            true,
        ),
        (
            json!({ "addresses": ["10.0.0.0/8"] }),
            json!({ "addresses": ["10.1.0.0/16"] }),
            true,
        ),
        (
            json!({ "paths": ["/a/**"] }),
            json!({ "paths": ["/a/*/b"] }),
            true,
        ),
        // A connection may have no cluster's name, and the pattern then fits not.
        (json!({ "clusters": ["*"] }), json!({}), false),
        (
            json!({ "clusters": ["a"], "hosts": ["x"] }),
            json!({ "clusters": ["a"] }),
            false,
        ),
        (
            json!({ "paths": ["/a/*"] }),
            json!({ "paths": ["/a/**"] }),
            false,
        ),
        (
            json!({ "clusters": ["a"] }),
            json!({ "clusters": ["a", "b"] }),
            false,
        ),
    ] {
        let policy = json!({
            "version": 1,
            "upstream": [{ "name": "e", "match": earlier }, { "name": "l", "match": later }]
        });
        let run = validate("p.json", policy.to_string().as_bytes());
        assert_eq!(run.code, 0, "{run:?}");
        assert_eq!(
            run.out.contains("[rule_never_matches]"),
            covers,
            "{earlier} {later}"
        );
    }
}

#[test]
fn a_terminal_obeys_no_policy() {
    let policy = "version: 1\n\"mo\\e[31mde\": 1\n";
    let run = validate("p.yaml", policy.as_bytes());
    assert_eq!(run.code, 1);
    assert!(!run.out.contains('\x1b'), "{:?}", run.out);
}
