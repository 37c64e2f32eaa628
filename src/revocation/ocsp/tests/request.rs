//! The bytes that ask.

use super::openssl::Workshop;
use super::responder::*;
use crate::revocation::ocsp::encoding::tag;
use crate::revocation::ocsp::{CertIdHash, MAX_GET_URL, Nonce, get_path, request};
use crate::trust::der::{self, Reader, wrap};

#[test]
fn one_question_by_nobody() {
    let question = WORLD.question();
    let asked = request(&question, CertIdHash::Sha1, None);
    // OCSPRequest { TBSRequest { requestList { Request { CertID } } } } and
    // nothing else: no version, no name, no extension, no signature.
    let mut content = &asked[..];
    for _level in ["OCSPRequest", "TBSRequest", "requestList", "Request"] {
        content = der::single(content, tag::SEQUENCE).unwrap();
    }
    assert_eq!(content, cert_id(SHA1, sha1));
}

#[test]
fn with_sha_256() {
    let asked = request(&WORLD.question(), CertIdHash::Sha256, None);
    let algorithm = [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0];
    let id = cert_id(&algorithm, |bytes| {
        use sha2::Digest as _;
        sha2::Sha256::digest(bytes).to_vec()
    });
    assert!(asked.ends_with(&id));
}

#[test]
fn with_a_nonce() {
    let asked = request(
        &WORLD.question(),
        CertIdHash::Sha1,
        Some(&Nonce::new([7; 32])),
    );
    let tbs = der::single(&asked, tag::SEQUENCE).unwrap();
    let mut tbs = Reader::new(der::single(tbs, tag::SEQUENCE).unwrap());
    tbs.expect(tag::SEQUENCE).unwrap();
    let extensions = tbs.expect(tag::context_constructed(2)).unwrap();
    tbs.end().unwrap();
    let nonce = extension(
        &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2],
        None,
        &wrap(tag::OCTET_STRING, &[7; 32]),
    );
    assert_eq!(extensions, sequence(&[&nonce]));
}

#[test]
fn openssl_reads_it() {
    let workshop = Workshop::new();
    let nonce = Nonce::new([0xab; 32]);
    for (hash, name) in [(CertIdHash::Sha1, "sha1"), (CertIdHash::Sha256, "sha256")] {
        workshop.write("q.der", &request(&WORLD.question(), hash, Some(&nonce)));
        let text = workshop.output("ocsp -reqin q.der -req_text -noverify");
        let expected = [
            "Version: 1 (0x0)",
            &format!("Hash Algorithm: {name}"),
            "Serial Number: FE010203",
            "OCSP Nonce",
        ];
        for line in expected {
            assert!(text.contains(line), "{line} is not in {text}");
        }
        assert_eq!(text.matches("Certificate ID").count(), 1);
        assert!(!text.contains("Requestor Name") && !text.contains("Signature"));
    }
}

#[test]
fn by_get_where_it_is_short() {
    let asked = [0xfb, 0xff, 0xfe, 0];
    let path = "/%2B%2F%2F%2BAA%3D%3D";
    for (base, expected) in [
        ("http://ocsp.example", path.to_owned()),
        ("http://ocsp.example/", path.to_owned()),
        ("http://ocsp.example:8080/ca/one", format!("/ca/one{path}")),
        ("http://ocsp.example/ca/", format!("/ca{path}")),
    ] {
        assert_eq!(get_path(base, &asked), Some(expected), "{base}");
    }
    for base in [
        "",
        "/",
        "ocsp.example/ca",
        "://ocsp.example",
        "http://",
        "http:///ca",
        "http://ocsp.example/ca?a=b",
        "http://ocsp.example/ca#a",
    ] {
        assert_eq!(get_path(base, &asked), None, "{base}");
    }
}

#[test]
fn up_to_255_octets_of_url() {
    // "http://h/" and 4 of base64 for 3 of request.
    let asked = vec![0; 183];
    let base = "http://h/";
    let path = get_path(&format!("{base}a"), &asked).unwrap();
    assert_eq!("http://h".len() + path.len(), MAX_GET_URL);
    assert_eq!(get_path(&format!("{base}ab"), &asked), None);
    // An ordinary request fits: 20 octets of serial number.
    assert!(get_path("http://ocsp.ca.example/", &[0x30; 83]).is_some());
}
