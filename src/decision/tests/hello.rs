//! Each accept has its nearest reject; and no prefix, cut or change panics.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails may panic"
)]

use super::*;
use crate::decision::tls_record::{MAX_ALERTS, MAX_MESSAGE, MAX_OPENING};

fn with_u16(content: &[u8]) -> Vec<u8> {
    [
        &u16::try_from(content.len()).unwrap().to_be_bytes(),
        content,
    ]
    .concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &with_u16(content)].concat()
}

fn sni(name: &[u8]) -> Vec<u8> {
    extension(0, &with_u16(&[&[0], &with_u16(name)[..]].concat()))
}

fn versions(list: &[u16]) -> Vec<u8> {
    let bytes: Vec<u8> = list.iter().flat_map(|v| v.to_be_bytes()).collect();
    let length = u8::try_from(bytes.len()).unwrap();
    extension(43, &[&[length], &bytes[..]].concat())
}

/// The body of a ClientHello of this legacy version, with these extensions.
fn body(legacy: u16, extensions: &[Vec<u8>]) -> Vec<u8> {
    let mut body = legacy.to_be_bytes().to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.extend(with_u16(&[0x13, 0x01, 0xc0, 0x2b]));
    body.extend([1, 0]);
    if !extensions.is_empty() {
        body.extend(with_u16(&extensions.concat()));
    }
    body
}

fn message(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[1, length[1], length[2], length[3]], body].concat()
}

/// The message in records of so many bytes.
fn records(message: &[u8], size: usize) -> Vec<u8> {
    message
        .chunks(size)
        .flat_map(|chunk| [&[22, 3, 1], &with_u16(chunk)[..]].concat())
        .collect()
}

fn hello(legacy: u16, extensions: &[Vec<u8>]) -> Vec<u8> {
    records(&message(&body(legacy, extensions)), 1 << 14)
}

fn read(bytes: &[u8]) -> ClientHello {
    match read_client_hello(bytes) {
        Opening::Hello(hello) => hello,
        other => panic!("{other:?}"),
    }
}

fn is_other(bytes: &[u8]) -> bool {
    matches!(read_client_hello(bytes), Opening::Other(_))
}

#[test]
fn name_and_versions_are_read() {
    let extensions = [
        sni(b"DB.example"),
        versions(&[0x3a3a, 0x0304, 0x0303, 0x7f1c]),
    ];
    let hello = read(&hello(0x0303, &extensions));
    assert_eq!(hello.server_name.as_deref(), Some("db.example"));
    assert_eq!(hello.newest, Some(TlsVersion::Tls13));
}

#[test]
fn without_a_list_the_legacy_version_is_what_is_offered() {
    for (legacy, expected) in [
        (0x0300, None),
        (0x0301, Some(TlsVersion::Tls10)),
        (0x0303, Some(TlsVersion::Tls12)),
        (0x0304, Some(TlsVersion::Tls12)),
        (0x7f7f, Some(TlsVersion::Tls12)),
    ] {
        assert_eq!(read(&hello(legacy, &[])).newest, expected);
    }
    let ssl = versions(&[0x0300, 0x0002]);
    assert_eq!(read(&hello(0x0303, &[ssl])).newest, None);
}

#[test]
fn every_prefix_is_incomplete_and_every_split_is_read() {
    let message = message(&body(0x0303, &[sni(b"a.example"), versions(&[0x0304])]));
    for size in [1, 2, 3, 40, message.len()] {
        let bytes = records(&message, size);
        for cut in 0..bytes.len() {
            assert_eq!(
                read_client_hello(&bytes[..cut]),
                Opening::Incomplete,
                "{cut}"
            );
        }
        assert_eq!(
            read(&bytes).server_name.as_deref(),
            Some("a.example"),
            "{size}"
        );
        let early = [&bytes[..], b"\x17\x03\x03early data"].concat();
        assert_eq!(read(&early), read(&bytes), "what follows is not looked at");
    }
}

#[test]
fn plaintext_is_told_by_its_first_bytes() {
    for bytes in [
        &b"G"[..],
        b"*1\r\n$4\r\nPING\r\n",
        b"\0\0\0\x08\x04\xd2\x16\x2f", // PostgreSQL's SSLRequest
        b"\x15\x03\x01\0\x02\x02\x28", // an alert
        b"\x16\x02",
        b"\x16\x03\x01\0\0",
        b"\x16\x03\x01\x40\x01",
        b"\x16\x03\x01\0\x04\x02", // a ServerHello
        b"\x80\x2e\x01\x03\x01",   // an SSL 2.0 ClientHello
    ] {
        assert!(is_other(bytes), "{bytes:?}");
    }
    assert_eq!(read_client_hello(b""), Opening::Incomplete);
    // And the same is told of all that begins so.
    let hello = records(&message(&body(0x0303, &[])), 9);
    let alert = b"\x15\x02\x01\0\0";
    for bytes in [&alert[..], &[&hello[..14], &alert[..]].concat()] {
        let first = bytes.len() - alert.len() + 1;
        for len in first..bytes.len() {
            assert_eq!(read_client_hello(&bytes[..len]), read_client_hello(bytes));
        }
    }
}

#[test]
fn a_malformed_hello_is_none() {
    let good = body(0x0303, &[sni(b"a"), versions(&[0x0304])]);
    assert!(!is_other(&records(&message(&good), 999)));
    let name_of_255 = [b'a'; 255];
    read(&hello(0x0303, &[sni(&name_of_255)]));
    for (what, extensions) in [
        ("two of one type", vec![sni(b"a"), sni(b"a")]),
        ("an empty name", vec![sni(b"")]),
        ("a long name", vec![sni(&[b'a'; 256])]),
        ("a NUL in the name", vec![sni(b"a\0b")]),
        ("not ASCII", vec![sni("ä".as_bytes())]),
        (
            "two names",
            vec![extension(0, &[0, 8, 0, 0, 1, b'a', 0, 0, 1, b'b'])],
        ),
        (
            "another type of name",
            vec![extension(0, &[0, 4, 1, 0, 1, b'a'])],
        ),
        ("no version", vec![extension(43, &[0])]),
        ("half a version", vec![extension(43, &[1, 3])]),
        ("versions, and more", vec![extension(43, &[2, 3, 4, 0])]),
        ("GREASE alone", vec![versions(&[0x3a3a])]),
    ] {
        assert!(is_other(&hello(0x0303, &extensions)), "{what}");
    }
    let mut trailing = good.clone();
    trailing.push(0);
    assert!(is_other(&records(&message(&trailing), 999)));
    let mut short = good;
    short.pop();
    assert!(is_other(&records(&message(&short), 999)));
}

#[test]
fn what_is_too_long_is_refused_before_it_is_there() {
    assert!(is_other(b"\x16\x03\x01\x40\0\x01\0\x40\x01"));
    assert_eq!(
        read_client_hello(b"\x16\x03\x01\x40\0\x01\0\x40\0"),
        Opening::Incomplete
    );
    // The longest message in the smallest records that are allowed it fits.
    let padding = vec![0; MAX_MESSAGE - body(0x0303, &[sni(b"a")]).len() - 4];
    let longest = message(&body(0x0303, &[sni(b"a"), extension(21, &padding)]));
    assert_eq!(longest.len(), MAX_MESSAGE + 4);
    read(&records(&longest, 65));
    let crumbs = records(&longest, 1);
    assert_eq!(
        read_client_hello(&crumbs[..MAX_OPENING - 1]),
        Opening::Incomplete
    );
    assert!(is_other(&crumbs[..MAX_OPENING]));
}

#[test]
fn no_change_of_a_byte_panics() {
    let bytes = hello(0x0303, &[sni(b"a.example"), versions(&[0x0304])]);
    for at in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut changed = bytes.clone();
            changed[at] = value;
            let _ = read_client_hello(&changed);
        }
    }
}

/// The body of a ServerHello of this legacy version, with these extensions.
fn answer(legacy: u16, extensions: &[Vec<u8>]) -> Vec<u8> {
    let mut body = legacy.to_be_bytes().to_vec();
    body.extend([7; 32]);
    body.extend([0, 0x13, 0x01, 0]);
    if !extensions.is_empty() {
        body.extend(with_u16(&extensions.concat()));
    }
    let mut message = message(&body);
    message[0] = 2;
    message
}

#[test]
fn a_server_names_the_version_that_it_chose() {
    let selected = extension(43, &[3, 4]);
    for (message, expected) in [
        (
            answer(0x0303, std::slice::from_ref(&selected)),
            Some(TlsVersion::Tls13),
        ),
        (answer(0x0303, &[]), Some(TlsVersion::Tls12)),
        (answer(0x0301, &[]), Some(TlsVersion::Tls10)),
        (answer(0x0300, &[]), None),
        (answer(0x0303, &[extension(43, &[3, 5])]), None),
    ] {
        // A certificate may follow in the same record.
        let record = records(&[&message[..], &[11, 0, 0, 1, 0]].concat(), 999);
        for cut in 0..5 + message.len() {
            assert_eq!(read_server_hello(&record[..cut]), Opening::Incomplete);
        }
        let hello = ServerHello { version: expected };
        assert_eq!(read_server_hello(&record), Opening::Hello(hello));
        let warned = [b"\x15\x03\x03\0\x02\x01\x70", &record[..]].concat();
        assert_eq!(read_server_hello(&warned), Opening::Hello(hello));
    }
    // A whole record of a hello that is not whole is no alert, whatever came before.
    let pieces = records(&answer(0x0303, &[]), 20);
    let warned = [b"\x15\x03\x03\0\x02\x01\x70", &pieces[..25]].concat();
    assert_eq!(read_server_hello(&warned), Opening::Incomplete);
    assert_eq!(
        read_server_hello(b"\x15\x03\x03\0\x02\x02"),
        Opening::Incomplete
    );
    for bytes in [
        &b"+PONG\r\n"[..],
        b"\x17\x03\x03\0\x01\0",
        &hello(0x0303, &[]),
        &records(&answer(0x0303, &[extension(43, &[3])]), 999),
        &records(&answer(0x0303, &[selected.clone(), selected]), 999),
        b"\x15\x03\x03\0\x02\x01\x70HTTP",
    ] {
        let read = read_server_hello(bytes);
        assert!(matches!(read, Opening::Other(_)), "{bytes:?}: {read:?}");
    }
}

#[test]
fn before_the_answer_of_a_server_a_few_alerts_may_come_and_nothing_else() {
    const WARNING: &[u8] = b"\x15\x03\x03\0\x02\x01\x70";
    const FATAL: &[u8] = b"\x15\x03\x03\0\x02\x02\x28";
    let answer = records(&answer(0x0303, &[]), 999);
    for count in 1..=MAX_ALERTS {
        let alerts = [&WARNING.repeat(count - 1)[..], FATAL].concat();
        assert_eq!(read_server_hello(&alerts), Opening::Alerts(count));
        for part in 1..FATAL.len() {
            let cut = &alerts[..alerts.len() - part];
            assert_eq!(read_server_hello(cut), Opening::Incomplete, "{cut:?}");
        }
        for part in 1..answer.len() {
            let cut = [&alerts[..], &answer[..part]].concat();
            assert_eq!(read_server_hello(&cut), Opening::Incomplete, "{cut:?}");
        }
        let whole = [alerts, answer.clone()].concat();
        assert!(matches!(read_server_hello(&whole), Opening::Hello(_)));
    }
    // A hello whose records end where the bytes do.
    let crumbs = [FATAL, &records(&answer[5..], 1)[..18]].concat();
    assert_eq!(read_server_hello(&crumbs), Opening::Incomplete);
    for bytes in [
        WARNING.repeat(MAX_ALERTS + 1),
        [WARNING.repeat(MAX_ALERTS + 1), answer].concat(),
        b"\x15\x03\x03\0\x01\x02".to_vec(),
        b"\x15\x03\x03\0\x03".to_vec(),
        b"\x15\x03\x03\0\x04\x01\x70\x02\x28".to_vec(),
        b"\x15\x03\x03\0\x17+OK POP3 server ready\r\n".to_vec(),
        b"\x15\x03\x03\0\x02OK".to_vec(),
        b"\x15\x03\x03\0\x02\0".to_vec(),
        b"\x15\x03\x03\x40\0\x01".to_vec(),
    ] {
        let read = read_server_hello(&bytes);
        assert!(matches!(read, Opening::Other(_)), "{bytes:?}: {read:?}");
    }
}
